package public

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/penjire/penjire/sync/catalog"
	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/seal"
	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/portal/page"
)

// sealMax bounds what is looked at as a seal: a QR code holds less.
const sealMax = 4296

type fact struct {
	Label string
	Value string
}

type sealView struct {
	page.Base
	Verdict string // "yes", "no" or "unknown"
	Icon    string
	Reason  string // stable code
	Why     string // text of the reason; "" where there is nothing to add
	Means   string // what that means; "" if Why is
	Kind    string // seal.Copy or seal.Receipt; "" when it cannot be read
	Service string
	Facts   []fact      // to compare with the paper; none of a seal that is not genuine
	Partly  string      // that the seal does not carry every fact; "" if it does
	About   []fact      // who signed, when, until when
	Fresh   string      // that only this portal can check it so far; "": everybody can
	Lists   string      // how old the knowledge of revocations is
	Number  string      // check number
	Arrived []page.Step // of a receipt: whether the request is here, and what the kiosk's journal says
}

type checkFormView struct {
	page.Base
	Number    string // as it was typed
	Wrong     string // key; of the number
	WrongFile string // key
}

func (p *Pages) checkForm(w http.ResponseWriter, r *http.Request) {
	p.send(w, http.StatusOK, "check-form", checkFormView{Base: p.base(w, r, "/check")})
}

// check takes a typed check number or a pasted seal, whichever field it is in.
// What it says stays out of the address.
func (p *Pages) check(w http.ResponseWriter, r *http.Request) {
	v := checkFormView{Base: p.base(w, r, "/check"), Number: r.PostFormValue("number")}
	if len(v.Number) > 64 {
		v.Number = ""
	}
	text := strings.Join(strings.Fields(r.PostFormValue("seal")), "")
	switch number, err := edoc.ParseCode(strings.Join(strings.Fields(v.Number), "")); {
	case err == nil:
		p.number(w, r, v, number)
		return
	case strings.TrimSpace(v.Number) != "" || text == "":
		p.again(w, http.StatusUnprocessableEntity, v, "wrong.number")
		return
	}
	if number, err := edoc.ParseCode(text); err == nil {
		v.Number = text
		p.number(w, r, v, number)
		return
	}
	v.Post = map[string]string{"seal": text}
	p.show(w, r, v.Base, text)
}

// again shows the form with what is wrong with the number.
func (p *Pages) again(w http.ResponseWriter, status int, v checkFormView, key string) {
	v.Fault, v.Wrong = true, key
	p.send(w, status, "check-form", v)
}

// number shows the seal of the copy with that check number. The seal is in the
// registry since the agency answered, and is verified now as a scanned one is.
func (p *Pages) number(w http.ResponseWriter, r *http.Request, v checkFormView, number string) {
	if !p.numbers.Allow(r) {
		w.Header().Set("Retry-After", "60")
		p.again(w, http.StatusTooManyRequests, v, "wrong.slow")
		return
	}
	found, err := p.portal.Ledger().ByCheckNumber(r.Context(), number)
	switch {
	case err != nil:
		p.fail(w, r, err)
	case len(found) == 0:
		// A tracking code looks the same: who typed that one here gets its answer.
		list, err := p.portal.Ledger().ByCode(r.Context(), number)
		switch {
		case err != nil:
			p.fail(w, r, err)
		case len(list) > 0:
			v.Self = "/status"
			p.standings(w, r, v.Base, number, list)
		default:
			p.again(w, http.StatusNotFound, v, "wrong.no-copy")
		}
	case len(found) > 1: // 45 bits: it happens once in millions of copies
		p.again(w, http.StatusConflict, v, "wrong.copies")
	default:
		v.Post = map[string]string{"number": number}
		p.show(w, r, v.Base, found[0])
	}
}

// seal checks the seal in the address of a printed code. Scanners and people
// may have changed the case of its letters.
func (p *Pages) seal(w http.ResponseWriter, r *http.Request) {
	text := strings.ToUpper(r.PathValue("seal"))
	b := p.base(w, r, "/v/"+text)
	p.show(w, r, b, text)
}

func (p *Pages) show(w http.ResponseWriter, r *http.Request, b page.Base, text string) {
	v := sealView{Base: b, Verdict: string(trust.Unknown), Reason: "seal.unreadable"}
	var s *seal.Sealed
	if len(text) <= sealMax {
		s, _ = seal.Parse(text) // what cannot be read is said on the page
	}
	if s != nil {
		if err := p.checked(r.Context(), &v, s); err != nil {
			p.fail(w, r, err)
			return
		}
	}
	v.Icon = map[string]string{"yes": "check", "no": "cross"}[v.Verdict]
	if v.Icon == "" {
		v.Icon = "question"
	}
	if k := "reason." + v.Reason; p.texts.Has(k) {
		v.Why, _ = v.T(k)
		v.Means, _ = v.T("means." + v.Reason)
	}
	p.send(w, http.StatusOK, "seal", v)
}

// checked verifies the seal and puts what it found into words.
func (p *Pages) checked(ctx context.Context, v *sealView, s *seal.Sealed) error {
	bundle := p.bundle()
	found, fresh, err := p.verified(ctx, s, bundle, v.Now)
	if err != nil {
		return err
	}
	v.Verdict, v.Reason, v.Kind = string(found.Verdict), found.Reason, s.Kind
	w := page.Writer{Base: v.Base}
	age, err := v.Span(max(found.RevocationAge, time.Minute))
	if err != nil {
		return err
	}
	if found.SignerCert != nil { // else nothing was looked up
		v.Lists = w.T("seal.lists", age)
	}
	if fresh && found.Verdict == trust.Yes {
		v.Fresh = w.T("seal.new-kiosk")
	}
	if found.Verdict == trust.No {
		// What a forgery says is nobody's statement: it is not repeated here.
		return w.Err
	}
	cat := p.portal.Catalogue()
	service, known := cat.Service(s.Service)
	v.Service = s.Service
	if known {
		v.Service = service.Title.In(v.Lang)
	}
	issuer := s.Issuer
	if a, ok := cat.Agency(s.Issuer); ok {
		issuer = a.Name.In(v.Lang)
	}
	add := func(list *[]fact, key, value string) {
		if value != "" {
			*list = append(*list, fact{w.T(key), value})
		}
	}
	for _, f := range s.Facts {
		v.Facts = append(v.Facts, fact{factLabel(service, f[0], v.Lang), f[1]})
	}
	if s.Total != 0 {
		whole, err := p.whole(ctx, s, service, v.Lang)
		if err != nil {
			return err
		}
		v.Partly = w.T("seal.partly", len(s.Facts), s.Total)
		if whole != nil {
			v.Facts, v.Partly = whole, w.T("seal.whole", len(s.Facts), s.Total)
		}
	}
	add(&v.Facts, "seal.subject", s.Subject)
	add(&v.About, "seal.issuer."+s.Kind, issuer)
	add(&v.About, "seal.signer", found.SignerName)
	add(&v.About, "seal.date", v.Date(s.Date))
	if !s.Expires.IsZero() {
		add(&v.About, "seal.expires", v.Date(s.Expires))
	}
	if s.Kind == seal.Receipt {
		add(&v.About, "seal.index", strconv.FormatInt(s.Index, 10))
		add(&v.About, "seal.size", strconv.FormatInt(s.Size, 10))
		add(&v.About, "seal.root", hexGroups(s.Root))
		if err := p.arrived(ctx, v, s); err != nil {
			return err
		}
	}
	if s.Kind == seal.Copy { // a receipt has it too, but the portal keeps no receipts to find
		v.Number = formatCode(s.CheckNumber())
	}
	return w.Err
}

// whole returns all facts of the answer that a copy's seal is of, from the
// signed answer in the registry: the seal has room for some. It returns nil
// where the answer is not here, or does not verify.
func (p *Pages) whole(ctx context.Context, s *seal.Sealed, service *catalog.Service, lang string) ([]fact, error) {
	found, err := p.portal.Ledger().ByAnswer(ctx, s.Doc)
	if err != nil || len(found) != 1 || found[0].Answer == nil {
		return nil, err
	}
	c, err := edoc.Parse(found[0].Answer.Container)
	if err != nil {
		return nil, fmt.Errorf("public: read the answer that a seal is of: %w", err)
	}
	id := c.ID()
	if !bytes.HasPrefix(id[:], s.Doc) || !c.Verify(p.bundle(), p.now()).Accepted() {
		return nil, nil
	}
	var facts []fact
	for _, f := range c.Document().Facts {
		facts = append(facts, fact{factLabel(service, f.Name, lang), f.Value.Reveal()})
	}
	return facts, nil
}

// arrived says whether what a kiosk's receipt speaks of has reached the portal.
func (p *Pages) arrived(ctx context.Context, v *sealView, s *seal.Sealed) error {
	found, err := p.portal.Ledger().ByDoc(ctx, s.Doc)
	if err != nil {
		return err
	}
	note, err := v.T("seal.not-arrived.note")
	if err != nil {
		return err
	}
	step := page.Step{Key: "seal.not-arrived", Look: page.Current, Icon: "clock", Note: note}
	if len(found) > 0 {
		step = page.Step{Key: "seal.arrived", At: found[0].Received, Look: page.Done, Icon: "check"}
	}
	v.Arrived = []page.Step{step}
	seen, err := p.witnessed(ctx, v, s)
	if err != nil {
		return err
	}
	v.Arrived = append(v.Arrived, seen...)
	return v.Words(v.Arrived)
}

// factLabel returns the label of a fact as the paper has it.
func factLabel(s *catalog.Service, name, lang string) string {
	if s != nil {
		for _, f := range s.Result.Facts {
			if f.Name == name {
				return f.Label.In(lang)
			}
		}
	}
	return name
}
