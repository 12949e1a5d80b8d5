// Package cardtest puts specimen cards into a reader that has no line: for
// tests of what is said to a card, not of how it gets there.
package cardtest

import (
	"context"
	"fmt"
	"sync"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/emulator/pivcard"
	"github.com/penjire/penjire/drivers/piv"
	"github.com/penjire/penjire/sync/edoc/specimen"
)

// New returns the specimen card c in software.
func New(c specimen.Card) (*pivcard.Card, error) {
	p := pivcard.Profile{PIN: c.PIN, PUK: c.PUK, Slots: map[piv.Slot]pivcard.Slot{}}
	for n, id := range c.Slots {
		p.Slots[piv.Slot(n)] = pivcard.Slot{Key: id.Key, Cert: id.Cert.Raw}
	}
	card, err := pivcard.New(p)
	if err != nil {
		return nil, fmt.Errorf("cardtest: make card %s: %w", c.Name, err)
	}
	return card, nil
}

// Reader is a card reader. The zero value is empty.
type Reader struct {
	mu      sync.Mutex
	gen     uint64
	card    *pivcard.Card
	wake    chan struct{}
	pullIn  int // commands until the card is pulled; 0: it is not
	broken  error
	Counter int // commands that reached a card
}

var _ device.CardReader = (*Reader)(nil)

// Insert puts c in and returns its generation; nil takes the card out.
func (r *Reader) Insert(c *pivcard.Card) uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.insert(c)
}

func (r *Reader) insert(c *pivcard.Card) uint64 {
	r.card = c
	if c != nil {
		r.gen++
		c.Activate()
	}
	if r.wake != nil {
		close(r.wake)
		r.wake = nil
	}
	return r.gen
}

// PullAfter pulls the card when it has answered n more commands.
func (r *Reader) PullAfter(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pullIn = n + 1
}

// Break makes every command fail with err; nil mends it.
func (r *Reader) Break(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.broken = err
}

// Transmit implements device.CardReader.
func (r *Reader) Transmit(_ context.Context, gen uint64, apdu []byte) ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.pullIn > 0 {
		if r.pullIn--; r.pullIn == 0 {
			r.insert(nil)
		}
	}
	err := r.broken
	if err == nil && (r.card == nil || gen != r.gen) {
		err = device.ErrMediaGone
	}
	if err != nil {
		return nil, &device.Error{Dev: r.String(), Op: "transmit", SideEffect: device.SideEffectUnknown, Err: err}
	}
	r.Counter++
	return r.card.Transmit(apdu), nil
}

// Wait implements device.CardReader.
func (r *Reader) Wait(ctx context.Context, gen uint64) (*device.Card, error) {
	for {
		r.mu.Lock()
		now := uint64(0)
		if r.card != nil {
			now = r.gen
		}
		if now != gen {
			r.mu.Unlock()
			if now == 0 {
				return nil, nil
			}
			return &device.Card{Gen: now}, nil
		}
		if r.wake == nil {
			r.wake = make(chan struct{})
		}
		wake := r.wake
		r.mu.Unlock()
		select {
		case <-wake:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Health implements device.Device.
func (r *Reader) Health() device.Health { return device.Online }

// Halt implements conn.Resource.
func (r *Reader) Halt() error { return nil }

// String implements conn.Resource.
func (r *Reader) String() string { return "test reader" }
