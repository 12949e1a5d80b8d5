// Package modem drives GSM and LTE modems that take AT commands: SIM800L, SIM7600,
// Quectel EC25 and their like. It sends and receives short messages, and knows the
// network; data connections are the system's.
//
// A modem with several serial lines is driven over the one that takes commands; what
// comes unasked may come on another, so messages are also looked for.
//
// # Reference
//
// 3GPP TS 27.005 (short messages), 27.007 (AT commands), 23.040 (their form);
// SIMCom "SIM800 Series AT Command Manual" for what comes unasked.
package modem

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/penjire/penjire/drivers/call"
	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/link"
)

// Opts are a modem's settings. Zero values are the defaults.
type Opts struct {
	Poll   time.Duration // between looks at modem and messages; 0: 5 s
	Reopen time.Duration // between tries to open the port; 0: 300 ms
	PIN    string        // of the SIM; "": it asks for none. A wrong one is tried once
	// Network is how long the network may take for a part of a message; 0: 60 s.
	Network time.Duration
}

// Dev is a modem. It opens its port by itself, again and again.
//
// Contract, beyond [device.Modem]: neither a number nor a text is ever in an error
// or in String.
type Dev struct {
	line link.Port
	o    Opts

	own *call.Owner

	// Of the goroutine that owns the line.
	now      *port
	lost     error
	sim      device.Registration // NoSIM, NeedsPIN, or "" when it is ready
	triedPIN bool

	watch  link.Watch
	post   link.Watch // woken when there is a message to be had
	mu     sync.Mutex
	health device.Health
	inbox  []message
	given  map[[sha256.Size]byte]bool // handed over, and perhaps still in the modem
}

var _ device.Modem = (*Dev)(nil)

// New returns the modem on port and starts looking for it. It does not wait for it:
// Health says when it is there.
func New(p link.Port, o Opts) (*Dev, error) {
	if o.Poll < 0 || o.Reopen < 0 || o.Network < 0 {
		return nil, fmt.Errorf("modem: modem on %v: got a negative time", p)
	}
	if o.PIN != "" && !isPIN(o.PIN) {
		return nil, fmt.Errorf("modem: modem on %v: the PIN is not of 4 to 8 digits", p)
	}
	def := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	def(&o.Poll, 5*time.Second)
	def(&o.Reopen, 300*time.Millisecond)
	def(&o.Network, networkTime)
	d := &Dev{line: p, o: o, own: call.NewOwner(), health: device.Starting, lost: device.ErrUnplugged, given: map[[sha256.Size]byte]bool{}}
	d.own.Go(d.run)
	return d, nil
}

// String implements conn.Resource.
func (d *Dev) String() string { return "modem on " + d.line.String() }

// Halt implements conn.Resource. It returns when the port is closed.
func (d *Dev) Halt() error { return d.own.Halt() }

// Health implements device.Device. A modem without SIM, or whose SIM wants a PIN
// that it was not given, is one that a person can mend.
func (d *Dev) Health() device.Health {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.health
}

// Changes implements device.Watcher.
func (d *Dev) Changes(ctx context.Context) <-chan struct{} { return d.watch.Channel(ctx) }

// call has f done by the goroutine that owns the line, while there is one.
func (d *Dev) call(ctx context.Context, op string, f func(ctx context.Context) error) error {
	return call.Told(d.String(), op, d.own.Calls.Do(ctx, func(ctx context.Context) error {
		if d.now == nil {
			return call.Failed(device.SideEffectNo, d.lost)
		}
		p := d.now
		err := f(ctx)
		if errors.Is(err, device.ErrUnplugged) || errors.Is(err, errReboot) {
			// Nothing more goes over this line: it is opened, and the modem set up, anew.
			p.over = err
			d.gone(err)
			p.news.Wake()
		}
		return err
	}))
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

// Received implements device.Modem. The message is removed from the modem once it
// is here; where that fails, it is removed later, and not given to anyone again.
func (d *Dev) Received(ctx context.Context) (device.SMS, error) {
	for {
		news := d.post.Next()
		if m, ok := d.take(); ok {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), simTime)
			defer cancel()
			// It is noted as given: what fails here is done at the next look.
			_ = d.call(ctx, "remove a message", func(ctx context.Context) error { return d.remove(ctx, d.now, m) })
			return m.sms, nil
		}
		select {
		case <-news:
		case <-ctx.Done():
			return device.SMS{}, call.Told(d.String(), "wait for a message", call.Failed(device.SideEffectNo, ctx.Err()))
		case <-d.own.Ctx.Done():
			return device.SMS{}, call.Told(d.String(), "wait for a message", call.Failed(device.SideEffectNo, device.ErrHalted))
		}
	}
}

// take returns a message that nobody has, and notes that somebody has it now.
func (d *Dev) take() (message, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, m := range d.inbox {
		if !d.given[m.key] {
			d.given[m.key] = true
			return m, true
		}
	}
	return message{}, false
}
