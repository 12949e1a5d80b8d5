package portal

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/penjire/penjire/sync/catalog"
	"github.com/penjire/penjire/sync/citizen"
	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/envelope"
	"github.com/penjire/penjire/sync/edoc/seal"
	"github.com/penjire/penjire/sync/ledger"
)

// Fact is one line of a certified copy, by catalog.Fact.Name.
type Fact struct {
	Name  string
	Value citizen.Text
}

// AnswerDraft is what an officer decided.
type AnswerDraft struct {
	Decision ledger.State // Answered, Refused or Returned
	Text     citizen.Text // the answer in words; needed for Refused and Returned
	Facts    []Fact       // for Answered: every fact of the service's result, in its order
	By       string       // the officer, as shown in the registry
}

// decisions are edoc's words for the ledger's.
var decisions = map[ledger.State]string{
	ledger.Answered: edoc.Answered, ledger.Refused: edoc.Refused, ledger.Returned: edoc.Returned,
}

// Answer signs the answer with the agency's key, makes the printed seal where
// the service's result is a certified copy, seals the packet to whoever asked,
// and stores all of it for the kiosk in one transaction. It returns the
// identity of the answer. Errors: ErrAgency, ErrNoKey, ErrDraft,
// ledger.ErrNotFound, ledger.ErrAnswered.
func (p *Portal) Answer(ctx context.Context, agency string, doc ledger.Doc, d AnswerDraft) (ledger.Doc, error) {
	fail := func(err error) (ledger.Doc, error) { return ledger.Doc{}, fmt.Errorf("portal: answer: %w", err) }
	r, err := p.ledger.Get(ctx, doc)
	if err != nil {
		return fail(err)
	}
	if r.Agency != agency {
		return fail(ErrAgency)
	}
	if r.State != ledger.Registered {
		return fail(ledger.ErrAnswered)
	}
	signer, ok := p.c.Agencies[agency]
	if !ok {
		return fail(ErrNoKey)
	}
	service, err := p.ServiceOf(ctx, r)
	if err != nil {
		return fail(err)
	}
	if err := check(service, d); err != nil {
		return fail(err)
	}
	request, err := edoc.Parse(r.Container)
	if err != nil {
		return fail(err)
	}
	now := p.c.Now().UTC().Truncate(time.Second)
	c, err := edoc.Sign(p.answerDocument(request, r, service, d, now), signer, now)
	if err != nil {
		return fail(err)
	}
	if c, err = c.Stamp(ctx, p.c.Stamper); err != nil {
		return fail(err)
	}
	c = p.complete(c, agency)
	a := ledger.Answer{State: d.Decision, ID: ledger.Doc(c.ID()), By: d.By, At: now, Container: c.Packed()}
	packet := envelope.Packet{Container: c.Bytes()}
	if d.Decision == ledger.Answered && service.Result.Kind == catalog.ResultCertifiedCopy {
		s, err := seal.MakeCopy(copySeal(c, service, request.Document().Sender, d, now), signer.Key, signer.Cert)
		if err != nil {
			return fail(err)
		}
		packet.Seal, a.Seal, a.Check = s.Bytes(), s.URL(p.c.PublicURL), s.CheckNumber()
	}
	if a.Packet, err = sealPacket(packet, r); err != nil {
		return fail(err)
	}
	if err := p.ledger.Answer(ctx, doc, a); err != nil {
		return fail(err)
	}
	p.c.Log.Info("portal: answered", "agency", agency, "service", service.ID, "decision", d.Decision)
	p.notifyAll() // another kiosk may have brought the same document
	return a.ID, nil
}

// ServiceOf returns the service of a request: as it is now, or, where the catalogue
// no longer has it, as it was when the request was registered. A service that is
// offered no more still owes its answers.
func (p *Portal) ServiceOf(ctx context.Context, r ledger.Request) (*catalog.Service, error) {
	if s, ok := p.Catalogue().Service(r.Service); ok {
		return s, nil
	}
	was, err := p.ledger.Published(ctx, ledger.ItemCatalogue, r.Registered)
	if err == nil {
		var c *catalog.Catalogue
		if c, err = p.openCatalogue(was.Bytes); err == nil {
			if s, ok := c.Service(r.Service); ok {
				return s, nil
			}
			err = ledger.ErrNotFound
		}
	}
	return nil, fmt.Errorf("the catalogue has no service %q any more: %w", r.Service, errors.Join(ErrDraft, err))
}

// complete raises the answer to B-LT, so that it can be checked when nobody can
// be asked any more. An answer for which the bundle lacks a list is no worse
// than before: it goes out as it is, and the log says so.
func (p *Portal) complete(c *edoc.Container, agency string) *edoc.Container {
	full, err := c.Complete(p.Trust())
	if err != nil {
		p.c.Log.Warn("portal: an answer goes out without the lists that it takes to check it later", "agency", agency, "err", err)
		return c
	}
	return full
}

// notAfter returns t in whole seconds, and no later than limit: the portal's
// clock may have been set back since. Zero stays zero.
func notAfter(t, limit time.Time) time.Time {
	if t.IsZero() || t.Before(limit) {
		return t.UTC().Truncate(time.Second)
	}
	return limit
}

// sealFacts is how many bytes of facts, names and values, a copy on the paper of
// a receipt printer may state. Of how many its seal carries, package seal decides.
const sealFacts = 640

// check says what a draft lacks.
func check(s *catalog.Service, d AnswerDraft) error {
	switch d.Decision {
	case ledger.Refused, ledger.Returned:
		if strings.TrimSpace(d.Text.Reveal()) == "" {
			return fmt.Errorf("%q needs a reason in words: %w", d.Decision, ErrDraft)
		}
		return nil
	case ledger.Answered:
	default:
		return fmt.Errorf("no such decision %q: %w", d.Decision, ErrDraft)
	}
	if len(d.Facts) != len(s.Result.Facts) {
		return fmt.Errorf("%d facts, the result of %s has %d: %w", len(d.Facts), s.ID, len(s.Result.Facts), ErrDraft)
	}
	size := 0
	for i, f := range s.Result.Facts {
		size += len(f.Name) + len(d.Facts[i].Value.Reveal())
		if d.Facts[i].Name != f.Name || strings.TrimSpace(d.Facts[i].Value.Reveal()) == "" {
			return fmt.Errorf("the fact %q is missing: %w", f.Name, ErrDraft)
		}
	}
	if s.Result.Kind == catalog.ResultCertifiedCopy && size > sealFacts {
		return fmt.Errorf("facts of %d bytes, a printed copy states %d: %w", size, sealFacts, ErrDraft)
	}
	if len(d.Facts) == 0 && strings.TrimSpace(d.Text.Reveal()) == "" {
		return fmt.Errorf("an answer without facts needs words: %w", ErrDraft)
	}
	return nil
}

// answerDocument is the common part of the answer, in the language of the request.
func (p *Portal) answerDocument(request *edoc.Container, r ledger.Request, s *catalog.Service, d AnswerDraft, now time.Time) *edoc.Document {
	asked := request.Document()
	id := request.ID()
	agency, _ := p.Catalogue().Agency(r.Agency)
	a := &edoc.Document{
		Kind: edoc.KindAnswer, Name: s.Result.Title.In(asked.Lang), Heading: s.Title.In(asked.Lang),
		Lang: asked.Lang, Made: now, Pages: 1,
		Service: s.ID, ServiceVersion: s.Version, Regulation: regulation(s, asked.Lang),
		Sender: edoc.Party{
			Organisation: agency.Name.In(asked.Lang), Position: agency.Position.In(asked.Lang),
			Postal: citizen.NewText(agency.Address.In(asked.Lang)),
		},
		Addressee:  asked.Sender,
		Registered: now, RequestRegistered: notAfter(r.Registered, now),
		Request: &id, Decision: decisions[d.Decision], Text: d.Text,
	}
	if id, err := citizen.ParseID(r.Agency); err == nil { // not every agency's id is one
		a.Sender.ID = id
	}
	if d.Decision == ledger.Answered {
		for _, f := range d.Facts {
			a.Facts = append(a.Facts, edoc.FactValue{Name: f.Name, Value: f.Value})
		}
	}
	if d.Decision == ledger.Returned {
		a.Answers = asked.Answers // so that the kiosk can begin the correction with them
	}
	return a
}

func regulation(s *catalog.Service, lang string) string {
	var parts []string
	for _, x := range []string{s.Regulation.Title.In(lang), s.Regulation.Number, s.Regulation.Date} {
		if x != "" {
			parts = append(parts, x)
		}
	}
	return strings.Join(parts, ", ")
}

// copySeal is what the seal on the paper copy states.
func copySeal(c *edoc.Container, s *catalog.Service, holder edoc.Party, d AnswerDraft, now time.Time) seal.Seal {
	id := c.ID()
	out := seal.Seal{
		Kind: seal.Copy, Issuer: s.Agency, Service: s.ID, Doc: id[:], Date: now,
		Subject: citizen.Person{ID: holder.ID, Surname: holder.Surname, Name: holder.Name}.Masked(),
	}
	for _, f := range d.Facts {
		out.Facts = append(out.Facts, [2]string{f.Name, f.Value.Reveal()})
	}
	return out
}

// sealPacket seals the packet to whoever asked: the recipients named in the
// request, or whoever has the tracking code.
func sealPacket(p envelope.Packet, r ledger.Request) ([]byte, error) {
	plain, err := p.Marshal()
	if err != nil {
		return nil, err
	}
	if len(r.AnswerTo) == 0 {
		return envelope.SealForCode(plain, r.Code)
	}
	return envelope.Seal(plain, r.AnswerTo...)
}
