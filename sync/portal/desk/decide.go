package desk

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/penjire/penjire/sync/catalog"
	"github.com/penjire/penjire/sync/citizen"
	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/portal"
)

// decisions are what an officer may do, by the word in the address.
var decisions = map[string]ledger.State{
	"answer": ledger.Answered,
	"refuse": ledger.Refused,
	"return": ledger.Returned,
}

func isAnswered(err error) bool { return errors.Is(err, ledger.ErrAnswered) }

// Limits of what an officer writes, in characters. A fact goes into a printed
// code that a telephone has to read.
const (
	textMax = 4000
	factMax = 120
	// factsMax bounds all facts together, in bytes of UTF-8: so much still makes
	// a code of a size that a receipt's paper holds.
	factsMax = 600
)

// factField is one line of the copy that the officer fills in.
type factField struct {
	Name  string
	Label string
	Value string
	Wrong string // key; "" for nothing
}

// draft is what the officer has written so far.
type draft struct {
	Text      string
	TextWrong string // key
	Facts     []factField
}

func (f *draft) faulty() bool {
	if f.TextWrong != "" {
		return true
	}
	for _, x := range f.Facts {
		if x.Wrong != "" {
			return true
		}
	}
	return false
}

// check notes what is wrong with a draft of that decision. An answer that
// states facts needs every fact; any other needs words.
func (f *draft) check(decision string) {
	f.TextWrong = ""
	switch {
	case f.Text == "" && (decision != "answer" || len(f.Facts) == 0):
		f.TextWrong = "wrong.empty." + decision
	case utf8.RuneCountInString(f.Text) > textMax:
		f.TextWrong = "wrong.long"
	}
	all := 0
	for i := range f.Facts {
		x := &f.Facts[i]
		x.Wrong = ""
		all += len(x.Value)
		switch {
		case x.Value == "":
			x.Wrong = "wrong.fact"
		case utf8.RuneCountInString(x.Value) > factMax:
			x.Wrong = "wrong.fact-long"
		case all > factsMax:
			x.Wrong = "wrong.facts-long"
		}
	}
}

func (f *draft) answer(state ledger.State, by string) portal.AnswerDraft {
	a := portal.AnswerDraft{Decision: state, Text: citizen.NewText(f.Text), By: by}
	for _, x := range f.Facts {
		a.Facts = append(a.Facts, portal.Fact{Name: x.Name, Value: citizen.NewText(x.Value)})
	}
	return a
}

// blank is the draft an officer begins with: for an answer the facts of the
// result, filled in from the card and the questions where the catalogue says
// so, in the applicant's language, which is the copy's.
func blank(s *catalog.Service, doc *edoc.Document, code, decision, lang string) *draft {
	f := &draft{}
	if decision != "answer" || s == nil {
		return f
	}
	who := citizen.Person{ID: doc.Sender.ID, Surname: doc.Sender.Surname, Name: doc.Sender.Name, Patronymic: doc.Sender.Patronymic}
	for _, x := range s.Result.Facts {
		v := s.FactPrefill(x, who, doc.Answers, doc.Lang)
		if x.Prefill == catalog.PrefillCode {
			v = edoc.FormatCode(code)
		}
		f.Facts = append(f.Facts, factField{Name: x.Name, Label: x.Label.In(lang), Value: v})
	}
	return f
}

// tidy takes out what does not belong into a line or a text.
func tidy(s string, lines bool) string {
	s = strings.ToValidUTF8(strings.ReplaceAll(s, "\r\n", "\n"), "")
	s = strings.Map(func(r rune) rune {
		if r < ' ' && !(lines && r == '\n') {
			return ' '
		}
		return r
	}, s)
	return strings.TrimSpace(s)
}

type formView struct {
	requestView
	Decision string // "answer", "refuse" or "return"
	Draft    *draft
	Preview  bool   // everything is there: shown once more before it is signed
	In       string // the applicant's language, in its own name
	Copy     bool   // a certified copy with a printed seal comes of it
}

// form shows the empty form.
func (d *Desk) form(w http.ResponseWriter, r *http.Request, o Officer) {
	v, ok := d.formView(w, r, o)
	if ok {
		d.send(w, http.StatusOK, "decide", v)
	}
}

// formView loads what the form is about. When it returns false it has answered.
func (d *Desk) formView(w http.ResponseWriter, r *http.Request, o Officer) (*formView, bool) {
	decision := r.PathValue("decision")
	if _, ok := decisions[decision]; !ok {
		d.fail(w, r, o, ledger.ErrNotFound)
		return nil, false
	}
	q, err := d.load(r.Context(), o, r.PathValue("doc"))
	if err != nil {
		d.fail(w, r, o, err)
		return nil, false
	}
	if q.State != ledger.Registered { // answered meanwhile, or the button pressed twice
		http.Redirect(w, r, "/desk/requests/"+hexDoc(q.Doc), http.StatusSeeOther)
		return nil, false
	}
	rv, err := d.requestView(w, r, o, q)
	if err != nil {
		d.fail(w, r, o, err)
		return nil, false
	}
	rv.Self += "/" + decision
	v := &formView{requestView: *rv, Decision: decision}
	v.Draft = blank(v.Service, v.Document, q.Code, decision, v.Lang)
	v.Copy = decision == "answer" && v.Service != nil && v.Service.Result.Kind == catalog.ResultCertifiedCopy
	for _, l := range v.Languages() {
		if l.Code == v.Document.Lang {
			v.In = l.Name
		}
	}
	return v, true
}

// decide takes the form: first to show it once more, then to sign it.
func (d *Desk) decide(w http.ResponseWriter, r *http.Request, o Officer) {
	v, ok := d.formView(w, r, o)
	if !ok {
		return
	}
	if err := r.ParseForm(); err != nil {
		http.Error(w, http.StatusText(http.StatusRequestEntityTooLarge), http.StatusRequestEntityTooLarge)
		return
	}
	v.Draft.Text = tidy(r.PostForm.Get("text"), true)
	for i := range v.Draft.Facts {
		f := &v.Draft.Facts[i]
		f.Value = tidy(r.PostForm.Get("fact."+f.Name), false)
	}
	v.Draft.check(v.Decision)
	step := r.PostForm.Get("step")
	if v.Draft.faulty() {
		v.Fault = true
		d.send(w, http.StatusUnprocessableEntity, "decide", v)
		return
	}
	if step != "sign" {
		v.Preview = step == "check"
		d.send(w, http.StatusOK, "decide", v)
		return
	}
	err := d.sign(r.Context(), o, v.Req.Request, v.Decision, v.Draft)
	if err != nil && !isAnswered(err) {
		d.fail(w, r, o, err)
		return
	}
	// Whoever pressed first was answered: this page shows what was signed.
	http.Redirect(w, r, "/desk/requests/"+v.Req.Doc+"?done", http.StatusSeeOther)
}

// sign has the portal sign and store the answer.
func (d *Desk) sign(ctx context.Context, o Officer, q ledger.Request, decision string, f *draft) error {
	// A browser that goes away while the key works must not leave half an answer.
	_, err := d.portal.Answer(context.WithoutCancel(ctx), o.Agency, q.Doc, f.answer(decisions[decision], o.Name))
	if err != nil {
		return fmt.Errorf("desk: %s %s: %w", decision, hexDoc(q.Doc), err)
	}
	d.log.Info("desk: decided", "doc", hexDoc(q.Doc), "decision", decision, "officer", o.ID)
	return nil
}
