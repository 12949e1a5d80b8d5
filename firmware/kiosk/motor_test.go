package kiosk

import (
	"context"
	"slices"
	"sync"
	"testing"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/ui/screen"
)

// motor makes a reader with a motor of the rig's: a card at the gate is not read.
type motor struct {
	device.CardReader
	r *rig

	mu    sync.Mutex
	moves []device.Position
}

func (m *motor) Media() device.CardMedia { return device.MediaUnknown }

func (m *motor) Accept(context.Context, bool) error { return nil }

func (m *motor) Move(_ context.Context, to device.Position) error {
	m.mu.Lock()
	m.moves = append(m.moves, to)
	m.mu.Unlock()
	m.r.chip.Remove()
	return nil
}

func (m *motor) moved() []device.Position {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.moves)
}

// A reader that takes cards in keeps no visitor's: when the visit asks for the
// card to be taken, or ends, it is brought to the gate.
func TestMotorGivesTheCardBack(t *testing.T) {
	r := newRig(t)
	m := &motor{r: r}
	r.opened = func(k *Kiosk) {
		m.CardReader = k.reader
		k.reader = m
	}
	r.start()
	r.apply("citizen-1")
	if n := len(m.moved()); n != 0 {
		t.Errorf("the card was moved %d times during the visit, want never", n)
	}
	r.do("end")
	r.until("the card to be brought to the gate", func() bool { return len(m.moved()) > 0 && !r.state().Devices.Card })
	if to := m.moved()[0]; to != device.ToExit {
		t.Errorf("the card was moved to %q, want %q", to, device.ToExit)
	}
	r.until("the visit to go on without the card", func() bool { return r.page() != screen.TakeCard })
}
