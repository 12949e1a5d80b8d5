package slot

import (
	"context"
	"fmt"

	"github.com/penjire/penjire/drivers/device"
)

// Face is what callers of a card reader's driver see of its slot: all of
// [device.CardReader] and [device.Watcher] but Transmit. Drivers embed it.
type Face struct{ s *Slot }

// Face returns what callers may see.
func (s *Slot) Face() Face { return Face{s} }

// String implements conn.Resource.
func (f Face) String() string { return f.s.name }

// Halt implements conn.Resource. It returns when the reader is closed.
func (f Face) Halt() error {
	f.s.cancel()
	<-f.s.done
	return nil
}

// Health implements device.Device.
func (f Face) Health() device.Health {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	return f.s.health
}

// Changes implements device.Watcher: it also yields when a card comes or goes.
func (f Face) Changes(ctx context.Context) <-chan struct{} { return f.s.watch.Channel(ctx) }

// Card returns the card that is there now, or nil.
func (f Face) Card() *device.Card {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	if f.s.card == nil {
		return nil
	}
	c := *f.s.card
	return &c
}

// Wait implements device.CardReader. After Halt it fails with ErrHalted.
func (f Face) Wait(ctx context.Context, gen uint64) (*device.Card, error) {
	for {
		changed := f.s.watch.Next()
		card := f.Card()
		if card == nil && gen != 0 {
			return nil, nil
		}
		if card != nil && card.Gen != gen {
			return card, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for a card in %v: %w", f, ctx.Err())
		case <-f.s.ctx.Done():
			return nil, fmt.Errorf("wait for a card in %v: %w", f, device.ErrHalted)
		}
	}
}
