package portal

import (
	"crypto/sha256"
	"testing"

	"github.com/penjire/penjire/sync/catalog"
	"github.com/penjire/penjire/sync/catalog/packs"
	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/envelope"
	"github.com/penjire/penjire/sync/edoc/specimen"
	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/outbox"
)

// askWith is one, sealed with a dictionary.
func (k *kiosk) askWith(d *envelope.Dictionary, name string) *edoc.Container {
	k.w.t.Helper()
	card, ok := k.w.Card(name)
	if !ok {
		k.w.t.Fatalf("no card %s", name)
	}
	doc := k.document(card)
	c, err := edoc.Sign(doc, card.Slots[specimen.SlotSign].Signer(), doc.Made)
	if err != nil {
		k.w.t.Fatal(err)
	}
	sealed, err := d.Seal(c.Bytes(), k.w.AgeRecipient)
	if err != nil {
		k.w.t.Fatal(err)
	}
	k.acceptSealed(c.ID(), sealed, doc)
	return c
}

// TestOldDictionary seals under a catalogue that the portal has replaced since.
func TestOldDictionary(t *testing.T) {
	w := newWorld(t)
	first := w.p.Catalogue()
	old := envelope.NewDictionary(first.Dictionary())
	service, _ := first.Service("residence-certificate")
	more := *service
	more.ID, more.Title = "another-certificate", catalog.Text{TK: "Başga", RU: "Другая", EN: "Another"}
	w.stop()
	w.config.Packs = []*catalog.Pack{{Schema: catalog.SchemaPack, Services: []catalog.Service{more}}}
	w.serve(w.PortalTLS.TLS())
	fresh := envelope.NewDictionary(w.p.Catalogue().Dictionary())
	if fresh.ID() == old.ID() {
		t.Fatal("both catalogues have one dictionary")
	}
	k := w.kiosk()
	a, b := k.askWith(old, "citizen-1"), k.askWith(fresh, "citizen-2")
	k.run(k.uplinkConfig())
	k.untilState(a.ID(), outbox.Registered)
	k.untilState(b.ID(), outbox.Registered)
}

// TestUnknownDictionary seals with the dictionary of a catalogue that the portal
// never had. Such a request is not refused and keeps no other waiting; it is
// decided when the portal is given the catalogue.
func TestUnknownDictionary(t *testing.T) {
	w := newWorld(t)
	foreign, err := packs.Catalogue(2)
	if err != nil {
		t.Fatal(err)
	}
	foreign.Services = foreign.Services[:1]
	k := w.kiosk()
	var waiting []*edoc.Container
	d := envelope.NewDictionary(foreign.Dictionary())
	for range 70 { // more than are decided at a time
		waiting = append(waiting, k.askWith(d, "citizen-1"))
	}
	after := k.one("citizen-2")
	k.run(k.uplinkConfig())
	k.untilState(after.ID(), outbox.Registered)
	for _, c := range waiting {
		if s := k.state(c.ID()); s != outbox.Delivered {
			t.Fatalf("a request that waits is %v, want delivered", s)
		}
	}
	if al, err := w.l.Alarms(t.Context(), 10); err != nil || len(al) != 1 || al[0].Code != ledger.AlarmDictionary || al[0].Kiosk != k.dev.ID {
		t.Errorf("Alarms = %+v, %v, want one %s", al, err, ledger.AlarmDictionary)
	}
	if n := w.count(ledger.Refused); n != 0 {
		t.Errorf("refused = %d, want 0", n)
	}
	w.stop()
	w.config.Older = [][]byte{w.signCatalogue(t, foreign)}
	w.serve(w.PortalTLS.TLS())
	k.run(k.uplinkConfig())
	for _, c := range waiting {
		k.untilState(c.ID(), outbox.Registered)
	}
}

// TestDictionaryThatLies names the dictionary of the catalogue, and was
// compressed with another.
func TestDictionaryThatLies(t *testing.T) {
	w := newWorld(t)
	other := append([]byte("another"), w.p.Catalogue().Dictionary()...)
	d := envelope.NewDictionary(other)
	sealed, err := d.Seal([]byte("x"), w.AgeRecipient)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.l.KeepDictionary(t.Context(), d.ID(), envelope.NewDictionary(nil).Bytes()); err != nil {
		t.Fatal(err)
	}
	k := w.kiosk()
	id := edoc.ID(sha256.Sum256(sealed))
	card, _ := k.w.Card("citizen-1")
	k.acceptSealed(id, sealed, k.document(card))
	good := k.one("citizen-2")
	k.run(k.uplinkConfig())
	k.untilState(good.ID(), outbox.Registered)
	if s := k.state(id); s != outbox.Delivered {
		t.Errorf("it is %v, want waiting: what is kept under its number is damaged, which is not its fault", s)
	}
}
