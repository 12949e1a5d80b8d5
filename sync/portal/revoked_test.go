package portal

import (
	"errors"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/edoc/seal"
	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/outbox"
)

// TestRevokeSeal revokes the seal of an answer, and follows the list to a kiosk.
func TestRevokeSeal(t *testing.T) {
	w := newWorld(t)
	k := w.kiosk()
	k.run(k.uplinkConfig())
	c := k.one("citizen-1")
	k.untilState(c.ID(), outbox.Registered)
	revoke := func(agency, reason string) error {
		return w.p.RevokeSeal(t.Context(), agency, c.ID(), reason, "NUSGA officer")
	}
	if err := revoke("civil-registry", ledger.RevokedMistake); !errors.Is(err, ledger.ErrNotFound) {
		t.Errorf("RevokeSeal before the answer = %v, want ErrNotFound", err)
	}
	if w.p.RevokedSeals() != nil {
		t.Error("there is a list though nothing was ever revoked")
	}
	if _, err := w.p.Answer(t.Context(), "civil-registry", c.ID(), AnswerDraft{Decision: ledger.Answered, Facts: w.residenceFacts(), By: "NUSGA officer"}); err != nil {
		t.Fatal(err)
	}
	r, err := w.l.Get(t.Context(), c.ID())
	if err != nil {
		t.Fatal(err)
	}
	s, err := seal.Parse(r.Answer.Seal)
	if err != nil {
		t.Fatal(err)
	}
	if err := revoke("ombudsman", ledger.RevokedMistake); !errors.Is(err, ErrAgency) {
		t.Errorf("RevokeSeal by another agency = %v, want ErrAgency", err)
	}
	if err := revoke("civil-registry", "because"); err == nil || w.p.RevokedSeals() != nil {
		t.Errorf("RevokeSeal without a reason = %v, want an error and no list", err)
	}
	if err := revoke("civil-registry", ledger.RevokedMistake); err != nil {
		t.Fatal(err)
	}
	if err := revoke("civil-registry", ledger.RevokedOrder); !errors.Is(err, ledger.ErrRevoked) {
		t.Errorf("RevokeSeal again = %v, want ErrRevoked", err)
	}
	first := w.p.RevokedSeals()
	if first.Version != 1 || !first.Has(s.ID()) {
		t.Errorf("the list is version %d with %d seals, want 1 with the seal", first.Version, len(first.IDs))
	}
	k.until("the list at the kiosk", func() bool {
		k.sink.mu.Lock()
		defer k.sink.mu.Unlock()
		return len(k.sink.revoked) > 0
	})
	k.sink.mu.Lock()
	signed := k.sink.revoked[0]
	k.sink.mu.Unlock()
	list, err := trust.ParseRevokedSeals(signed, w.Trust(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if f := s.Verify(w.Trust(), time.Now(), list); f.Verdict != trust.No || f.Reason != seal.ReasonRevoked {
		t.Errorf("at the kiosk the seal is %v, want revoked", f.Finding)
	}

	// A day later the same list is signed anew: how old it is, is part of the answer.
	if err := w.p.publishRevoked(t.Context()); err != nil || w.p.RevokedSeals().Version != 1 {
		t.Errorf("at once again: version %d, %v, want 1", w.p.RevokedSeals().Version, err)
	}
	now := w.p.c.Now
	w.p.c.Now = func() time.Time { return now().Add(reissue + time.Second) }
	if err := w.p.publishRevoked(t.Context()); err != nil {
		t.Fatal(err)
	}
	if l := w.p.RevokedSeals(); l.Version != 2 || !l.Has(s.ID()) || l.Issued.Sub(first.Issued) < reissue {
		t.Errorf("a day later: version %d of %v, want 2, a day later", l.Version, l.Issued)
	}
}
