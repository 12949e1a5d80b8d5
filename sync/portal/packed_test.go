package portal

import (
	"context"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/journal"
	"github.com/penjire/penjire/sync/ledger"
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

// TestOtherBase: a head that is packed against another base than the portal keeps
// is asked for again, once, and raises no alarm; what is only asked for was not shown
// (WIRE-JRN-11).
func TestOtherBase(t *testing.T) {
	w := newWorld(t)
	k := w.kiosk()
	p, _ := k.greeted(t)
	pack := func(base *journal.Head) *wire.Checkpoint {
		t.Helper()
		f := k.head(t)
		h, err := journal.ParseHead(f.Head)
		if err != nil {
			t.Fatal(err)
		}
		if f.Head, err = h.Pack(base, nil); err != nil {
			t.Fatal(err)
		}
		return f
	}
	asked := func(f *wire.Checkpoint, code string) {
		t.Helper()
		p.send(f)
		if n := want[*wire.Nack](p); n.Of != wire.TypeCheckpoint || n.Code != code {
			t.Errorf("nack = %+v, want %s", n, code)
		}
	}
	first := k.head(t)
	p.send(first)
	want[*wire.Witness](p)
	// Another signature of the same head: as a kiosk had it that was not told which
	// one the portal keeps.
	other, err := journal.ParseHead(k.head(t).Head)
	if err != nil {
		t.Fatal(err)
	}
	k.one("citizen-1")
	from := first.Head
	next := pack(other)
	asked(next, wire.CodeBase)
	if al := w.alarms(); len(al) != 0 {
		t.Fatalf("alarms: %v, want none", al)
	}
	next = pack(nil)
	h, err := journal.ParseHead(from)
	if err != nil {
		t.Fatal(err)
	}
	size, _ := k.o.Head()
	if next.Proof, err = k.o.Consistency(t.Context(), h.Size, size); err != nil {
		t.Fatal(err)
	}
	next.From = h.Size
	p.send(next)
	want[*wire.Witness](p)
	if al := w.alarms(); len(al) != 0 {
		t.Fatalf("alarms: %v, want none", al)
	}
	p.send(k.lease(t, 1))
	want[*wire.Receipts](p)
	k.one("citizen-1")
	asked(pack(other), ledger.AlarmSignature) // it was told
	p.c.Cut()

	// Who only ever sends what cannot be read shows nothing.
	k.one("citizen-1")
	p, _ = k.greeted(t)
	p.send(k.lease(t, 2))
	want[*wire.Receipts](p)
	p.c.Cut()
	p, _ = k.greeted(t)
	asked(pack(other), wire.CodeBase)
	k.one("citizen-1")
	p.send(k.lease(t, 1))
	want[*wire.Receipts](p)
	if al := w.alarms(); al[ledger.AlarmSilent] != k.dev.ID {
		t.Errorf("alarms: %v, want %s", al, ledger.AlarmSilent)
	}
}
