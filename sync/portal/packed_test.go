package portal

import (
	"context"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/journal"
	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/uplink"
	"github.com/penjire/penjire/sync/wire"
)

// TestPackedHeads: heads and witnesses go as differences to the last one that
// both ends keep, and whole where one of them does not have it, or another.
func TestPackedHeads(t *testing.T) {
	w := newWorld(t)
	k := w.kiosk()
	c := k.uplinkConfig()
	c.Checkpoint = time.Hour // one for each session
	heads := func() []*journal.Head {
		all, _ := k.sink.witnessed()
		return all
	}
	sizes := func(c uplink.Config) (up, down int) {
		t.Helper()
		u, err := uplink.New(c)
		if err != nil {
			t.Fatal(err)
		}
		before := len(heads())
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- u.Run(ctx) }()
		k.untilState(k.one("citizen-1").ID(), outbox.Registered)
		k.until("the witness", func() bool { return len(heads()) > before })
		cancel()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		for _, f := range u.Status().LastFrames {
			switch f.Type {
			case wire.TypeCheckpoint.String():
				up += f.Bytes
			case wire.TypeWitness.String():
				down += f.Bytes
			}
		}
		h := k.sink.kept()
		if h.Signed(k.dev.ID) == nil || h.Signed("portal.specimen") == nil {
			t.Error("the head is not signed by both")
		}
		if _, err := h.Verify("portal.specimen", w.PortalReceipt.Cert); err != nil {
			t.Error(err)
		}
		return up, down
	}
	first, firstDown := sizes(c)
	up, down := sizes(c)
	if up > first-50 || down > firstDown-100 { // up with a proof, which the first needs not
		t.Errorf("the second head goes in %d and %d bytes, the first in %d and %d", up, down, first, firstDown)
	}
	lost := c
	lost.Kept = nil
	if n, _ := sizes(lost); n < up+100 {
		t.Errorf("without the last one the head goes in %d bytes, with it in %d", n, up)
	}
	// Another one than the portal's under the same number.
	other := c
	stale := heads()[0]
	other.Kept = func() *journal.Head { return stale }
	if n, _ := sizes(other); n < up+100 {
		t.Errorf("with another one than the portal's the head goes in %d bytes, with that one in %d", n, up)
	}
	if al, err := w.l.Alarms(t.Context(), 10); err != nil || len(al) != 0 {
		t.Errorf("alarms: %v, %v, want none", al, err)
	}
}
