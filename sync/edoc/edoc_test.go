package edoc_test

import (
	"testing"
	"time"

	"github.com/penjire/penjire/sync/citizen"
	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/specimen"
	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/edoc/tsp"
)

// now is when the specimens' world is: nothing in these tests asks the clock.
var now = time.Date(2026, 6, 15, 9, 30, 0, 0, time.UTC)

func world(t testing.TB) *specimen.World {
	t.Helper()
	w, err := specimen.New(now)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func card(t testing.TB, w *specimen.World, name string) specimen.Card {
	t.Helper()
	c, ok := w.Card(name)
	if !ok {
		t.Fatalf("no card %s", name)
	}
	return c
}

// request is a document as the kiosk makes it for the holder of c.
func request(c specimen.Card) *edoc.Document {
	return &edoc.Document{
		Kind: edoc.KindRequest, Name: "Ýaşaýan ýeri barada güwänama", Heading: "Sargytnama", Lang: "tk",
		Made: now, Kiosk: "K-000001", Pages: 1,
		Service: "residence-certificate", ServiceVersion: 3, Regulation: "№ 12, 2025-01-10",
		Sender: edoc.Party{
			ID: c.Holder.ID, Surname: c.Holder.Surname, Name: c.Holder.Name, Patronymic: c.Holder.Patronymic,
			Postal: citizen.NewText("NUSGA köçesi 7"),
		},
		Addressee: edoc.Party{Organisation: "NUSGA Raýat ýagdaýynyň ýazgysy", Position: "Başlyk"},
		Answers:   citizen.NewAnswers(map[string]string{"purpose": "school", "note": "<a> & \"b\" — ž"}),
		Consents:  []edoc.Consent{{Rule: "personal-data", Version: 2, At: now}},
		AnswerTo:  []string{c.Recipient()},
	}
}

func answer(req *edoc.Container) *edoc.Document {
	id := req.ID()
	agency, _ := citizen.ParseID("civil-registry")
	return &edoc.Document{
		Kind: edoc.KindAnswer, Name: "Güwänama", Heading: "Jogap", Lang: "tk", Made: now, Pages: 1,
		Service: "residence-certificate", ServiceVersion: 3,
		Sender:    edoc.Party{ID: agency, Organisation: "NUSGA Raýat ýagdaýynyň ýazgysy"},
		Addressee: req.Document().Sender, Request: &id, Decision: edoc.Answered,
		Facts: []edoc.FactValue{{Name: "address", Value: citizen.NewText("NUSGA köçesi 7")}},
	}
}

func sign(t testing.TB, d *edoc.Document, s edoc.Signer, at time.Time) *edoc.Container {
	t.Helper()
	c, err := edoc.Sign(d, s, at)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// reparse sends a container through its bytes.
func reparse(t testing.TB, c *edoc.Container) *edoc.Container {
	t.Helper()
	d, err := edoc.Parse(c.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func authority(t testing.TB, w *specimen.World, at time.Time) *tsp.Authority {
	t.Helper()
	a, err := tsp.NewAuthority(w.TSA.Signer(), func() time.Time { return at })
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestSignStampVerify(t *testing.T) {
	w := world(t)
	c1 := card(t, w, "citizen-1")
	c := sign(t, request(c1), c1.Slots[specimen.SlotSign].Signer(), now)
	r := reparse(t, c).Verify(w.Trust(), now.Add(time.Hour))
	if !r.Accepted() || !r.Provisional || !r.Trusted.IsZero() || r.Stamp.Reason != edoc.ReasonNoStamp {
		t.Errorf("B-B: got %+v, want accepted, provisional", r.Signer)
	}
	if r.SignerUse != trust.UseCitizenSign || !r.Claimed.Equal(now) || r.RevocationAge != time.Hour {
		t.Errorf("B-B: use %s, claimed %v, age %v", r.SignerUse, r.Claimed, r.RevocationAge)
	}
	s, err := c.Stamp(t.Context(), authority(t, w, now.Add(48*time.Hour)))
	if err != nil {
		t.Fatal(err)
	}
	if s.ID() != c.ID() {
		t.Error("stamping changed the document's id")
	}
	// Years later, when the citizen's certificate is over.
	r = reparse(t, s).Verify(w.Trust(), now.AddDate(5, 0, 0))
	if r.Whole.Verdict != edoc.Yes || r.Signer.Verdict != edoc.Yes || r.Revocation.Reason != trust.ReasonStaleCRL || r.Provisional {
		t.Errorf("B-T: got %+v %+v %+v", r.Whole, r.Signer, r.Revocation)
	}
	if !r.Trusted.Equal(now.Add(48 * time.Hour)) {
		t.Errorf("B-T: trusted time is %v", r.Trusted)
	}
	t.Logf("B-B container %d bytes, signature %d; B-T container %d bytes, signature %d",
		len(c.Bytes()), len(c.Signatures()[0].Bytes()), len(s.Bytes()), len(s.Signatures()[0].Bytes()))
}

// TestForeignStampComesOff is a request that arrives with a stranger's time
// stamp in it: it is no reason to refuse, and no reason to go without a good one.
func TestForeignStampComesOff(t *testing.T) {
	w, stranger := world(t), world(t)
	c1 := card(t, w, "citizen-1")
	c := sign(t, request(c1), c1.Slots[specimen.SlotSign].Signer(), now)
	foreign, err := c.Stamp(t.Context(), authority(t, stranger, now.AddDate(-1, 0, 0)))
	if err == nil {
		foreign, err = reparse(t, foreign).Stamp(t.Context(), authority(t, w, now))
	}
	if err != nil {
		t.Fatal(err)
	}
	if r := foreign.Verify(w.Trust(), now); r.Stamp.Reason != edoc.ReasonStampForeign || !r.Provisional || !r.Accepted() {
		t.Errorf("foreign stamp: got %v, provisional %v", r.Stamp, r.Provisional)
	}
	good, err := foreign.WithoutStamp().Stamp(t.Context(), authority(t, w, now))
	if err != nil {
		t.Fatal(err)
	}
	if r := reparse(t, good).Verify(w.Trust(), now); r.Stamp.Verdict != edoc.Yes || r.Provisional || r.ID != c.ID() {
		t.Errorf("after taking it off: got %v, provisional %v", r.Stamp, r.Provisional)
	}
}
