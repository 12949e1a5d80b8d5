// Package scanline is what all code scanners on byte lines share: it keeps the
// line open over unplugging, lets one goroutine read it, gives one caller at a
// time its turn, and throws away what arrives when nobody asked. What is said on
// the line is a [Talk], one for each protocol.
package scanline

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/link"
)

// Talk is one protocol. Its methods are called one at a time, always by the
// same goroutine.
type Talk interface {
	// SetUp makes a scanner in an unknown state read nothing until it is told
	// to, as far as it can be told. It is called after each opening of the line.
	SetUp(ctx context.Context, l *Line) error
	// Read makes the scanner read until there is one sound code or ctx ends,
	// and stops it again. It gives nothing that the scanner read before.
	Read(ctx context.Context, l *Line) (device.Code, error)
	// Check asks whether the scanner is there and still set up; it is called
	// when nobody scans. A scanner that cannot be asked has nothing to say.
	Check(ctx context.Context, l *Line) error
}

// Opts are settings. Zero values are the defaults.
type Opts struct {
	Reopen time.Duration // between tries to open the port; 0: 300 ms
	Check  time.Duration // between checks; 0: 1 s
	// Mute is a scanner that answers nothing: where its line is open, it may be
	// there or not. Its health is unknown until it has read something.
	Mute bool
}

// setUpTime is how long setting up may take before the line is opened anew.
const setUpTime = 10 * time.Second

// maxFaults is how many checks in a row may fail before the line is opened anew.
const maxFaults = 2

// Dev is a scanner. It is safe for concurrent use; callers of Scan wait for one
// another.
type Dev struct {
	name   string
	port   link.Port
	talk   Talk
	o      Opts
	ctx    context.Context
	cancel context.CancelFunc
	done   chan struct{}
	asks   chan ask
	watch  link.Watch

	mu     sync.Mutex
	health device.Health
	err    error // why it cannot be used now; nil: it can, or is being set up
}

// ask is a caller's turn.
type ask struct {
	ctx  context.Context
	told chan told
}

type told struct {
	code device.Code
	err  error
}

var _ device.CodeScanner = (*Dev)(nil)

// New returns the scanner that speaks talk on port. It does not wait for it.
func New(name string, port link.Port, talk Talk, o Opts) (*Dev, error) {
	if port == nil {
		return nil, fmt.Errorf("%s: got no port", name)
	}
	if o.Reopen < 0 || o.Check < 0 {
		return nil, fmt.Errorf("%s: new on %v: got options %+v, want no negative duration", name, port, o)
	}
	if o.Reopen == 0 {
		o.Reopen = 300 * time.Millisecond
	}
	if o.Check == 0 {
		o.Check = time.Second
	}
	d := &Dev{name: name, port: port, talk: talk, o: o, done: make(chan struct{}), asks: make(chan ask), health: device.Starting}
	d.ctx, d.cancel = context.WithCancel(context.Background())
	go d.run()
	return d, nil
}

// String implements conn.Resource.
func (d *Dev) String() string { return d.name + " on " + d.port.String() }

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

// Changes implements device.Watcher.
func (d *Dev) Changes(ctx context.Context) <-chan struct{} { return d.watch.Channel(ctx) }

// Scan implements device.CodeScanner.
func (d *Dev) Scan(ctx context.Context) (device.Code, error) {
	c, err := d.scan(ctx)
	if err != nil {
		// Looking changes nothing in the world.
		return device.Code{}, &device.Error{Dev: d.String(), Op: "scan", SideEffect: device.SideEffectNo, Err: err}
	}
	return c, nil
}

func (d *Dev) scan(ctx context.Context) (device.Code, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(d.ctx, func() { cancel(device.ErrHalted) })()
	a := ask{ctx, make(chan told, 1)}
	for turn := false; !turn; {
		changed := d.watch.Next()
		switch {
		case d.ctx.Err() != nil:
			return device.Code{}, device.ErrHalted
		case ctx.Err() != nil:
			return device.Code{}, context.Cause(ctx)
		}
		if err := d.trouble(); err != nil {
			return device.Code{}, err
		}
		select {
		case d.asks <- a:
			turn = true
		case <-changed:
		case <-ctx.Done():
		}
	}
	// A code that comes together with the end of ctx is dropped with its channel.
	select {
	case t := <-a.told:
		if t.err != nil && ctx.Err() != nil {
			return device.Code{}, context.Cause(ctx)
		}
		return t.code, t.err
	case <-ctx.Done():
		return device.Code{}, context.Cause(ctx)
	}
}

func (d *Dev) trouble() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.err
}

// set notes how the scanner stands; err is why it cannot be used.
func (d *Dev) set(h device.Health, err error) {
	d.mu.Lock()
	same := d.health == h && (d.err == nil) == (err == nil)
	d.health, d.err = h, err
	d.mu.Unlock()
	if !same {
		d.watch.Wake()
	}
}

// fail notes that the scanner cannot be used, and why.
func (d *Dev) fail(err error) {
	if errors.Is(err, device.ErrUnplugged) {
		d.set(device.NoDevice, err)
	} else {
		d.set(device.HardwareError, err)
	}
}

// run keeps the scanner's line open until Halt.
func (d *Dev) run() {
	defer close(d.done)
	for d.ctx.Err() == nil {
		if err := d.session(); d.ctx.Err() == nil {
			d.fail(err)
		}
		pause(d.ctx, d.o.Reopen)
	}
	d.set(device.Offline, device.ErrHalted)
}

// session is the time from opening the port to losing it.
func (d *Dev) session() (err error) {
	line, err := d.port.Open(d.ctx)
	if err != nil {
		return err
	}
	l := newLine(line)
	defer func() { err = errors.Join(err, l.close()) }()
	ctx, cancel := context.WithTimeout(d.ctx, setUpTime)
	err = d.talk.SetUp(ctx, l)
	cancel()
	if err != nil {
		return fmt.Errorf("set up: %w", err)
	}
	d.set(d.up(false), nil)
	return d.serve(l)
}

// up is the health of a scanner that can be used.
func (d *Dev) up(heard bool) device.Health {
	if d.o.Mute && !heard {
		return device.Unknown
	}
	return device.Online
}

// serve gives turns until the line fails.
func (d *Dev) serve(l *Line) error {
	tick := time.NewTicker(d.o.Check)
	defer tick.Stop()
	for faults := 0; ; {
		select {
		case b := <-l.chunks:
			l.note(b) // nobody asked
			clear(b)
		case <-l.dead:
			return l.err
		case <-d.ctx.Done():
			return d.ctx.Err()
		case a := <-d.asks:
			l.drop()
			c, err := d.talk.Read(a.ctx, l)
			l.drop()
			// The caller's time being up is no fault of the scanner.
			fault := err != nil && (a.ctx.Err() == nil || errors.Is(err, device.ErrUnplugged) || errors.Is(err, device.ErrTimeout))
			if fault {
				d.fail(err)
			} else if err == nil {
				d.set(d.up(true), nil)
			}
			a.told <- told{c, err}
			if fault {
				return err
			}
		case <-tick.C:
			err := d.talk.Check(d.ctx, l)
			if err == nil {
				faults = 0
			} else if faults++; faults == maxFaults || errors.Is(err, device.ErrUnplugged) {
				return fmt.Errorf("check: %w", err)
			}
		}
	}
}

// pause waits for t, or less when ctx ends.
func pause(ctx context.Context, t time.Duration) {
	timer := time.NewTimer(t)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
