// Package escpos drives receipt printers that speak Epson's ESC/POS. All that is
// printed is a picture: letters, codes and layout are somebody else's.
//
// # Reference
//
// Epson, "ESC/POS Command Reference": ESC @, GS v 0, GS V, DLE EOT, DLE DC4 8,
// GS a, GS r, GS ( H, GS ( D.
package escpos

import (
	"context"
	"errors"
	"fmt"
	"image"
	"sync"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/link"
)

// Opts are a printer's settings. Zero values are the defaults.
type Opts struct {
	Width   int           // dots in a line; 0: 576, for 80 mm paper
	DPI     int           // 0: 203
	Status  time.Duration // between looks at paper and cover; 0: 500 ms
	Reopen  time.Duration // between tries to open the port; 0: 300 ms
	Confirm time.Duration // how much longer than its printing a job may take to be confirmed; 0: 10 s
}

// Times that no printer needs changed.
const (
	stallTimeout = 5 * time.Second // without taking a byte
	probeTimeout = 2 * time.Second
	slowest      = 40.0 // mm per second, of any printer
)

// Dev is a printer. It opens its port by itself, again and again: a printer
// that is not there yet, or was unplugged, comes back within Reopen of being
// plugged in.
//
// Contract, beyond [device.ReceiptPrinter]:
//   - Printed means that the printer sent back the job's own number (GS ( H), or,
//     if it knows no numbers, its answer to a question asked after the cut.
//   - NotPrinted means that no picture byte was sent.
//   - After anything else the printer is told to forget the rest of the job, and
//     the next job begins by cutting off what is hanging out.
//   - A job is never sent twice.
type Dev struct {
	port link.Port
	o    Opts

	ctx    context.Context
	cancel context.CancelFunc
	done   chan struct{}

	bus   chan struct{} // one token: who holds it writes to the printer
	sess  *session      // nil when there is none; guarded by bus
	scrap bool          // the paper hanging out belongs to a failed job; guarded by bus

	watch link.Watch

	mu     sync.Mutex
	health device.Health
	media  device.Media
}

var (
	_ device.ReceiptPrinter = (*Dev)(nil)
	_ device.Cutter         = (*Dev)(nil)
)

// New returns the printer on port and starts looking for it. It does not wait
// for it and prints nothing.
func New(port link.Port, o Opts) (*Dev, error) {
	if o.Width < 0 || o.Width > 4096 || o.Width%8 != 0 || o.DPI < 0 || o.Status < 0 || o.Reopen < 0 || o.Confirm < 0 {
		return nil, fmt.Errorf("escpos: printer on %v: got %+v, want a width in whole bytes up to 4096 and nothing negative", port, o)
	}
	if o.Width == 0 {
		o.Width = 576
	}
	if o.DPI == 0 {
		o.DPI = 203
	}
	def := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	def(&o.Status, 500*time.Millisecond)
	def(&o.Reopen, 300*time.Millisecond)
	def(&o.Confirm, 10*time.Second)
	d := &Dev{port: port, o: o, done: make(chan struct{}), bus: make(chan struct{}, 1)}
	d.health, d.media = device.Starting, unknownMedia
	d.ctx, d.cancel = context.WithCancel(context.Background())
	go d.run()
	return d, nil
}

var unknownMedia = device.Media{Paper: device.PaperUnknown, Cover: device.CoverUnknown}

// String implements conn.Resource.
func (d *Dev) String() string { return "ESC/POS printer on " + d.port.String() }

// Halt implements conn.Resource. It returns when the port is closed.
func (d *Dev) Halt() error {
	d.cancel()
	<-d.done
	return nil
}

// Width implements device.ReceiptPrinter.
func (d *Dev) Width() int { return d.o.Width }

// DPI implements device.ReceiptPrinter.
func (d *Dev) DPI() int { return d.o.DPI }

// Health implements device.Device.
func (d *Dev) Health() device.Health {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.health
}

// Changes implements device.ReceiptPrinter.
func (d *Dev) Changes(ctx context.Context) <-chan struct{} { return d.watch.Channel(ctx) }

// Media implements device.ReceiptPrinter. While a job runs it returns what the
// printer has said last.
func (d *Dev) Media(ctx context.Context) (device.Media, error) {
	select {
	case d.bus <- struct{}{}:
		err := device.ErrUnplugged
		if d.sess != nil {
			_, err = d.sess.ask(ctx)
			d.note(d.sess, err)
		}
		<-d.bus
		if err != nil {
			return unknownMedia, fmt.Errorf("escpos: ask %v for paper: %w", d, err)
		}
	default:
	}
	if d.ctx.Err() != nil {
		return unknownMedia, fmt.Errorf("escpos: ask %v for paper: %w", d, device.ErrHalted)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.media, nil
}

// set notes what state the printer is in, and tells watchers if it is news.
func (d *Dev) set(h device.Health, m device.Media) {
	d.mu.Lock()
	same := d.health == h && d.media == m
	d.health, d.media = h, m
	d.mu.Unlock()
	if !same {
		d.watch.Wake()
	}
}

// note takes over what s has heard, or what err says of not hearing it.
func (d *Dev) note(s *session, err error) {
	switch {
	case err == nil:
		s.mu.Lock()
		st := s.last
		s.mu.Unlock()
		d.set(st.health(), st.media())
	case errors.Is(err, device.ErrUnplugged):
		d.set(device.NoDevice, unknownMedia)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
	default:
		d.set(device.Offline, unknownMedia)
	}
}

// take waits for the bus.
func (d *Dev) take(ctx context.Context) error {
	select {
	case d.bus <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-d.ctx.Done():
		return device.ErrHalted
	}
}

// Print implements device.ReceiptPrinter. Jobs wait for one another.
func (d *Dev) Print(ctx context.Context, img image.Image) (device.Outcome, error) {
	out, err := d.print(ctx, img)
	if err == nil {
		return out, nil
	}
	effect := device.SideEffectNo
	if out != device.NotPrinted {
		effect = device.SideEffectUnknown
	}
	return out, &device.Error{Dev: d.String(), Op: "print", SideEffect: effect, Err: err}
}

func (d *Dev) print(ctx context.Context, img image.Image) (device.Outcome, error) {
	bits, rows, err := pack(img, d.o.Width)
	if err != nil {
		return device.NotPrinted, err
	}
	return d.exclusive(ctx, func(ctx context.Context, s *session) (device.Outcome, error) {
		j := job{d: d, s: s, bits: bits, rows: rows}
		return j.run(ctx)
	})
}

// Cut implements device.Cutter: it feeds what hangs out to the cutter and cuts
// it off. It returns when the printer has confirmed that.
func (d *Dev) Cut(ctx context.Context) error {
	out, err := d.exclusive(ctx, func(ctx context.Context, s *session) (device.Outcome, error) {
		j := job{d: d, s: s}
		return j.run(ctx)
	})
	if err == nil {
		return nil
	}
	effect := device.SideEffectNo
	if out != device.NotPrinted {
		effect = device.SideEffectUnknown
	}
	return &device.Error{Dev: d.String(), Op: "cut", SideEffect: effect, Err: err}
}

// exclusive runs f with the bus held and a session open.
func (d *Dev) exclusive(ctx context.Context, f func(context.Context, *session) (device.Outcome, error)) (device.Outcome, error) {
	if err := d.take(ctx); err != nil {
		return device.NotPrinted, err
	}
	defer func() { <-d.bus }()
	if d.ctx.Err() != nil {
		return device.NotPrinted, device.ErrHalted
	}
	if d.sess == nil {
		return device.NotPrinted, device.ErrUnplugged
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(d.ctx, func() { cancel(device.ErrHalted) })()
	out, err := f(ctx, d.sess)
	if cause := context.Cause(ctx); err != nil && errors.Is(cause, device.ErrHalted) {
		err = cause
	}
	if errors.Is(err, device.ErrUnplugged) {
		d.set(device.NoDevice, unknownMedia)
	}
	return out, err
}
