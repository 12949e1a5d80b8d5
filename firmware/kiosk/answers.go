package kiosk

import (
	"context"
	"errors"
	"fmt"
	"image"
	"runtime/debug"
	"strings"

	"filippo.io/age"

	"github.com/penjire/penjire/firmware/printing"
	"github.com/penjire/penjire/firmware/session"
	"github.com/penjire/penjire/firmware/signing"
	"github.com/penjire/penjire/sync/catalog"
	"github.com/penjire/penjire/sync/citizen"
	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/envelope"
	"github.com/penjire/penjire/sync/edoc/seal"
	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/ui/screen"
)

// opened is an answer in the clear. It lives as long as the visit.
type opened struct {
	doc    [32]byte // of the request
	answer *edoc.Document
	id     edoc.ID // of the answer
	whole  *edoc.Container
	report edoc.Report
	seal   *seal.Sealed // nil: no copy can be certified
	over   bool         // there was a seal: it was revoked, or its term is over
	lang   string
	code   string // of the request
}

// errBadAnswer is wrapped by everything that makes an answer one that is not
// shown.
var errBadAnswer = errors.New("the answer does not verify")

// openAnswer unseals the answer to a request, verifies it, and says what is in
// it.
func (k *Kiosk) openAnswer(ctx context.Context, e session.OpenAnswer) (session.Event, *opened) {
	r, err := k.box.Get(ctx, e.Doc)
	if err != nil {
		return k.storeFailed(e.Job, "open", err), nil
	}
	item, err := k.box.Item(ctx, e.Doc)
	if err != nil {
		return k.storeFailed(e.Job, "open", err), nil
	}
	var plain []byte
	var code string
	if e.Holder == nil {
		if code, err = edoc.ParseCode(e.Code.Reveal()); err == nil {
			plain, err = envelope.OpenWithCode(item.Bytes, code)
			// The code was stretched over 32 MiB: more than the kiosk is to
			// have for everything.
			debug.FreeOSMemory()
		}
	} else {
		plain, err = k.unseal(ctx, e, item.Bytes)
	}
	if err != nil {
		if _, ok := errors.AsType[*age.NoIdentityMatchError](err); ok {
			return session.Failed{Job: e.Job, Why: session.NotYours}, nil
		}
		return k.cardFailed(e.Job, err), nil
	}
	if r.Code = codeOf(r); r.Code == "" {
		r.Code = code
	}
	o, err := k.verify(r, plain)
	if err != nil {
		k.log.Error("an answer is not shown", "seq", r.Seq, "err", err)
		return session.Failed{Job: e.Job, Why: session.BadAnswer, Code: "answer.invalid"}, nil
	}
	return session.Opened{Job: e.Job, Answer: k.answer(r, o)}, o
}

func (k *Kiosk) unseal(ctx context.Context, e session.OpenAnswer, sealed []byte) ([]byte, error) {
	if k.reader == nil {
		return nil, fmt.Errorf("kiosk: open an answer: there is no reader")
	}
	end, err := k.talk(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	card, err := signing.Unlock(ctx, k.reader, e.Holder.Gen, e.Holder.Card, e.PIN)
	if err != nil {
		return nil, err
	}
	id, err := card.Opener()
	if err != nil {
		return nil, err
	}
	return envelope.Open(sealed, id)
}

// verify checks that plain is an answer to r by the agency that r was sent to.
func (k *Kiosk) verify(r outbox.Request, plain []byte) (*opened, error) {
	bad := func(err error) (*opened, error) { return nil, fmt.Errorf("%w: %w", errBadAnswer, err) }
	p, err := envelope.ParsePacket(plain)
	if err != nil {
		return bad(err)
	}
	c, err := edoc.Parse(p.Container)
	if err != nil {
		return bad(err)
	}
	bundle, now := k.know.trust(), k.clock.Now()
	d := c.Document()
	rep := c.VerifyWith(bundle, now, edoc.Options{Catalogue: k.know.catalogue()})
	switch {
	case !rep.Accepted():
		return bad(fmt.Errorf("whole %s, signer %s (%s), revocation %s",
			rep.Whole.Reason, rep.Signer.Verdict, rep.Signer.Reason, rep.Revocation.Reason))
	case d.Kind != edoc.KindAnswer || d.Request == nil || *d.Request != edoc.ID(r.Doc):
		return bad(errors.New("it answers something else"))
	}
	if svc, ok := k.know.catalogue().Service(r.Service); ok && trust.AgencyID(rep.SignerCert) != svc.Agency {
		return bad(errors.New("another agency signed it"))
	}
	o := &opened{doc: r.Doc, answer: d, id: c.ID(), whole: c, report: rep, lang: r.Lang, code: r.Code}
	if p.Seal != nil {
		s, err := seal.ParseBytes(p.Seal)
		if err != nil {
			return bad(err)
		}
		f := s.VerifyIn(k.know.catalogue().FieldOf(s.Service), bundle, now, k.know.revoked())
		o.over = f.Reason == seal.ReasonRevoked || f.Reason == seal.ReasonExpired
		if f.Verdict == trust.No && !o.over || s.Kind != seal.Copy || len(s.Doc) < 16 || [16]byte(s.Doc) != [16]byte(o.id[:16]) {
			return bad(fmt.Errorf("its seal is %s (%s)", f.Verdict, f.Reason))
		}
		if !o.over { // else the answer stays what it is: signed; there is only no copy of it any more
			o.seal = s
		}
	}
	return o, nil
}

// answer is what the visit is shown of o.
func (k *Kiosk) answer(r outbox.Request, o *opened) session.Answer {
	a := session.Answer{
		Doc: r.Doc, Decision: o.answer.Decision, Text: o.answer.Text, Signer: o.report.SignerName,
		Signed: o.report.Claimed.In(zone), Valid: "verify.valid", Answers: o.answer.Answers,
		Copies: copies(r), CopyOver: o.over,
	}
	if !o.report.Trusted.IsZero() {
		a.Signed = o.report.Trusted.In(zone)
	}
	if o.report.Revocation.Verdict == trust.Unknown {
		a.Valid = "verify.unknown"
	}
	svc, ok := k.know.catalogue().Service(r.Service)
	a.Copy = ok && svc.Result.Kind == catalog.ResultCertifiedCopy && o.seal != nil && o.answer.Decision == edoc.Answered
	if a.Copy && r.Copy != outbox.Printed { // one of an earlier visit is not to be taken out of the printer now
		a.Paper, a.Why, a.Place = k.copyOf(r)
	}
	for _, f := range o.answer.Facts {
		a.Facts = append(a.Facts, screen.CheckLine{Name: f.Name, Label: factLabel(svc, f.Name, r.Lang), Value: f.Value})
	}
	return a
}

// copies returns how many certified copies came out or may have. The outbox
// counts papers of both kinds; a receipt is one of them.
func copies(r outbox.Request) int {
	if r.Copy != outbox.Printed && r.Copy != outbox.Unknown && r.Copy != outbox.Printing {
		return 0
	}
	n := r.Copies
	if r.Receipt == outbox.Printed || r.Receipt == outbox.Unknown {
		n--
	}
	return max(n, 1)
}

func factLabel(svc *catalog.Service, name, lang string) string {
	if svc != nil {
		for _, f := range svc.Result.Facts {
			if f.Name == name {
				return f.Label.In(lang)
			}
		}
	}
	return name
}

// printCopy queues the certified copy of an answer that this visit has opened.
func (k *Kiosk) printCopy(ctx context.Context, doc [32]byte) session.Event {
	r, err := k.print(ctx, doc, outbox.PrintCopy)
	if err != nil {
		k.log.Error("a certified copy could not be queued for printing", "err", err)
		return session.CopyPaper{Doc: doc, State: screen.PaperFailed, Why: screen.Unknown}
	}
	return k.copyState(r)
}

func (k *Kiosk) copyState(r outbox.Request) session.Event {
	p, why, place := k.copyOf(r)
	return session.CopyPaper{Doc: r.Doc, State: p, Why: why, Place: place, Copies: copies(r)}
}

// toCopy returns what a certified copy is made of: the answer that the visit has
// open.
func (k *Kiosk) toCopy(r outbox.Request) (*opened, *catalog.Service, error) {
	k.mu.Lock()
	var o *opened
	if k.visit != nil {
		o = k.visit.opened[r.Doc]
	}
	k.mu.Unlock()
	if o == nil || o.seal == nil {
		return nil, nil, fmt.Errorf("kiosk: draw a certified copy: %w", printing.ErrGone)
	}
	svc, ok := k.know.catalogue().Service(r.Service)
	if !ok {
		return nil, nil, fmt.Errorf("kiosk: draw a certified copy: the service is no longer in the catalogue: %w", printing.ErrGone)
	}
	return o, svc, nil
}

// copyPaper draws a certified copy from the opened answer. When the visit has
// ended there is none any more, and nothing is printed.
func (k *Kiosk) copyPaper(r outbox.Request, marked bool, width, dpi int) (image.Image, error) {
	o, svc, err := k.toCopy(r)
	if err != nil {
		return nil, err
	}
	agency, _ := k.know.catalogue().Agency(svc.Agency)
	to := o.answer.Addressee
	out := printing.Copy{
		Lang: o.lang, Kiosk: k.s.Kiosk, Place: k.s.Place, Title: svc.Result.Title, Agency: agency.Name,
		Signer: o.report.SignerName, Signed: o.report.Claimed.In(zone),
		Subject: fullName(to), ID: to.ID.Masked(), Code: o.code, Requested: r.Claimed.In(zone),
		Pages: max(o.answer.Pages, 1), Document: o.id, Seal: o.seal.URL(k.s.Portal.PublicURL),
		Check: o.seal.CheckNumber(), Look: k.look("/v"), Printed: k.now(), Marked: marked,
		Part: o.seal.Total != 0,
	}
	sealed := o.seal.Facts
	for _, f := range o.answer.Facts {
		x := printing.Fact{Label: factLabel(svc, f.Name, o.lang), Value: f.Value}
		if len(sealed) > 0 && sealed[0] == [2]string{f.Name, f.Value.Reveal()} {
			x.Sealed, sealed = true, sealed[1:]
		}
		out.Facts = append(out.Facts, x)
	}
	return out.Draw(width, dpi)
}

func fullName(p edoc.Party) citizen.Text {
	var s strings.Builder
	s.WriteString(p.Surname.Reveal())
	for _, t := range []citizen.Text{p.Name, p.Patronymic} {
		if !t.IsZero() {
			s.WriteString(" " + t.Reveal())
		}
	}
	return citizen.NewText(s.String())
}
