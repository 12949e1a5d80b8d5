// Package slot keeps what the driver of every card reader keeps, whatever the
// reader is: which card is there and under which generation, how the reader is,
// whose turn it is to use it, and the way back after it was unplugged.
//
// A driver holds a Slot and shows the world its Face.
package slot

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/link"
)

// Slot is a driver's own view of its reader. Its methods may be called from
// several goroutines.
type Slot struct {
	name   string
	ctx    context.Context
	cancel context.CancelFunc
	done   chan struct{}
	turn   chan struct{} // one token: who holds it uses the reader
	watch  link.Watch    // woken by every change of what is below

	mu     sync.Mutex
	health device.Health
	card   *device.Card
	gen    uint64
}

// New returns the slot of the reader called name, which has no card and is
// [device.Starting]. Run must follow.
func New(name string) *Slot {
	s := &Slot{name: name, done: make(chan struct{}), turn: make(chan struct{}, 1), health: device.Starting}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// Run has session use the reader on port again and again until Halt, in a
// goroutine of its own: after every time every, and when something is plugged
// in. session opens the port, and returns when it has lost it or ctx has ended;
// its error says which health the reader has until the next one.
func (s *Slot) Run(port link.Port, every time.Duration, session func(ctx context.Context) error) {
	go func() {
		defer close(s.done)
		reopen := link.NewReopen(port, every)
		defer reopen.Close()
		for s.ctx.Err() == nil {
			s.gone(session(s.ctx))
			reopen.Wait(s.ctx)
		}
		s.SetHealth(device.Offline)
	}()
}

// gone notes that the reader cannot be used, and why.
func (s *Slot) gone(err error) {
	if errors.Is(err, device.ErrUnplugged) {
		s.SetHealth(device.NoDevice)
		return
	}
	s.SetHealth(device.HardwareError)
}

// Pause waits for t, or less when ctx ends.
func Pause(ctx context.Context, t time.Duration) {
	timer := time.NewTimer(t)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// Take waits for the turn. Release gives it back.
func (s *Slot) Take(ctx context.Context) error {
	if s.ctx.Err() != nil {
		return device.ErrHalted
	}
	select {
	case s.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-s.ctx.Done():
		return device.ErrHalted
	}
}

// Claim waits for the turn, however long it takes: for the session itself, which
// has to clean up. Nobody holds the turn for longer than one exchange.
func (s *Slot) Claim() { s.turn <- struct{}{} }

// Release gives the turn back.
func (s *Slot) Release() { <-s.turn }

// SetCard notes which card is there, under a new generation, or with nil that
// none is. It returns the generation.
func (s *Slot) SetCard(c *device.Card) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.card = nil
	if c != nil {
		s.gen++
		n := *c
		n.Gen = s.gen
		s.card = &n
	}
	s.watch.Wake()
	return s.gen
}

// Changed tells whoever watches that something else about the reader changed.
func (s *Slot) Changed() { s.watch.Wake() }

// SetHealth notes how the reader is.
func (s *Slot) SetHealth(h device.Health) {
	s.mu.Lock()
	same := s.health == h
	s.health = h
	s.mu.Unlock()
	if !same {
		s.watch.Wake()
	}
}

// Joined returns a context that ends with ctx, or with the device, then with the
// cause [device.ErrHalted].
func (s *Slot) Joined(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(s.ctx, func() { cancel(device.ErrHalted) })
	return ctx, func() { stop(); cancel(nil) }
}

// Transmit does one exchange with the card of generation gen, when its turn has
// come and if that card is still there. After a failure that leaves the card in
// doubt (see [Lost]) it gives the card up. The error is a *device.Error.
func (s *Slot) Transmit(ctx context.Context, gen uint64, exchange func(ctx context.Context) ([]byte, error)) ([]byte, error) {
	r, err := s.transmit(ctx, gen, exchange)
	if err != nil {
		return nil, s.Error("transmit", err)
	}
	return r, nil
}

// Error returns the *device.Error of an operation that failed with err.
func (s *Slot) Error(op string, err error) error {
	return &device.Error{Dev: s.name, Op: op, SideEffect: EffectOf(err), Err: err}
}

func (s *Slot) transmit(ctx context.Context, gen uint64, exchange func(ctx context.Context) ([]byte, error)) ([]byte, error) {
	if err := s.Take(ctx); err != nil {
		return nil, Fail(device.SideEffectNo, err)
	}
	defer s.Release()
	card := s.Face().Card()
	switch {
	case gen == 0:
		return nil, Fail(device.SideEffectNo, device.ErrNoMedia)
	case card == nil || card.Gen != gen:
		return nil, Fail(device.SideEffectNo, device.ErrMediaGone)
	case len(card.ATS) == 0:
		return nil, Fail(device.SideEffectNo, fmt.Errorf("card takes no APDUs: %w", device.ErrUnsupported))
	}
	ctx, stop := s.Joined(ctx)
	defer stop()
	r, err := exchange(ctx)
	if err == nil || !Lost(err) {
		return r, err
	}
	// The card is in the middle of something. Give it up; the reader finds it
	// again, reset, under another generation.
	s.SetCard(nil)
	if errors.Is(err, device.ErrUnplugged) {
		s.SetHealth(device.NoDevice)
	}
	if cause := context.Cause(ctx); errors.Is(cause, device.ErrHalted) {
		err = Fail(EffectOf(err), cause)
	}
	return nil, err
}
