package portal

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/outbox"
)

// TestSecondChance: a decision that the kiosk does not believe is left out and holds
// up nothing; under another bundle it is asked for again, and taken (WIRE-SES-11).
func TestSecondChance(t *testing.T) {
	w := makeWorld(t)
	w.idle = true
	w.start(filepath.Join(t.TempDir(), "ledger.db"))
	k := w.kiosk()
	c := k.uplinkConfig()
	c.Aside = filepath.Join(t.TempDir(), "aside.json")
	doc := k.one("citizen-1").ID()
	_, stop := k.run(c)
	k.untilState(doc, outbox.Delivered)
	stop()
	w.p.decideAll(t.Context())

	blind := *w.Trust()
	blind.Version, blind.Portals = 0, nil
	good := c.Trust
	c.Trust = func() *trust.Bundle { return &blind }
	u, stop := k.run(c)
	k.until("an item", func() bool { return k.o.Cursor() > 0 })
	eventually(t, "the alarm", func() bool { return len(w.alarms()) > 0 }) // the kiosk has said so: only then may its session end
	stop()
	// The portal's witness of the head is not believed either; which came last is chance.
	s, st := k.state(doc), u.Status()
	if said := st.Refused == "receipt.invalid" || st.Refused == "witness.invalid"; s != outbox.Delivered || st.Aside != 1 || !said {
		t.Fatalf("with a bundle that has no portal the request is %s, %d aside, %q; want delivered, 1, receipt or witness invalid", s, st.Aside, st.Refused)
	}
	if got := w.alarms(); len(got) != 1 || got[ledger.AlarmUnbelieving] != k.dev.ID {
		t.Errorf("alarms = %v, want %s of the kiosk", got, ledger.AlarmUnbelieving)
	}
	c.Trust = good
	u, stop = k.run(c) // another uplink: it is remembered over a restart
	k.untilState(doc, outbox.Registered)
	eventually(t, "nothing aside", func() bool { return u.Status().Aside == 0 }) // it is forgotten after it was stored
	stop()
}

// TestReplacedListIsNoRestore: a kiosk whose last item was a list that has been
// replaced since came back, and the portal said that it had been restored from a
// backup.
func TestReplacedListIsNoRestore(t *testing.T) {
	w := newWorld(t)
	ctx, k := t.Context(), w.kiosk()
	publish := func(version uint64) (id uint64) {
		t.Helper()
		if err := w.l.Broadcast(ctx, ledger.ItemRevoked, version, w.Made, []byte("list")); err != nil {
			t.Fatal(err)
		}
		its, err := w.l.Items(ctx, k.dev.ID, 0, 100)
		if err != nil || len(its) == 0 {
			t.Fatalf("Items = %v, %v", its, err)
		}
		return its[len(its)-1].ID
	}
	first := publish(1)
	if err := w.l.Visited(ctx, k.dev.ID, ledger.Visit{Epoch: ledger.Epoch{1}, At: w.Made}); err != nil {
		t.Fatal(err)
	}
	if err := w.l.Acked(ctx, k.dev.ID, first, w.Made); err != nil {
		t.Fatal(err)
	}
	publish(2)
	if err := w.p.knows(ctx, k.dev.ID, first); err != nil || w.alarms()[ledger.AlarmRestored] != "" {
		t.Errorf("knows = %v, alarms %v; want none", err, w.alarms())
	}
	if err := w.p.knows(ctx, k.dev.ID, first+1<<40); err != nil || w.alarms()[ledger.AlarmRestored] != k.dev.ID {
		t.Errorf("knows of what was never given = %v, alarms %v; want %s", err, w.alarms(), ledger.AlarmRestored)
	}
}

// eventually waits for what wakes nobody.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline:
			t.Fatalf("waited in vain for: %s", what)
		case <-tick.C:
		}
	}
}
