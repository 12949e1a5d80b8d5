package portal

import (
	"bytes"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/outbox/outboxtest"
	"github.com/penjire/penjire/sync/wire"
)

// TestTaught: bundles go down by version. What a kiosk has lost it gets again;
// one that has the version before gets a delta; one whom the delta does not fit
// gets the whole.
func TestTaught(t *testing.T) {
	w := newWorld(t)
	old := w.Trust()
	c, _ := w.Card("citizen-2")
	if err := w.Revoke(c.Slots[0x9C].Cert, w.Made, false); err != nil {
		t.Fatal(err)
	}
	if err := w.p.PublishTrust(t.Context(), w.Bundle()); err != nil {
		t.Fatal(err)
	}
	other := *old
	other.Recipients = nil
	signed, err := other.Encode(w.Register.Signer())
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := trust.ParseBundle(signed, w.Roots(), 0)
	if err != nil {
		t.Fatal(err)
	}
	delta, err := w.p.bundleFor(t.Context(), w.Trust(), old.Version)
	if err != nil || len(delta.Bytes)*2 > len(w.Bundle()) {
		t.Fatalf("the delta has %d bytes, the bundle %d, %v", len(delta.Bytes), len(w.Bundle()), err)
	}
	k := w.kiosk()
	cfg := k.uplinkConfig()
	version := w.p.Catalogue().Version
	cfg.Catalogue = func() uint64 { return version }
	for i, tt := range []struct {
		name    string
		has     *trust.Bundle
		refused string
	}{
		{"by delta", old, ""},
		{"again, when it was lost", old, ""},
		{"whole, when the delta does not fit", parsed, "trust.delta"},
	} {
		cfg.Trust = func() *trust.Bundle { return tt.has }
		u, stop := k.run(cfg)
		k.until(tt.name, func() bool {
			_, n, _ := k.sink.counts()
			return n == i+1
		})
		stop()
		if got := u.Status().Refused; got != tt.refused {
			t.Errorf("%s: refused = %q, want %q", tt.name, got, tt.refused)
		}
		k.sink.mu.Lock()
		got := k.sink.bundles[i]
		k.sink.mu.Unlock()
		if !bytes.Equal(got, w.Bundle()) {
			t.Errorf("%s: another bundle came", tt.name)
		}
		if k.o.Cursor() != 0 {
			t.Errorf("%s: the cursor moved to %d", tt.name, k.o.Cursor())
		}
	}
}

// TestUntaught has a kiosk that takes no catalogue: the portal stops to send it in
// every session, says so once to the operator, and tries again after an hour.
func TestUntaught(t *testing.T) {
	w := newWorld(t)
	w.stop()
	var late atomic.Int64
	w.config.Now = func() time.Time { return time.Now().Add(time.Duration(late.Load())) }
	w.serve(w.PortalTLS.TLS())
	k := w.kiosk()
	session := func() (catalogues int) {
		t.Helper()
		p, err := k.peer(t, k.dev.TLS.TLS())
		if err != nil {
			t.Fatal(err)
		}
		hello := k.hello()
		hello.Catalogue = 0
		p.send(hello)
		want[*wire.Welcome](p)
		want[*wire.Beacon](p)
		p.send(k.head(t)) // its witness comes whether or not a catalogue does
		for witness := false; !witness; {
			f, err := p.c.Receive(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			switch f := f.(type) {
			case *wire.Witness:
				witness = true
			case *wire.Items:
				catalogues++
				p.send(&wire.ItemAck{ID: f.Items[0].ID})
			}
		}
		p.c.Close()
		w.p.closeSessions()
		return catalogues
	}
	// A witness may be faster than a catalogue, and the session over before an ack is
	// read: how many sessions it takes is chance, how many catalogues is not.
	came := 0
	for i := 0; len(w.alarms()) == 0; i++ {
		if came += session(); i == 200 {
			t.Fatalf("no alarm after %d catalogues", came)
		}
	}
	if got := w.alarms(); came < teachTries || got[ledger.AlarmUntaught] != k.dev.ID || len(got) != 1 {
		t.Errorf("alarms = %v after %d catalogues, want %s after %d", got, came, ledger.AlarmUntaught, teachTries)
	}
	for range 5 {
		if n := session(); n != 0 {
			t.Fatal("a catalogue came in the session after the alarm")
		}
	}
	late.Store(int64(teachPause))
	for i := 0; session() == 0; i++ {
		if i == 200 {
			t.Fatal("no catalogue came after the pause")
		}
	}
}

// TestTurnedAway: a new bundle that revokes a connected kiosk ends its session at once,
// and leaves the others'.
func TestTurnedAway(t *testing.T) {
	w := newWorld(t)
	stays := w.kiosk()
	dev, err := w.NewDevice("K-000002")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.p.PublishTrust(t.Context(), w.Bundle()); err != nil {
		t.Fatal(err)
	}
	goes := w.kioskWith(dev, outboxtest.Open(t))
	stays.run(stays.uplinkConfig())
	goes.run(goes.uplinkConfig())
	here := func(want ...string) func() bool {
		return func() bool {
			got := w.p.Connected()
			slices.Sort(got)
			return slices.Equal(got, want)
		}
	}
	stays.until("both are connected", here(w.Device.ID, dev.ID))
	if err := w.Revoke(dev.TLS.Cert, time.Now().Add(-time.Minute), false); err != nil {
		t.Fatal(err)
	}
	if err := w.p.PublishTrust(t.Context(), w.Bundle()); err != nil {
		t.Fatal(err)
	}
	stays.until("the revoked one has gone", here(w.Device.ID))
}
