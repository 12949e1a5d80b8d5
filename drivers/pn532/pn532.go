// Package pn532 drives NXP's PN532 contactless reader chip over a serial line
// (HSU). It carries APDUs to ISO 14443-4 type A cards and knows nothing of what
// is in them.
//
// # Reference
//
// NXP UM0701-02 "PN532 User Manual": frames 6.2.1, HSU 6.2.4, commands 7, error
// codes table 17. I2C is left out on purpose: the chip stretches the clock,
// which a Raspberry Pi before the 5 gets wrong.
package pn532

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/link"
)

// Opts are a reader's settings. Zero values are the defaults.
type Opts struct {
	Poll    time.Duration // between looks for a card, or whether it is still there; 0: 150 ms
	Timeout time.Duration // for the card's answer to one APDU; 0: 5 s
	Reopen  time.Duration // between tries to open the port; 0: 300 ms
}

// Dev is a reader. It opens its port by itself, again and again: a reader that
// is not there yet, or was unplugged, comes back within Reopen of being plugged
// in, with a card in it if there is one.
//
// Contract, beyond [device.CardReader]: a card that misbehaves is given up and
// found again under a new Gen. Nothing is ever sent to a card twice.
type Dev struct {
	port link.Port
	o    Opts

	ctx    context.Context
	cancel context.CancelFunc
	done   chan struct{}

	bus chan struct{} // one token: who holds it uses chip and tgt
	// Guarded by bus.
	chip *chip
	tgt  *target
	seen time.Time // when the card last answered

	watch link.Watch // woken by every change of what is below

	mu     sync.Mutex
	health device.Health
	card   *device.Card
	gen    uint64
}

var (
	_ device.CardReader = (*Dev)(nil)
	_ device.Watcher    = (*Dev)(nil)
)

// New returns the reader on port and starts looking for it. It does not wait
// for it: Health says when it is there.
func New(port link.Port, o Opts) (*Dev, error) {
	if o.Poll < 0 || o.Timeout < 0 || o.Reopen < 0 {
		return nil, fmt.Errorf("pn532: reader on %v: got a negative time in %+v", port, o)
	}
	def := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	def(&o.Poll, 150*time.Millisecond)
	def(&o.Timeout, 5*time.Second)
	def(&o.Reopen, 300*time.Millisecond)
	d := &Dev{port: port, o: o, done: make(chan struct{}), bus: make(chan struct{}, 1), health: device.Starting}
	d.ctx, d.cancel = context.WithCancel(context.Background())
	go d.run()
	return d, nil
}

// String implements conn.Resource.
func (d *Dev) String() string { return "PN532 on " + d.port.String() }

// Halt implements conn.Resource. It returns when the port is closed.
func (d *Dev) Halt() error {
	d.cancel()
	<-d.done
	return nil
}

// Health implements device.Device.
func (d *Dev) Health() device.Health {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.health
}

// Changes implements device.Watcher: it also yields when a card comes or goes.
func (d *Dev) Changes(ctx context.Context) <-chan struct{} { return d.watch.Channel(ctx) }

// Wait implements device.CardReader. After Halt it fails with ErrHalted.
func (d *Dev) Wait(ctx context.Context, gen uint64) (*device.Card, error) {
	for {
		changed := d.watch.Next()
		d.mu.Lock()
		card := d.card
		d.mu.Unlock()
		if card == nil && gen != 0 {
			return nil, nil
		}
		if card != nil && card.Gen != gen {
			c := *card
			return &c, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, fmt.Errorf("pn532: wait for a card in %v: %w", d, ctx.Err())
		case <-d.ctx.Done():
			return nil, fmt.Errorf("pn532: wait for a card in %v: %w", d, device.ErrHalted)
		}
	}
}

// Transmit implements device.CardReader.
func (d *Dev) Transmit(ctx context.Context, gen uint64, apdu []byte) ([]byte, error) {
	r, err := d.transmit(ctx, gen, apdu)
	if err != nil {
		return nil, &device.Error{Dev: d.String(), Op: "transmit", SideEffect: effectOf(err), Err: err}
	}
	return r, nil
}

func (d *Dev) transmit(ctx context.Context, gen uint64, apdu []byte) ([]byte, error) {
	no := func(err error) ([]byte, error) { return nil, &failure{device.SideEffectNo, err} }
	if err := d.take(ctx); err != nil {
		return no(err)
	}
	defer d.release()
	d.mu.Lock()
	card := d.card
	d.mu.Unlock()
	switch {
	case gen == 0:
		return no(device.ErrNoMedia)
	case card == nil || card.Gen != gen:
		return no(device.ErrMediaGone)
	case len(d.tgt.ats) == 0:
		return no(fmt.Errorf("card takes no APDUs: %w", device.ErrUnsupported))
	}
	ctx, stop := d.joined(ctx)
	defer stop()
	r, err := d.chip.exchange(ctx, d.o.Timeout, d.tgt, apdu)
	if err == nil {
		d.seen = time.Now()
		return r, nil
	}
	if effectOf(err) == device.SideEffectNo && !errors.Is(err, errCardState) && !errors.Is(err, device.ErrUnplugged) {
		return nil, err // the card never noticed
	}
	// The card is in the middle of something. Give it up; the next look finds
	// it again, reset, under another Gen.
	d.lose()
	if errors.Is(err, device.ErrUnplugged) {
		d.setHealth(device.NoDevice)
	}
	if cause := context.Cause(ctx); errors.Is(cause, device.ErrHalted) {
		err = &failure{effectOf(err), cause}
	}
	return nil, err
}

// joined returns a context that ends with ctx or with the device.
func (d *Dev) joined(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(d.ctx, func() { cancel(device.ErrHalted) })
	return ctx, func() { stop(); cancel(nil) }
}

// take waits for the bus.
func (d *Dev) take(ctx context.Context) error {
	if d.ctx.Err() != nil {
		return device.ErrHalted
	}
	select {
	case d.bus <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-d.ctx.Done():
		return device.ErrHalted
	}
}

func (d *Dev) release() { <-d.bus }

// lose forgets the card.
func (d *Dev) lose() {
	d.tgt = nil
	d.setCard(nil)
}

func (d *Dev) setCard(t *target) {
	d.mu.Lock()
	if t == nil {
		d.card = nil
	} else {
		d.gen++
		d.card = &device.Card{Gen: d.gen, UID: t.uid, ATS: t.ats}
	}
	d.mu.Unlock()
	d.watch.Wake()
}

func (d *Dev) setHealth(h device.Health) {
	d.mu.Lock()
	same := d.health == h
	d.health = h
	d.mu.Unlock()
	if !same {
		d.watch.Wake()
	}
}
