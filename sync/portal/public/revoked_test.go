package public

import (
	"strings"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/citizen"
	"github.com/penjire/penjire/sync/edoc/seal"
	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/portal"
)

// A seal that its agency revoked is refused at once, scanned and typed, and what
// it states is not repeated.
func TestRevokedSeal(t *testing.T) {
	h := openHall(t)
	s, other := h.certified("citizen-1"), h.certified("citizen-2")
	found, err := h.Ledger().ByAnswer(t.Context(), s.Doc)
	if err != nil || len(found) != 1 {
		t.Fatalf("ByAnswer = %d requests, %v, want 1", len(found), err)
	}
	if err := h.RevokeSeal(t.Context(), "civil-registry", found[0].Doc, ledger.RevokedMistake, "Nusgaýew Myrat"); err != nil {
		t.Fatal(err)
	}
	for where, page := range map[string]string{"scanned": h.send("GET", path(s), nil, 200), "typed": h.number(s.CheckNumber(), 200)} {
		says(t, where, page, "verdict--no", seal.ReasonRevoked, "Cancelled certificates and seals")
		saysNot(t, where, page, "fact of citizen-1", "Nusgaýew Myrat")
	}
	says(t, "the other", h.number(other.CheckNumber(), 200), "verdict--yes", "fact of citizen-2")
}

// Facts that the seal has no room for are shown from the signed answer.
func TestSealOfManyFacts(t *testing.T) {
	h := openHall(t)
	service, _ := h.Catalogue().Service("residence-certificate")
	doc := h.Register(t, "citizen-1", h.Document(t, "citizen-1", service.ID, nil), noon.Add(24*time.Hour))
	d := portal.AnswerDraft{Decision: ledger.Answered, By: "Nusgaýew Myrat"}
	for _, f := range service.Result.Facts {
		d.Facts = append(d.Facts, portal.Fact{Name: f.Name, Value: citizen.NewText(f.Name + strings.Repeat(" ş", 40))})
	}
	if _, err := h.Answer(t.Context(), service.Agency, doc, d); err != nil {
		t.Fatal(err)
	}
	q, err := h.Ledger().Get(t.Context(), doc)
	if err != nil {
		t.Fatal(err)
	}
	s, err := seal.Parse(q.Answer.Seal)
	if err != nil {
		t.Fatal(err)
	}
	if s.Total != len(d.Facts) || len(s.Facts) >= s.Total {
		t.Fatalf("the seal carries %d of %d facts: nothing is tested", len(s.Facts), s.Total)
	}
	page := h.send("GET", path(s), nil, 200)
	for _, f := range d.Facts {
		says(t, "the page", page, f.Value.Reveal())
	}
	says(t, "the page", page, "all are shown here")

	// Of an answer that this portal has not, only what the seal has can be shown.
	x := s.Seal
	x.Doc = make([]byte, 16)
	by := h.Agencies["civil-registry"]
	page = h.send("GET", path(h.sealed(x, by)), nil, 200)
	says(t, "an answer that is not here", page, "they are not checked here")
	saysNot(t, "an answer that is not here", page, d.Facts[len(d.Facts)-1].Value.Reveal())
}
