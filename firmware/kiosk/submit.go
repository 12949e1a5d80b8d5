package kiosk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/penjire/penjire/firmware/health"
	"github.com/penjire/penjire/firmware/identity"
	"github.com/penjire/penjire/firmware/session"
	"github.com/penjire/penjire/firmware/signing"
	"github.com/penjire/penjire/sync/catalog"
	"github.com/penjire/penjire/sync/citizen"
	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/envelope"
	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/outbox"
)

// zone is Turkmenistan's: one for the whole country, without summer time.
var zone = time.FixedZone("TMT", 5*60*60)

// now is the kiosk's time for people.
func (k *Kiosk) now() time.Time { return k.clock.Now().In(zone) }

// submit signs a draft, seals it to the portal and makes it durable, in this
// order: what is in the outbox is signed, and what was accepted is in the
// outbox. A failure on the way leaves nothing behind but the PIN's tries.
func (k *Kiosk) submit(ctx context.Context, v *visit, e session.Submit) session.Event {
	if done := k.settle(ctx, v, e); done != nil {
		return done
	}
	if !k.clock.Binding() {
		return session.Failed{Job: e.Job, Why: session.NoTime}
	}
	if k.health.Holds(health.NoKey) { // its receipt could not be sealed either
		return session.Failed{Job: e.Job, Why: session.Broken, Code: health.NoKey.Code}
	}
	now := k.clock.Now().Truncate(time.Second)
	bundle := k.know.trust()
	signer, end := k.signer(), func() {}
	if h := e.Draft.Holder; h != nil {
		if k.reader == nil {
			return session.Failed{Job: e.Job, Why: session.NoReader}
		}
		var err error
		if end, err = k.talk(ctx); err != nil {
			return k.cardFailed(e.Job, err)
		}
		defer end()
		card, err := signing.Unlock(ctx, k.reader, h.Gen, h.Card, e.PIN)
		if err != nil {
			return k.cardFailed(e.Job, err)
		}
		signer = card.Signer(bundle)
		// The bundle may have changed since the card was read.
		known := bundle.CheckCard(signer.Cert, trust.UseCitizenSign, now)
		if f := known.Worst(); f.Verdict != trust.Yes {
			return session.Failed{Job: e.Job, Why: session.BadCard, Card: "untrusted", Code: f.Reason}
		}
		if reason, f := identity.Within(known.Limits, e.Draft.Service, now); f.Verdict != trust.Yes {
			return session.Failed{Job: e.Job, Why: session.BadCard, Card: string(reason), Code: f.Reason}
		}
	}
	doc := k.document(e.Draft, now)
	c, err := edoc.SignWith(doc, attachments(e.Draft.Files), signer, now)
	end()
	if err != nil {
		if e.Draft.Holder != nil {
			return k.cardFailed(e.Job, err)
		}
		k.doubt()
		k.log.Error("a document could not be signed", "service", doc.Service, "err", err)
		return session.Failed{Job: e.Job, Why: session.Broken, Code: "sign"}
	}
	draft, err := k.seal(ctx, c, bundle.Recipients)
	if errors.Is(err, outbox.ErrFull) {
		k.foundFull(k.clock.Now())
		return session.Failed{Job: e.Job, Why: session.Full}
	}
	if err != nil {
		k.log.Error("a document could not be sealed", "service", doc.Service, "err", err)
		return session.Failed{Job: e.Job, Why: session.Broken, Code: "seal"}
	}
	draft.Doc, draft.Code, draft.Signature = outbox.Doc(c.ID()), c.Code(), c.SignatureDigest()
	draft.Service, draft.ServiceVersion, draft.Lang = doc.Service, doc.ServiceVersion, doc.Lang
	draft.Claimed, draft.Due = now, k.know.catalogue().Due(e.Draft.Service, now.In(zone))
	k.keeping.RLock()
	defer k.keeping.RUnlock()
	if len(doc.AnswerTo) > 0 {
		draft.Owner = k.owners.of(e.Draft.Holder.Person.ID)
	} else if err := k.codes.keep(draft.Doc, draft.Code); err != nil {
		// The code opens the answer and finds the request, also where a card has
		// no key for answers; the receipt is to carry it, whatever happens.
		draft.Staged.Discard()
		k.log.Error("a code could not be kept for its receipt", "err", err)
		return session.Failed{Job: e.Job, Why: session.Broken, Code: "code"}
	}
	return k.store(ctx, v, e, draft)
}

func attachments(files []session.File) []edoc.Attachment {
	var out []edoc.Attachment
	for _, f := range files {
		out = append(out, edoc.Attachment{Name: f.Name, MediaType: f.MediaType, Content: edoc.At(f.Bytes, f.Size)})
	}
	return out
}

// seal seals a document to the portal, into a draft. One with files goes to the disk
// piece by piece: a kiosk has not the memory for all of it.
func (k *Kiosk) seal(ctx context.Context, c *edoc.Container, to []string) (outbox.Draft, error) {
	if len(c.Attachments()) == 0 {
		sealed, err := k.know.dictionary().Seal(c.Bytes(), to...)
		return outbox.Draft{Sealed: sealed}, err
	}
	staged, err := k.box.Stage(ctx, func(w io.Writer) error { return envelope.SealTo(w, c.WriteStored, to...) })
	return outbox.Draft{Staged: staged}, err
}

// store makes a signed draft durable.
func (k *Kiosk) store(ctx context.Context, v *visit, e session.Submit, draft outbox.Draft) session.Event {
	// It is signed: from here on only the disk decides, not the clock of this
	// effect.
	keep, cancel := context.WithTimeout(context.WithoutCancel(ctx), signTime)
	defer cancel()
	r, err := k.accept(keep, draft)
	switch {
	case errors.Is(err, outbox.ErrFull):
		draft.Staged.Discard()
		k.keepSigned(v, nil)
		k.foundFull(k.clock.Now())
		return session.Failed{Job: e.Job, Why: session.Full}
	case errors.Is(err, outbox.ErrRestored):
		draft.Staged.Discard()
		k.keepSigned(v, nil)
		return session.Failed{Job: e.Job, Why: session.Broken, Code: outbox.AlarmRestored}
	case err != nil:
		k.keepSigned(v, &signed{of: e.Draft, draft: draft})
		k.log.Error("a request could not be stored", "service", draft.Service, "err", err)
		return session.Failed{Job: e.Job, Why: session.Broken, Code: "outbox.accept"}
	}
	k.keepSigned(v, nil)
	if r.State == outbox.Withdrawn { // the same to the second as one that was taken back
		return session.Failed{Job: e.Job, Why: session.Broken, Code: "outbox.withdrawn"}
	}
	k.log.Info("request accepted", "seq", r.Seq, "service", draft.Service, "index", r.Index)
	return k.accepted(e, r)
}

func (k *Kiosk) accepted(e session.Submit, r outbox.Request) session.Event {
	q := k.request(r)
	q.QR = k.screenQR(r)
	return session.Accepted{Job: e.Job, Request: q}
}

func (k *Kiosk) foundFull(now time.Time) {
	k.mu.Lock()
	k.full = now
	k.mu.Unlock()
	k.set(health.DiskFull, true)
	k.wake()
}

// What documents call a request, a kiosk, and what the kiosk is when it signs
// for somebody who need not say who he is (REQUIREMENTS, Terms).
var (
	word         = catalog.Text{TK: "Sargytnama", RU: "Заявка", EN: "Request"}
	kiosk        = catalog.Text{TK: "Kiosk", RU: "Киоск", EN: "Kiosk"}
	intermediary = catalog.Text{TK: "dellal", RU: "посредник", EN: "intermediary"}
)

// document is the e-document of a draft, with the requisites of ED-7.
func (k *Kiosk) document(d session.Draft, now time.Time) *edoc.Document {
	in := func(t catalog.Text) string { return t.In(d.Lang) }
	reg := d.Service.Regulation
	doc := &edoc.Document{
		Kind: edoc.KindRequest, Name: in(d.Service.Title), Heading: in(word) + ": " + in(d.Service.Title),
		Lang: d.Lang, Made: now.UTC(), Kiosk: k.s.Kiosk, Pages: 1,
		Service: d.Service.ID, ServiceVersion: d.Service.Version,
		Regulation: fmt.Sprintf("%s, № %s, %s", in(reg.Title), reg.Number, reg.Date),
		Addressee: edoc.Party{
			Organisation: in(d.Agency.Name), Position: in(d.Agency.Position), Postal: citizen.NewText(in(d.Agency.Address)),
		},
		Answers: d.Answers,
	}
	for _, c := range d.Consents {
		doc.Consents = append(doc.Consents, edoc.Consent{Rule: c.Rule, Version: c.Version, At: c.At.UTC().Truncate(time.Second)})
	}
	if h := d.Holder; h != nil {
		doc.Sender = edoc.Party{ID: h.Person.ID, Surname: h.Person.Surname, Name: h.Person.Name, Patronymic: h.Person.Patronymic}
		if h.Recipient != "" {
			doc.AnswerTo = []string{h.Recipient}
		}
	} else {
		doc.Sender = edoc.Party{Organisation: in(kiosk) + " " + k.s.Kiosk + ", " + in(k.s.Place), Position: in(intermediary)}
	}
	if len(doc.AnswerTo) == 0 {
		doc.AnswerSecret = edoc.NewSecret()
	}
	if d.Corrects != nil {
		id := edoc.ID(*d.Corrects)
		doc.Corrects = &id
	}
	return doc
}
