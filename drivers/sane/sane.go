// Package sane takes pictures of sheets of paper with any scanner that SANE has a
// backend for, through the saned daemon: the scanner is opened for one picture
// and closed after it.
//
// # Reference
//
// SANE Standard 1.06, chapter 4 (options, statuses) and chapter 5 (the network
// protocol); for what it leaves open, the behaviour of saned 1.2. Sections are
// named by number.
package sane

import (
	"context"
	"errors"
	"fmt"
	"image"
	"net"
	"sync"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/link"
)

// Opts are a scanner's settings. Zero values are the defaults.
type Opts struct {
	Device  string            // its name at saned; "": the first that there is
	Mode    string            // of pictures; "": "Color", or "Gray" where there is none
	Options map[string]string // more options by their names, such as "source": "ADF"

	Poll   time.Duration // between looks whether the scanner is there; 0: 1500 ms
	Reopen time.Duration // between tries to reach saned; 0: 1 s
	Answer time.Duration // that saned may take for an answer; 0: 10 s
	Start  time.Duration // that a scanner may take to begin: lamps warm up; 0: 60 s
	Stall  time.Duration // without a line of a picture; 0: 20 s

	// Dial opens connections; nil: TCP.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Dev is a scanner.
//
// Contract, beyond [device.ImageScanner]:
//   - A picture is whole, or there is an error: one that was cut short is not given
//     out as a shorter sheet.
//   - With SideEffectNo no sheet has moved; otherwise one may have.
//   - A jam or an open cover is noticed by the capture that meets it, and said until
//     one does not: SANE has no other way to ask.
type Dev struct {
	host, port string
	o          Opts

	ctx    context.Context
	cancel context.CancelFunc
	done   chan struct{}
	bus    chan struct{} // one token: who holds it speaks with saned
	sess   *session      // nil when there is none; guarded by bus

	watch link.Watch

	mu      sync.Mutex
	health  device.Health
	trouble bool // the last capture met a jam or an open cover
}

var _ device.ImageScanner = (*Dev)(nil)

// Port is saned's.
const Port = "6566"

// New returns the scanner at saned's address, a host with or without a port, and
// starts looking for it. It waits for nothing and moves no paper.
func New(addr string, o Opts) (*Dev, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		host, port = addr, Port
	}
	if host == "" || port == "" || o.Poll < 0 || o.Reopen < 0 || o.Answer < 0 || o.Start < 0 || o.Stall < 0 {
		return nil, fmt.Errorf("sane: scanner at %q: got %+v, want a host and nothing negative", addr, o)
	}
	def := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	def(&o.Poll, 1500*time.Millisecond)
	def(&o.Reopen, time.Second)
	def(&o.Answer, 10*time.Second)
	def(&o.Start, time.Minute)
	def(&o.Stall, 20*time.Second)
	if o.Dial == nil {
		o.Dial = (&net.Dialer{Timeout: o.Answer}).DialContext
	}
	d := &Dev{host: host, port: port, o: o, health: device.Starting, done: make(chan struct{}), bus: make(chan struct{}, 1)}
	d.ctx, d.cancel = context.WithCancel(context.Background())
	go d.run()
	return d, nil
}

// String implements conn.Resource.
func (d *Dev) String() string {
	name := d.o.Device
	if name == "" {
		name = "scanner"
	}
	return "SANE " + name + " at " + net.JoinHostPort(d.host, d.port)
}

// Halt implements conn.Resource.
func (d *Dev) Halt() error {
	d.cancel()
	<-d.done
	return nil
}

// Health implements device.Device.
func (d *Dev) Health() device.Health {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.health == device.Online && d.trouble {
		return device.UserError
	}
	return d.health
}

// Changes implements device.Watcher.
func (d *Dev) Changes(ctx context.Context) <-chan struct{} { return d.watch.Channel(ctx) }

// set notes what state the scanner is in, and tells watchers if it is news.
func (d *Dev) set(h device.Health) {
	d.mu.Lock()
	same := d.health == h
	d.health = h
	d.mu.Unlock()
	if !same {
		d.watch.Wake()
	}
}

// met notes whether a capture met something that a person can mend.
func (d *Dev) met(err error) {
	t := errors.Is(err, device.ErrPaperJam) || errors.Is(err, device.ErrCoverOpen)
	if err != nil && !t {
		return
	}
	d.mu.Lock()
	same := d.trouble == t
	d.trouble = t
	d.mu.Unlock()
	if !same {
		d.watch.Wake()
	}
}

// note takes over what err says of the scanner.
func (d *Dev) note(err error) {
	switch {
	case err == nil:
		d.set(device.Online)
	case errors.Is(err, device.ErrUnplugged):
		d.set(device.NoDevice)
	case errors.Is(err, device.ErrBusy):
		d.set(device.Busy)
	default:
		d.set(device.Offline)
	}
}

// run keeps a connection to saned open until Halt, and looks whether the scanner
// is there.
func (d *Dev) run() {
	defer close(d.done)
	for d.ctx.Err() == nil {
		d.bus <- struct{}{}
		err := d.lookOnce()
		<-d.bus
		wait := d.o.Poll
		if err != nil {
			wait = d.o.Reopen
		}
		t := time.NewTimer(wait)
		select {
		case <-t.C:
		case <-d.ctx.Done():
		}
		t.Stop()
	}
	d.bus <- struct{}{}
	d.drop()
	<-d.bus
	d.set(device.Offline)
}

// lookOnce asks for the list of scanners. The bus is held.
func (d *Dev) lookOnce() error {
	err := d.reach(d.ctx)
	if err == nil {
		_, err = d.sess.find(d.ctx, d.o.Device)
	}
	if err != nil && !isStatus(err) && !errors.Is(err, errAbsent) {
		d.drop()
	}
	d.note(err)
	return err
}

// reach opens a session if there is none. The bus is held.
func (d *Dev) reach(ctx context.Context) error {
	if d.sess != nil {
		return nil
	}
	s, err := d.connect(ctx)
	d.sess = s
	return err
}

// drop ends the session. The bus is held.
func (d *Dev) drop() {
	if d.sess != nil {
		d.sess.close()
		d.sess = nil
	}
}

// Capture implements device.ImageScanner. Captures wait for one another.
func (d *Dev) Capture(ctx context.Context, dpi int) (image.Image, error) {
	img, effect, err := d.capture(ctx, dpi)
	if err != nil {
		return nil, &device.Error{Dev: d.String(), Op: "scan", SideEffect: effect, Err: err}
	}
	return img, nil
}

func (d *Dev) capture(ctx context.Context, dpi int) (image.Image, device.SideEffect, error) {
	const none = device.SideEffectNo
	if dpi < 0 || dpi > 4800 {
		return nil, none, fmt.Errorf("%d dots per inch: %w", dpi, device.ErrUnsupported)
	}
	select {
	case d.bus <- struct{}{}:
		defer func() { <-d.bus }()
	case <-ctx.Done():
		return nil, none, ctx.Err()
	case <-d.ctx.Done():
	}
	if d.ctx.Err() != nil {
		return nil, none, device.ErrHalted
	}
	if ctx.Err() != nil {
		return nil, none, ctx.Err()
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(d.ctx, func() { cancel(device.ErrHalted) })()
	err := d.reach(ctx)
	if err != nil {
		d.note(err)
		return nil, none, halted(ctx, err)
	}
	img, moved, err := d.sess.scan(ctx, dpi)
	if err != nil && !isStatus(err) && !errors.Is(err, errAbsent) {
		d.drop() // what else saned says is of this picture
	}
	d.met(err)
	if errors.Is(err, device.ErrUnplugged) {
		d.note(err)
	}
	effect := none
	if moved {
		effect = device.SideEffectUnknown
	}
	return img, effect, halted(ctx, err)
}

// halted gives an error its reason when the call was ended from outside.
func halted(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// isStatus reports whether saned itself has said that it does not do something: the
// session goes on.
func isStatus(err error) bool {
	_, ok := errors.AsType[statusError](err)
	return ok
}
