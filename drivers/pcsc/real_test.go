package pcsc_test

import (
	"context"
	"maps"
	"testing"
	"time"

	"github.com/penjire/penjire/drivers/devicetest"
	"github.com/penjire/penjire/drivers/emulator/vpcd"
	"github.com/penjire/penjire/drivers/emulator/vpcd/vpcdtest"
	"github.com/penjire/penjire/drivers/link"
	"github.com/penjire/penjire/drivers/pcsc"
)

// realHands are those of a virtual reader of the real pcscd.
type realHands struct {
	t    *testing.T
	s    *vpcdtest.Service
	card *devicetest.Card
	in   *vpcd.Slot
	hung chan struct{} // closed when the card may go on
}

// Insert puts the card in and waits until pcscd has seen it.
func (h *realHands) Insert() {
	h.Remove()
	h.t.Helper()
	seen := h.noticed(h.t.Context())
	// The reader opens its port after pcscd does, and says nothing when it has.
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for {
		in, err := vpcd.Insert(h.s.Addr, h.card)
		if err == nil {
			h.in = in
			seen()
			return
		}
		select {
		case <-again.C:
		case <-h.t.Context().Done():
			h.t.Fatal(err)
		}
	}
}

func (h *realHands) Remove() {
	if h.hung != nil {
		close(h.hung)
		h.hung = nil
	}
	if h.in == nil {
		return
	}
	seen := h.noticed(context.Background())
	_ = h.in.Remove() // pcscd may have let go of it
	h.in = nil
	seen()
}

// noticed returns what waits until pcscd has counted another event: a card that comes
// or goes while pcscd does not look is not noticed, and one that is gone before the
// reader took it stays in it, mute, for ever. No hand is as quick.
func (h *realHands) noticed(ctx context.Context) (wait func()) {
	port := link.Unix{Path: h.s.Socket}
	before, err := pcsc.Events(ctx, port, vpcdtest.Reader)
	if err != nil {
		return func() {} // it does not run
	}
	return func() {
		again := time.NewTicker(20 * time.Millisecond)
		defer again.Stop()
		limit := time.After(5 * time.Second)
		for {
			if n, err := pcsc.Events(ctx, port, vpcdtest.Reader); err != nil || n != before {
				return
			}
			select {
			case <-again.C:
			case <-limit:
				return // it had noticed before
			}
		}
	}
}

func (h *realHands) Unplug() {
	if err := h.s.Stop(); err != nil {
		h.t.Error(err)
	}
}

// Replug starts pcscd. Its reader has forgotten the card, which is put back.
func (h *realHands) Replug() {
	if err := h.s.Start(); err != nil {
		h.t.Error(err)
	}
	if h.in != nil {
		h.Insert()
	}
}

func (h *realHands) Count() int { return len(h.card.APDUs()) }

func (h *realHands) Next(m devicetest.Mishap) {
	switch m {
	case devicetest.PulledAfter:
		h.card.Do(h.in.Pull)
	case devicetest.Silence:
		hung := make(chan struct{})
		h.hung = hung
		h.card.Do(func() { <-hung })
	case devicetest.CablePulled:
		h.card.Do(h.Unplug)
	}
}

// TestSuiteOnRealDaemon puts the driver to pcsc-lite itself.
func TestSuiteOnRealDaemon(t *testing.T) {
	neverReal := map[devicetest.Mishap]string{
		devicetest.PulledBefore: "the virtual reader notices only when it speaks to the card",
		devicetest.Deafness:     "pcscd takes every command",
		devicetest.Garbled:      "pcscd does not damage answers",
		devicetest.TooLate:      "as silence: the connection is given up",
	}
	maps.Copy(neverReal, never)
	devicetest.CardReader(t, devicetest.Real, func(t *testing.T) devicetest.ReaderRig {
		s := vpcdtest.Start(t)
		h := &realHands{t: t, s: s, card: new(devicetest.Card)}
		t.Cleanup(h.Remove)
		return devicetest.ReaderRig{
			Dev: drive(t, link.Unix{Path: s.Socket}, pcsc.Opts{Reader: "Virtual PCD"}), Hands: h,
			Contacts: true, Never: neverReal,
		}
	})
}
