package public

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/penjire/penjire/sync/catalog"
	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/envelope"
	"github.com/penjire/penjire/sync/edoc/explain"
	"github.com/penjire/penjire/sync/edoc/seal"
	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/portal/page"
)

// A file is looked at in memory and never written anywhere, so that its size and
// how many there are at once are bounded.
const (
	fileMax     = 16 << 20
	filesAtOnce = 4
)

// answerLine is one answer of a check, in words.
type answerLine struct {
	Verdict string
	Icon    string
	Title   string
	Found   string
	Means   string
	Reason  string // stable code; "" where there is nothing to look up
}

// signed is one signature, in words.
type signed struct {
	By      string
	Level   string
	When    []string
	Answers []answerLine // of a further signature; of the first they are above
	Counter []string
}

type documentView struct {
	page.Base
	Verdict string
	Icon    string
	// Provisional: in order as long as nothing but the signer's clock says when.
	Provisional bool
	Answers     []answerLine
	Kind        string // edoc.KindRequest or KindAnswer; "" where nothing of it is to be believed
	Heading     string
	Facts       []fact
	Signatures  []signed
	Lists       string
	Here        []page.Step
}

// file checks a file that somebody sends. Nothing of it is kept, not even its
// name: neither on the disk nor in the log nor in an address.
func (p *Pages) file(w http.ResponseWriter, r *http.Request) {
	v := checkFormView{Base: p.base(w, r, "/check")}
	again := func(status int, key string) {
		v.Fault, v.WrongFile = true, key
		p.send(w, status, "check-form", v)
	}
	if !p.uploads.Allow(r) {
		w.Header().Set("Retry-After", "60")
		again(http.StatusTooManyRequests, "wrong.slow")
		return
	}
	select {
	case p.hands <- struct{}{}:
		defer func() { <-p.hands }()
	default:
		w.Header().Set("Retry-After", "60")
		again(http.StatusServiceUnavailable, "file.busy")
		return
	}
	data, err := upload(r)
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large) || len(data) > fileMax:
		again(http.StatusRequestEntityTooLarge, "file.large")
		return
	case err != nil:
		again(http.StatusBadRequest, "file.nothing")
		return
	case len(data) == 0:
		again(http.StatusUnprocessableEntity, "file.nothing")
		return
	}
	if text := strings.TrimSpace(string(data[:min(len(data), sealMax)])); len(data) <= sealMax && !bytes.HasPrefix(data, []byte("PK")) {
		if _, err := seal.Parse(text); err == nil {
			p.show(w, r, v.Base, text)
			return
		}
	}
	if k, err := envelope.ParsePacket(data); err == nil { // the seal of its copy has a page of its own
		data = k.Container
	}
	d, err := p.document(r, v.Base, data)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	p.send(w, http.StatusOK, "document", d)
}

// upload reads the field «file» of a form without putting anything on the disk,
// which Request.ParseMultipartForm might.
func upload(r *http.Request) ([]byte, error) {
	form, err := r.MultipartReader()
	if err != nil {
		return nil, err
	}
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		if part.FormName() == "file" {
			return io.ReadAll(io.LimitReader(part, fileMax+1))
		}
	}
}

// document checks a container and puts what it found into words.
func (p *Pages) document(r *http.Request, b page.Base, data []byte) (*documentView, error) {
	v := &documentView{Base: b}
	c, err := edoc.Parse(data)
	if err != nil { // what is wrong with it, penjire verify says
		v.judge(v.line(explain.Whole, trust.Finding{Verdict: trust.No, Reason: explain.ReasonUnreadable}))
		return v, nil
	}
	rep := c.VerifyWith(p.bundle(), v.Now, edoc.Options{Catalogue: p.portal.Catalogue()})
	v.judge(v.line(explain.Whole, rep.Whole), v.line(explain.Signer, rep.Signer), v.line(explain.Revocation, rep.Revocation))
	v.Provisional = rep.Provisional && v.Verdict == string(trust.Yes)
	v.Answers = append(v.Answers, v.line(explain.Stamp, rep.Stamp))
	w := page.Writer{Base: b}
	if rep.SignerCert != nil {
		age, err := b.Span(max(rep.RevocationAge, time.Minute))
		if err != nil {
			return nil, err
		}
		v.Lists = w.T("file.age", age)
	}
	if rep.Whole.Verdict != trust.Yes {
		return v, w.Err // what it says is nobody's statement: it is not repeated
	}
	p.stated(&w, v, c.Document(), c)
	for i, s := range rep.Signatures {
		v.Signatures = append(v.Signatures, p.signature(&w, i, s, c.Level(i)))
	}
	if w.Err != nil {
		return nil, w.Err
	}
	return v, p.here(r, v, c)
}

// judge takes the answers that the verdict follows from.
func (v *documentView) judge(lines ...answerLine) {
	v.Answers, v.Verdict = lines, string(trust.Yes)
	for _, l := range lines {
		if l.Verdict == string(trust.No) || l.Verdict == string(trust.Unknown) && v.Verdict == string(trust.Yes) {
			v.Verdict = l.Verdict
		}
	}
	v.Icon = iconOf(v.Verdict)
}

func (v *documentView) line(q explain.Question, f trust.Finding) answerLine {
	return inWords(v.Lang, q, f)
}

func inWords(lang string, q explain.Question, f trust.Finding) answerLine {
	t := explain.Finding(lang, q, f)
	l := answerLine{Verdict: string(f.Verdict), Icon: iconOf(string(f.Verdict)), Title: explain.Heading(lang, q, f.Verdict), Found: t.Found, Means: t.Means}
	if f.Reason != trust.ReasonOK {
		l.Reason = f.Reason
	}
	return l
}

func iconOf(verdict string) string {
	switch verdict {
	case string(trust.Yes):
		return "check"
	case string(trust.No):
		return "cross"
	}
	return "question"
}

// stated lists what was signed: the requisites, and of an answer what it states.
func (p *Pages) stated(w *page.Writer, v *documentView, d *edoc.Document, c *edoc.Container) {
	v.Kind, v.Heading = d.Kind, d.Name
	service, known := p.portal.Catalogue().Service(d.Service)
	if known {
		v.Heading = service.Title.In(v.Lang)
	}
	add := func(key, value string) {
		if value = strings.TrimSpace(value); value != "" {
			v.Facts = append(v.Facts, fact{w.T(key), value})
		}
	}
	add("file.sender", party(d.Sender))
	add("file.addressee", party(d.Addressee))
	add("file.made", v.Moment(d.Made))
	add("file.kiosk", d.Kiosk)
	for _, f := range d.Facts {
		v.Facts = append(v.Facts, fact{factLabel(service, f.Name, v.Lang), f.Value.Reveal()})
	}
	v.Facts = append(v.Facts, given(service, d, v.Lang)...)
	add("file.text", d.Text.Reveal())
	for _, a := range d.Attachments {
		add("file.attachment", a.Name)
	}
	if d.Kind == edoc.KindRequest {
		add("file.code", formatCode(c.Code()))
	}
	add("file.id", hexGroups(idBytes(c)))
}

func idBytes(c *edoc.Container) []byte {
	id := c.ID()
	return id[:]
}

// given returns what was answered to the service's questions, in their order.
func given(s *catalog.Service, d *edoc.Document, lang string) []fact {
	var out []fact
	seen := map[string]bool{}
	if s != nil {
		for _, row := range s.Survey {
			if x := d.Answers.Get(row.Name); x != "" && !seen[row.Name] {
				seen[row.Name] = true
				label := row.Label.In(lang)
				if label == "" {
					label = row.Name
				}
				out = append(out, fact{label, s.Display(row, x, lang)})
			}
		}
	}
	for _, n := range d.Answers.Names() {
		if !seen[n] {
			out = append(out, fact{n, d.Answers.Get(n)})
		}
	}
	return out
}

func party(q edoc.Party) string {
	name := strings.Join(strings.Fields(q.Surname.Reveal()+" "+q.Name.Reveal()+" "+q.Patronymic.Reveal()), " ")
	for _, x := range []string{q.Organisation, q.Position} {
		if x != "" && name != "" {
			name += ", "
		}
		name += x
	}
	return name
}
