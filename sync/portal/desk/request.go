package desk

import (
	"context"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/penjire/penjire/sync/catalog"
	"github.com/penjire/penjire/sync/citizen"
	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/portal"
	"github.com/penjire/penjire/sync/portal/page"
)

func hexDoc(d ledger.Doc) string { return hex.EncodeToString(d[:]) }

func formatCode(code string) string { return edoc.FormatCode(code) }

// load returns a request of the officer's agency. Another agency's, and one
// that has no agency, are portal.ErrAgency.
func (d *Desk) load(ctx context.Context, o Officer, doc string) (ledger.Request, error) {
	id, err := hex.DecodeString(doc)
	if err != nil || len(id) != len(ledger.Doc{}) {
		return ledger.Request{}, ledger.ErrNotFound
	}
	q, err := d.portal.Ledger().Get(ctx, ledger.Doc(id))
	if err != nil {
		return ledger.Request{}, fmt.Errorf("desk: open request: %w", err)
	}
	if q.Agency != o.Agency {
		return ledger.Request{}, portal.ErrAgency
	}
	return q, nil
}

// line is one thing a document says: what it is about, and what it says.
type line struct {
	Label string
	Value string
	Name  string // of the question or the fact
}

// consent is a rule the applicant accepted.
type consent struct {
	Title   string
	Version int
	At      time.Time
}

// answerView is the agency's answer as the registry has it.
type answerView struct {
	State ledger.State
	By    string
	At    time.Time
	Text  string
	Facts []line
	Seal  string
	// Revoked says who revoked the seal, and why; nil while it is in force.
	Revoked *ledger.Revocation
}

type requestView struct {
	page.Base
	Req       entry
	Service   *catalog.Service // nil: the catalogue in force has none with that id
	Version   int              // of the service when the request was made
	Older     bool             // the catalogue has another version by now
	Document  *edoc.Document
	Applicant []line
	Answers   []line
	Consents  []consent
	Checks    []check
	Again     bool // the checks were made just now, not only at registration
	Accepted  bool
	Steps     []page.Step
	Answer    *answerView
	Received  bool // the form in which it was received is kept beside the raised one
	Done      bool // the answer was signed a moment ago
}

func (d *Desk) open(w http.ResponseWriter, r *http.Request, o Officer) {
	q, err := d.load(r.Context(), o, r.PathValue("doc"))
	if err != nil {
		d.fail(w, r, o, err)
		return
	}
	v, err := d.requestView(w, r, o, q)
	if err != nil {
		d.fail(w, r, o, err)
		return
	}
	v.Done = v.Answer != nil && r.URL.Query().Has("done")
	d.send(w, http.StatusOK, "request", v)
}

func (d *Desk) requestView(w http.ResponseWriter, r *http.Request, o Officer, q ledger.Request) (*requestView, error) {
	v := &requestView{Base: d.base(w, r, &o, "/desk/requests/"+hexDoc(q.Doc))}
	v.Req = d.entry(q, o, v.Lang, v.Now)
	c, err := edoc.Parse(q.Container)
	if err != nil {
		return nil, fmt.Errorf("desk: open request %s: %w", v.Req.Doc, err)
	}
	doc := c.Document()
	v.Document, v.Version = doc, doc.ServiceVersion
	if s, err := d.portal.ServiceOf(r.Context(), q); err == nil {
		v.Service, v.Older = s, s.Version != doc.ServiceVersion
	}
	v.Received = q.Original != nil
	v.Answers = answers(v.Service, doc, v.Lang)
	v.Consents = consents(v.Service, doc, v.Lang)
	if v.Applicant, err = d.applicant(v.Base, doc.Sender); err != nil {
		return nil, err
	}
	f := d.facts(q, c)
	v.Again, v.Accepted = f.Again, f.accepted()
	if v.Checks, err = checks(v.Base, q, f); err != nil {
		return nil, err
	}
	if v.Steps, err = steps(v.Base, v.Req); err != nil {
		return nil, err
	}
	if q.Answer != nil {
		if v.Answer, err = d.answerView(v.Service, q, v.Lang); err != nil {
			return nil, err
		}
		if v.Answer.Revoked, err = d.revoked(r.Context(), q.Doc); err != nil {
			return nil, err
		}
	}
	return v, nil
}

// answers returns what was answered with the questions in lang, in their order;
// what the catalogue in force no longer asks comes last, under its own name.
func answers(s *catalog.Service, doc *edoc.Document, lang string) []line {
	var out []line
	seen := map[string]bool{}
	if s != nil {
		for _, row := range s.Survey {
			if v := doc.Answers.Get(row.Name); v != "" && !seen[row.Name] {
				label := row.Label.In(lang)
				if label == "" { // a calculated value has no question
					label = row.Name
				}
				out = append(out, line{Label: label, Value: s.Display(row, v, lang), Name: row.Name})
				seen[row.Name] = true
			}
		}
	}
	for _, n := range doc.Answers.Names() {
		if !seen[n] {
			out = append(out, line{Label: n, Value: doc.Answers.Get(n), Name: n})
		}
	}
	return out
}

func consents(s *catalog.Service, doc *edoc.Document, lang string) []consent {
	var out []consent
	for _, c := range doc.Consents {
		l := consent{Title: c.Rule, Version: c.Version, At: c.At}
		if s != nil {
			for _, rule := range s.Rules {
				if rule.ID == c.Rule {
					l.Title = rule.Title.In(lang)
				}
			}
		}
		out = append(out, l)
	}
	return out
}

// applicant returns what the sender's requisites say (ED-7).
func (d *Desk) applicant(b page.Base, p edoc.Party) ([]line, error) {
	var out []line
	for _, f := range []struct {
		key string
		v   citizen.Text
	}{
		{"who.surname", p.Surname},
		{"who.name", p.Name},
		{"who.patronymic", p.Patronymic},
		{"who.id", p.ID.Text},
		{"who.organisation", citizen.NewText(p.Organisation)},
		{"who.postal", p.Postal},
		{"who.email", p.Email},
	} {
		if f.v.IsZero() {
			continue
		}
		label, err := b.T(f.key)
		if err != nil {
			return nil, err
		}
		out = append(out, line{Label: label, Value: f.v.Reveal()})
	}
	return out, nil
}

// answerView reads the answer out of its own signed container.
func (d *Desk) answerView(s *catalog.Service, q ledger.Request, lang string) (*answerView, error) {
	c, err := edoc.Parse(q.Answer.Container)
	if err != nil {
		return nil, fmt.Errorf("desk: open the answer to %s: %w", hexDoc(q.Doc), err)
	}
	doc := c.Document()
	a := &answerView{State: q.Answer.State, By: q.Answer.By, At: q.Answer.At, Text: doc.Text.Reveal(), Seal: sealPath(q.Answer.Seal)}
	for _, f := range doc.Facts {
		l := line{Label: f.Name, Value: f.Value.Reveal(), Name: f.Name}
		if s != nil {
			for _, cf := range s.Result.Facts {
				if cf.Name == f.Name {
					l.Label = cf.Label.In(lang)
				}
			}
		}
		a.Facts = append(a.Facts, l)
	}
	return a, nil
}

// sealPath returns the path of a seal's page here. The address in the printed
// code is the portal's public one, which the desk's browser may not reach.
func sealPath(url string) string {
	if _, text, ok := strings.Cut(url, "/V/"); ok {
		return "/v/" + text
	}
	return ""
}

// steps is the life of the request so far, and what comes next.
func steps(b page.Base, q entry) ([]page.Step, error) {
	s := []page.Step{
		{Key: "step.made", At: q.Claimed, Look: page.Done, Icon: "pen"},
		{Key: "step.received", At: q.Received, Look: page.Done, Icon: "inbox"},
		{Key: "step.registered", At: q.Registered, Look: page.Done, Icon: "list"},
	}
	if !q.Identified {
		s[0].Key = "step.made-kiosk"
	}
	switch {
	case q.Answer != nil:
		look, icon := page.Done, "check"
		switch q.State {
		case ledger.Refused:
			look, icon = page.Bad, "cross"
		case ledger.Returned:
			look, icon = page.Current, "return"
		}
		s = append(s, page.Step{Key: "state." + string(q.State), At: q.Answer.At, Look: look, Icon: icon})
	case q.Late:
		s = append(s, page.Step{Key: "step.late", At: q.Due, Look: page.Bad, Icon: "warning", Day: true})
	default:
		s = append(s, page.Step{Key: "step.due", At: q.Due, Look: page.Current, Icon: "clock", Day: true})
	}
	return s, b.Words(s)
}

func (d *Desk) assign(w http.ResponseWriter, r *http.Request, o Officer) {
	q, err := d.load(r.Context(), o, r.PathValue("doc"))
	if err == nil {
		err = d.portal.Ledger().Assign(r.Context(), q.Doc, o.ID)
	}
	if err != nil && !isAnswered(err) {
		d.fail(w, r, o, err)
		return
	}
	http.Redirect(w, r, "/desk/requests/"+hexDoc(q.Doc), http.StatusSeeOther)
}

// container gives the signed request as the file that unzip and openssl check.
func (d *Desk) container(w http.ResponseWriter, r *http.Request, o Officer) {
	q, err := d.load(r.Context(), o, r.PathValue("doc"))
	if err != nil {
		d.fail(w, r, o, err)
		return
	}
	sendContainer(w, q.Code, q.Container)
}

// original gives the request as it was received, before the portal's time stamp
// (ED-13).
func (d *Desk) original(w http.ResponseWriter, r *http.Request, o Officer) {
	q, err := d.load(r.Context(), o, r.PathValue("doc"))
	if err == nil && q.Original == nil {
		err = ledger.ErrNotFound
	}
	if err != nil {
		d.fail(w, r, o, err)
		return
	}
	sendContainer(w, q.Code+"-received", q.Original)
}

func (d *Desk) answerContainer(w http.ResponseWriter, r *http.Request, o Officer) {
	q, err := d.load(r.Context(), o, r.PathValue("doc"))
	if err == nil && q.Answer == nil {
		err = ledger.ErrNotFound
	}
	if err != nil {
		d.fail(w, r, o, err)
		return
	}
	sendContainer(w, q.Code+"-answer", q.Answer.Container)
}

// sendContainer sends b as a download. The name holds the code, not a name.
func sendContainer(w http.ResponseWriter, name string, b []byte) {
	w.Header().Set("Content-Type", "application/vnd.etsi.asic-e+zip")
	w.Header().Set("Content-Disposition", `attachment; filename="`+name+`.asice"`)
	w.Header().Set("Content-Length", fmt.Sprint(len(b)))
	_, _ = w.Write(b) // nobody is left to tell when the officer's browser went away
}
