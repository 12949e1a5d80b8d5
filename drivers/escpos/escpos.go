// Package escpos drives receipt printers that speak Epson's ESC/POS, and those of
// other makers that speak a dialect of it. What a model is and knows is a
// [Profile], data in profiles.json. Receipts are pictures: letters, codes and
// layout are somebody else's. Lines of text are for test tickets, and for
// printers that are slow with pictures.
//
// # Reference
//
// Epson, "ESC/POS Command Reference": ESC @, GS v 0, GS ( L, GS 8 L, ESC *, GS V,
// DLE EOT, DLE ENQ, DLE DC4 8, GS a, GS r, GS ( H, GS ( D, ESC t, GS ( k.
// Custom, "KPM210/216 user manual", 3: DLE EOT 20, GS E0, GS e. Nippon Primex,
// "NP-2511/3511 specifications" (D-F0446), 32 to 40: ESC r, ESC v, GS G.
package escpos

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/link"
)

// Opts are a printer's settings. Zero values are the defaults.
type Opts struct {
	Profile string        // one of Profiles; "": Generic
	Width   int           // dots in a line; 0: the profile's
	DPI     int           // 0: the profile's
	Status  time.Duration // between looks at paper and cover; 0: 500 ms
	Reopen  time.Duration // between tries to open the port; 0: 300 ms
	Confirm time.Duration // how much longer than its printing a job may take to be confirmed; 0: 10 s
	// Take is how long a paper may stand in the output of a printer with a
	// presenter. Then it is pulled back, or let go of where there is no bin. The
	// next job waits for that. 0: 30 s.
	Take time.Duration
}

// Times that no printer needs changed.
const (
	stallTimeout = 5 * time.Second // without taking a byte
	probeTimeout = 2 * time.Second
	hotTimeout   = 2 * time.Minute // for the head to cool
	slowest      = 40.0            // mm per second, of any printer
)

// Dev is a printer. It opens its port by itself, again and again: a printer
// that is not there yet, or was unplugged, comes back within Reopen of being
// plugged in.
//
// Contract, beyond [device.ReceiptPrinter]:
//   - Printed means that the printer sent back the job's own number (GS ( H, GS G),
//     or, if it knows no numbers, its answer to a question asked after the cut.
//   - NotPrinted means that no picture byte was sent.
//   - After anything else the printer is told to forget the rest of the job, and
//     the next job begins by cutting off what is hanging out.
//   - A job is never sent twice.
type Dev struct {
	port link.Port
	p    Profile
	o    Opts

	ctx    context.Context
	cancel context.CancelFunc
	done   chan struct{}

	bus   chan struct{} // one token: who holds it writes to the printer
	sess  *session      // nil when there is none; guarded by bus
	scrap bool          // the paper hanging out belongs to a failed job; guarded by bus

	watch link.Watch

	mu        sync.Mutex
	health    device.Health
	media     device.Media
	shown     time.Time // when the paper in the output was first seen
	retracted bool      // the last paper was pulled back
}

var (
	_ device.TextPrinter = (*Dev)(nil)
	_ device.Cutter      = (*Dev)(nil)
	_ device.Presenter   = (*Dev)(nil)
)

// New returns the printer on port and starts looking for it. It does not wait
// for it and prints nothing.
func New(port link.Port, o Opts) (*Dev, error) {
	if o.Profile == "" {
		o.Profile = Generic
	}
	p, err := ProfileOf(o.Profile)
	if err != nil {
		return nil, err
	}
	if o.Width < 0 || o.Width > maxDots || o.Width%8 != 0 || o.DPI < 0 || o.Status < 0 || o.Reopen < 0 || o.Confirm < 0 || o.Take < 0 {
		return nil, fmt.Errorf("escpos: printer on %v: got %+v, want a width in whole bytes up to %d and nothing negative", port, o, maxDots)
	}
	if o.Width != 0 {
		p.Dots = o.Width
	}
	if o.DPI != 0 {
		p.DPI = o.DPI
	}
	def := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	def(&o.Status, 500*time.Millisecond)
	def(&o.Reopen, 300*time.Millisecond)
	def(&o.Confirm, 10*time.Second)
	def(&o.Take, 30*time.Second)
	d := &Dev{port: port, p: p, o: o, done: make(chan struct{}), bus: make(chan struct{}, 1)}
	d.health, d.media = device.Starting, d.unknownMedia()
	d.ctx, d.cancel = context.WithCancel(context.Background())
	go d.run()
	return d, nil
}

// unknownMedia is what is known of a printer that does not answer.
func (d *Dev) unknownMedia() device.Media {
	m := device.Media{Paper: device.PaperUnknown, Cover: device.CoverUnknown}
	if d.p.Presenter != nil {
		m.Exit = device.ExitUnknown
		if len(d.p.Presenter.Retract) > 0 {
			m.Bin = device.BinUnknown
		}
	}
	return m
}

// String implements conn.Resource.
func (d *Dev) String() string { return "ESC/POS printer on " + d.port.String() }

// Halt implements conn.Resource. It returns when the port is closed.
func (d *Dev) Halt() error {
	d.cancel()
	<-d.done
	return nil
}

// Width implements device.ReceiptPrinter.
func (d *Dev) Width() int { return d.p.Dots }

// DPI implements device.ReceiptPrinter.
func (d *Dev) DPI() int { return d.p.DPI }

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
			return d.unknownMedia(), fmt.Errorf("escpos: ask %v for paper: %w", d, err)
		}
	default:
	}
	if d.ctx.Err() != nil {
		return d.unknownMedia(), fmt.Errorf("escpos: ask %v for paper: %w", d, device.ErrHalted)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.media, nil
}

// set notes what state the printer is in, and tells watchers if it is news.
func (d *Dev) set(h device.Health, m device.Media) {
	d.mu.Lock()
	switch {
	case m.Exit != device.ExitEntering:
		d.shown = time.Time{}
	case d.shown.IsZero():
		d.shown = time.Now()
	}
	if m.Exit == device.ExitNotPresent && d.retracted {
		m.Exit = device.ExitRetracted
	}
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
		d.set(st.health(), st.media(d.p.Presenter))
	case errors.Is(err, device.ErrUnplugged):
		d.set(device.NoDevice, d.unknownMedia())
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
	default:
		d.set(device.Offline, d.unknownMedia())
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
