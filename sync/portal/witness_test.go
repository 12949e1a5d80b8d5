package portal

import (
	"bytes"
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/edoc/tsp"
	"github.com/penjire/penjire/sync/journal"
	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/outbox/outboxtest"
	"github.com/penjire/penjire/sync/wire"
)

// flaky is a time-stamping authority that can be out of reach.
type flaky struct {
	tsp.Stamper
	down atomic.Bool
}

func (f *flaky) Stamp(ctx context.Context, imprint [32]byte) ([]byte, time.Time, error) {
	if f.down.Load() {
		return nil, time.Time{}, errors.New("no connection")
	}
	return f.Stamper.Stamp(ctx, imprint)
}

// stamped checks a witnessed head: both signatures, and the time stamp in the
// portal's.
func (w *world) stamped(t *testing.T, h *journal.Head, want bool) {
	t.Helper()
	if _, err := h.Verify(w.Device.ID, w.Device.Signing.Cert); err != nil {
		t.Error(err)
	}
	if _, err := h.Verify("portal.specimen", w.PortalReceipt.Cert); err != nil {
		t.Error(err)
	}
	sig := h.Signed("portal.specimen")
	if sig == nil || (sig.TimeStamp() != nil) != want {
		t.Fatalf("the portal's signature has a time stamp: %v, want %v", sig != nil && sig.TimeStamp() != nil, want)
	}
	if !want {
		return
	}
	token, err := tsp.Parse(sig.TimeStamp())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := token.Verify(sig.Imprint(), w.Trust().TSA); err != nil {
		t.Error(err)
	}
}

// TestWitness brings the portal's signature and time stamp into the kiosk's
// hand, before the first record is taken, and again if it got lost; a head that
// was kept without a time stamp gets one when the kiosk comes back.
func TestWitness(t *testing.T) {
	w := newWorld(t)
	w.stop()
	tsa := &flaky{Stamper: w.config.Stamper}
	tsa.down.Store(true)
	w.config.Stamper = tsa
	w.serve(w.PortalTLS.TLS())
	k := w.kiosk()
	doc := k.one("citizen-1")
	c := k.uplinkConfig()
	c.Checkpoint = time.Hour // one head for each session
	_, stop := k.run(c)
	k.untilState(doc.ID(), outbox.Delivered) // not registered: that needs a time stamp too
	stop()
	w.p.closeSessions()
	heads, _ := k.sink.witnessed()
	if len(heads) != 1 {
		t.Fatalf("witnessed heads = %d, want 1", len(heads))
	}
	w.stamped(t, heads[0], false)
	// The head covers the entries of what was sent after it.
	req, err := k.o.Get(t.Context(), doc.ID())
	if err != nil {
		t.Fatal(err)
	}
	for i := req.Index; ; i++ {
		e, err := k.o.Entry(t.Context(), i)
		if err != nil {
			t.Fatal(err)
		}
		if e.Kind == journal.Sent {
			if i >= heads[0].Size {
				t.Errorf("the head of %d does not cover the sent entry %d", heads[0].Size, i)
			}
			break
		}
	}
	tsa.down.Store(false)
	p, _ := k.greeted(t) // gets the stamp made
	e := k.o.Stats(t.Context()).Epoch
	kept, err := w.l.Head(t.Context(), k.dev.ID, e)
	if err != nil || kept.Stamp == nil || kept.Size != heads[0].Size {
		t.Fatalf("Head of %d with a stamp of %d bytes, %v, want that of %d with one", kept.Size, len(kept.Stamp), err, heads[0].Size)
	}
	h, err := journal.ParseHead(kept.Note)
	if err != nil {
		t.Fatal(err)
	}
	w.stamped(t, h, true)
	// The same head once more: the kiosk has lost the answer.
	p.send(&wire.Checkpoint{Epoch: e, Head: heads[0].Only(k.dev.ID).Marshal(), From: kept.Size})
	f := want[*wire.Witness](p)
	if !bytes.Equal(f.Head, h.Only("portal.specimen").Marshal()) {
		t.Errorf("the portal answers the same head with %q", f.Head)
	}
}

// TestFalseWitness has a portal that shows heads which this kiosk did not sign,
// or which its journal does lead to: they stop nothing.
func TestFalseWitness(t *testing.T) {
	w := newWorld(t)
	k := w.kiosk()
	e := k.o.Stats(t.Context()).Epoch
	foreign := journal.Checkpoint{Origin: k.o.Checkpoint().Origin, Size: 1000, Root: [32]byte{1}}
	h, err := foreign.Sign(k.dev.ID, w.Register.Signer(), time.Now(), true)
	if err != nil {
		t.Fatal(err)
	}
	sig, err := h.Signature(w.PortalReceipt.Signer(), time.Now(), false)
	if err != nil {
		t.Fatal(err)
	}
	if h, err = h.With("portal.specimen", w.PortalReceipt.Cert, sig); err != nil {
		t.Fatal(err)
	}
	if err := w.l.SetHead(t.Context(), k.dev.ID, e, ledger.Head{}, ledger.Head{
		Size: 1000, Root: [32]byte{1}, Note: h.Marshal(), Stamp: []byte("s"), At: time.Now(),
	}); err != nil {
		t.Fatal(err)
	}
	u, stop := k.run(k.uplinkConfig())
	k.untilState(k.one("citizen-1").ID(), outbox.Registered)
	stop()
	if _, against := k.sink.witnessed(); len(against) != 0 || u.Status().Journal != ledger.AlarmShortened {
		t.Errorf("contradicted by %d heads, status %q, want none and %s", len(against), u.Status().Journal, ledger.AlarmShortened)
	}
	if _, err := k.o.Accept(t.Context(), outboxtest.Draft(1)); err != nil {
		t.Errorf("Accept = %v, want nil: nobody has shown that the kiosk signed it", err)
	}
}
