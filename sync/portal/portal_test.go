package portal

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/citizen"
	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/envelope"
	"github.com/penjire/penjire/sync/edoc/seal"
	"github.com/penjire/penjire/sync/edoc/specimen"
	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/wire"
)

// residenceFacts are the facts of the certificate of residence.
func (w *world) residenceFacts() []Fact {
	w.t.Helper()
	s, ok := w.p.Catalogue().Service("residence-certificate")
	if !ok || len(s.Result.Facts) == 0 {
		w.t.Fatal("the catalogue has no certificate of residence with facts")
	}
	var out []Fact
	for _, f := range s.Result.Facts {
		out = append(out, Fact{Name: f.Name, Value: citizen.NewText("NUSGA " + f.Name)})
	}
	return out
}

// TestThereAndBack takes a request from a card to the agency and its answer back
// to the card.
func TestThereAndBack(t *testing.T) {
	w := newWorld(t)
	k := w.kiosk()
	k.run(k.uplinkConfig())
	c := k.one("citizen-1")
	k.untilState(c.ID(), outbox.Registered)

	r, err := k.o.Get(t.Context(), c.ID())
	if err != nil {
		t.Fatal(err)
	}
	durable, err := wire.ParseReceipt(r.DurableReceipt, w.Trust().Portals)
	if err != nil || durable.Level != wire.Durable || durable.Doc != c.ID() || durable.Digest != r.SealedDigest {
		t.Errorf("DURABLE receipt = %+v, %v, want one for the request", durable, err)
	}
	decided, err := wire.ParseReceipt(r.DecidedReceipt, w.Trust().Portals)
	if err != nil || decided.Level != wire.Decided || decided.Stage != wire.StageRegistered {
		t.Errorf("DECIDED receipt = %+v, %v, want registered", decided, err)
	}

	got, err := w.l.Get(t.Context(), c.ID())
	if err != nil {
		t.Fatal(err)
	}
	if got.State != ledger.Registered || got.Agency != "civil-registry" || !got.Identified || got.Code != c.ID().Code() || got.Signer.IsZero() {
		t.Errorf("registry = %s %s identified %t code %s, want registered at civil-registry", got.State, got.Agency, got.Identified, got.Code)
	}
	if f := got.Facts; f.Whole.Verdict != "yes" || f.Signer.Verdict != "yes" || f.Revocation.Verdict != "yes" || f.Trusted.IsZero() || f.Provisional {
		t.Errorf("facts of verification = %+v, want three times yes and a trusted time", f)
	}
	if !got.Due.After(time.Now()) {
		t.Errorf("due = %s, want later than now", got.Due)
	}

	if _, err := w.p.Answer(t.Context(), "ombudsman", c.ID(), AnswerDraft{Decision: ledger.Answered}); !errors.Is(err, ErrAgency) {
		t.Errorf("Answer of another agency = %v, want ErrAgency", err)
	}
	if _, err := w.p.Answer(t.Context(), got.Agency, c.ID(), AnswerDraft{Decision: ledger.Answered}); !errors.Is(err, ErrDraft) {
		t.Errorf("Answer without facts = %v, want ErrDraft", err)
	}
	if _, err := w.p.Answer(t.Context(), got.Agency, c.ID(), AnswerDraft{Decision: ledger.Refused}); !errors.Is(err, ErrDraft) {
		t.Errorf("refusal without words = %v, want ErrDraft", err)
	}
	long := w.residenceFacts()
	long[0].Value = citizen.NewText(strings.Repeat("x", 700))
	if _, err := w.p.Answer(t.Context(), got.Agency, c.ID(), AnswerDraft{Decision: ledger.Answered, Facts: long}); !errors.Is(err, ErrDraft) {
		t.Errorf("Answer with facts that no seal carries = %v, want ErrDraft", err)
	}
	answer, err := w.p.Answer(t.Context(), got.Agency, c.ID(), AnswerDraft{Decision: ledger.Answered, Facts: w.residenceFacts(), By: "NUSGA officer"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.p.Answer(t.Context(), got.Agency, c.ID(), AnswerDraft{Decision: ledger.Answered, Facts: w.residenceFacts()}); !errors.Is(err, ledger.ErrAnswered) {
		t.Errorf("second answer = %v, want ErrAnswered", err)
	}
	k.untilState(c.ID(), outbox.Answered)

	it, err := k.o.Item(t.Context(), c.ID())
	if err != nil {
		t.Fatal(err)
	}
	card, _ := w.Card("citizen-1")
	ecdh, err := card.Slots[specimen.SlotKey].Key.ECDH()
	if err != nil {
		t.Fatal(err)
	}
	plain, err := envelope.Open(it.Bytes, envelope.NewPIVIdentity(ecdh))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(it.Bytes, []byte("NUSGA")) {
		t.Error("the packet can be read without the card")
	}
	packet, err := envelope.ParsePacket(plain)
	if err != nil {
		t.Fatal(err)
	}
	ac, err := edoc.Parse(packet.Container)
	if err != nil {
		t.Fatal(err)
	}
	if rep := ac.Verify(w.Trust(), time.Now()); !rep.Accepted() || rep.Provisional || ledger.Doc(ac.ID()) != answer {
		t.Errorf("the answer verifies as %+v, want accepted", rep)
	}
	if d := ac.Document(); d.Kind != edoc.KindAnswer || d.Decision != edoc.Answered || d.Request == nil || *d.Request != c.ID() || len(d.Facts) == 0 {
		t.Errorf("answer = %s %s with %d facts, want an answer to the request", d.Kind, d.Decision, len(d.Facts))
	}
	if l := ac.Level(0); l != edoc.BLT {
		t.Errorf("the answer is %v, want B-LT", l)
	}
	if d := ac.Document(); d.Registered.Before(d.Made) || !d.RequestRegistered.Equal(got.Registered.UTC().Truncate(time.Second)) {
		t.Errorf("registered %v and the request %v, want %v or later and %v", d.Registered, d.RequestRegistered, d.Made, got.Registered)
	}
	s, err := seal.ParseBytes(packet.Seal)
	if err != nil {
		t.Fatal(err)
	}
	if rep := s.Verify(w.Trust(), time.Now()); rep.Verdict != edoc.Yes {
		t.Errorf("seal = %+v, want yes", rep.Finding)
	}
	again, err := w.l.Get(t.Context(), c.ID())
	if err != nil || again.Answer == nil || again.Answer.Seal != s.URL("https://portal.specimen") {
		t.Errorf("registry after the answer: %+v, %v, want the seal's URL", again.Answer, err)
	}
}

// TestRefused sends what cannot be registered: each is received, and refused
// with its reason.
func TestRefused(t *testing.T) {
	w := newWorld(t)
	k := w.kiosk()
	citizen1, _ := w.Card("citizen-1")
	sign := citizen1.Slots[specimen.SlotSign].Signer()
	card := func(name string) edoc.Signer {
		c, _ := w.Card(name)
		return c.Slots[specimen.SlotSign].Signer()
	}
	type refused struct {
		name, reason string
		id           edoc.ID
	}
	var all []refused
	add := func(name, reason string, id edoc.ID) { all = append(all, refused{name, reason, id}) }

	add("foreign card", "cert.foreign", k.one("foreign").ID())
	add("expired card", "cert.expired", k.one("expired").ID())
	add("suspended card", "cert.suspended", k.one("suspended").ID())
	add("another citizen's card", edoc.ReasonNotSender, k.ask(k.document(citizen1), card("citizen-2")).ID())
	add("kiosk signs where a card must", ReasonIdentify, k.ask(k.document(citizen1), k.dev.Signing.Signer()).ID())
	add("an agency signs", "cert.wrong_use", k.ask(k.document(citizen1), w.Agencies["ombudsman"].Signer()).ID())

	minor := w.limited(trust.Limits{Minor: &trust.Minor{Until: time.Now().AddDate(1, 0, 0)}})
	add("a minor", trust.ReasonLimitMinor, k.ask(k.document(citizen1), minor).ID())
	other := w.limited(trust.Limits{Services: []string{"field/medical"}})
	add("a certificate for another field", trust.ReasonLimitService, k.ask(k.document(citizen1), other).ID())

	d := k.document(citizen1)
	d.Service = "no-such-service"
	add("unknown service", ReasonService, k.ask(d, sign).ID())
	d = k.document(citizen1)
	d.Kiosk = "K-000002"
	add("another kiosk's", ReasonOtherKiosk, k.ask(d, sign).ID())
	d = k.document(citizen1)
	d.AnswerTo = []string{"age1nonsense"}
	if c, err := edoc.Sign(d, sign, d.Made); err == nil {
		k.accept(c.ID(), c.Bytes(), d)
		add("nobody can open the answer", ReasonAnswerTo, c.ID())
	}

	d = k.document(citizen1)
	c, err := edoc.Sign(d, sign, d.Made)
	if err != nil {
		t.Fatal(err)
	}
	bent := bytes.Replace(c.Bytes(), []byte("residence"), []byte("Residence"), 1)
	k.accept(c.ID(), bent, d)
	add("changed after signing", ReasonMalformed, c.ID())
	d = k.document(citizen1)
	id := edoc.ID{7}
	k.accept(id, k2bytes(t, d, sign), d)
	add("another document than the record says", ReasonOtherDoc, id)
	id = edoc.ID{8}
	k.acceptSealed(id, []byte("not sealed to anybody"), d)
	add("not sealed", ReasonUnreadable, id)

	dev2, err := w.NewDevice("K-000002")
	if err != nil {
		t.Fatal(err)
	}
	d = k.document(citizen1)
	d.Service, d.AnswerTo, d.AnswerSecret = "complaint", nil, edoc.NewSecret()
	add("another kiosk as intermediary", edoc.ReasonNotSender, k.ask(d, dev2.Signing.Signer()).ID())

	good := k.one("citizen-2")
	k.run(k.uplinkConfig())
	k.untilState(good.ID(), outbox.Registered)
	for _, c := range all {
		k.untilState(c.id, outbox.Refused)
		r, err := k.o.Get(t.Context(), c.id)
		if err != nil {
			t.Fatal(err)
		}
		rec, err := wire.ParseReceipt(r.DecidedReceipt, w.Trust().Portals)
		if err != nil || rec.Reason != c.reason || rec.Stage != wire.StageRefused {
			t.Errorf("%s: receipt says %q, %v, want %q", c.name, rec.Reason, err, c.reason)
		}
		q, err := w.l.Get(t.Context(), ledger.Doc(c.id))
		if err != nil || q.State != ledger.Refused || q.Reason != c.reason {
			t.Errorf("%s: ledger says %s %q, %v, want refused %q", c.name, q.State, q.Reason, err, c.reason)
		}
	}
	if n := w.count(ledger.Refused); n != len(all) {
		t.Errorf("refused = %d, want %d", n, len(all))
	}
}

func k2bytes(t testing.TB, d *edoc.Document, s edoc.Signer) []byte {
	t.Helper()
	c, err := edoc.Sign(d, s, d.Made)
	if err != nil {
		t.Fatal(err)
	}
	return c.Bytes()
}

// TestAnonymous goes without a card: the kiosk signs, and the answer is sealed
// to the tracking code.
func TestAnonymous(t *testing.T) {
	w := newWorld(t)
	k := w.kiosk()
	k.run(k.uplinkConfig())
	card, _ := w.Card("citizen-1")
	d := k.document(card)
	d.Service, d.AnswerTo, d.AnswerSecret, d.Sender = "complaint", nil, edoc.NewSecret(), edoc.Party{}
	c := k.ask(d, k.dev.Signing.Signer())
	k.untilState(c.ID(), outbox.Registered)
	r, err := w.l.Get(t.Context(), c.ID())
	if err != nil || r.Identified || !r.Signer.IsZero() {
		t.Fatalf("registry = identified %t, %v, want nobody", r.Identified, err)
	}
	if _, err := w.p.Answer(t.Context(), r.Agency, c.ID(), AnswerDraft{Decision: ledger.Returned, Text: citizen.NewText("Say more."), By: "officer"}); err != nil {
		t.Fatal(err)
	}
	k.untilState(c.ID(), outbox.Returned)
	it, err := k.o.Item(t.Context(), c.ID())
	if err != nil {
		t.Fatal(err)
	}
	if by, err := w.l.ByCode(t.Context(), c.ID().Code()); err != nil || len(by) != 0 {
		t.Errorf("ByCode of what the document's hash gives = %d requests, %v, want none", len(by), err)
	}
	if by, err := w.l.ByCode(t.Context(), c.Code()); err != nil || len(by) != 1 {
		t.Errorf("ByCode of the document's code = %d requests, %v, want one", len(by), err)
	}
	if _, err := envelope.OpenWithCode(it.Bytes, c.ID().Code()); !errors.Is(err, envelope.ErrNotForThis) {
		t.Errorf("OpenWithCode of what the document's hash gives = %v, want ErrNotForThis", err)
	}
	plain, err := envelope.OpenWithCode(it.Bytes, c.Code())
	if err != nil {
		t.Fatal(err)
	}
	packet, err := envelope.ParsePacket(plain)
	if err != nil {
		t.Fatal(err)
	}
	ac, err := edoc.Parse(packet.Container)
	if err != nil {
		t.Fatal(err)
	}
	if a := ac.Document(); a.Decision != edoc.Returned || a.Text.Reveal() != "Say more." || a.Answers.Get("purpose") != d.Answers.Get("purpose") || packet.Seal != nil {
		t.Errorf("answer = %s, seal %t, want returned with the answers given and no seal", a.Decision, packet.Seal != nil)
	}
}
