// Package ipp drives printers of sheets that speak IPP Everywhere, over the
// network or, through the ipp-usb daemon, on a USB cable. It sends PDF where the
// printer takes it and PWG raster otherwise; it draws nothing itself.
//
// # Reference
//
// RFC 8010 (encoding, by goipp), RFC 8011 (operations, states and reasons), PWG
// 5100.14 (IPP Everywhere), PWG 5100.7 (media-col), PWG 5102.4 (raster).
package ipp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/link"
)

// Opts are a printer's settings. Zero values are the defaults.
type Opts struct {
	// Pin is the SHA-256, in hexadecimal, of the public key (SubjectPublicKeyInfo)
	// in the printer's certificate. Printers make their certificates themselves, so
	// there is mostly nobody else to ask.
	Pin string
	// PinFile names a file with such a Pin. When it is not there, the first
	// certificate that is seen is trusted and its Pin written to it.
	PinFile string
	// AnyMedia prints although the printer does not say that A4 is loaded: for
	// printers that never learn what lies in their tray.
	AnyMedia bool
	// NoCreateJob sends each job in one request, as for printers that say they know
	// Create-Job and do not.
	NoCreateJob bool

	Poll   time.Duration // between looks at the printer; 0: 1 s
	Job    time.Duration // the same while a job is under way; 0: 500 ms
	Quiet  time.Duration // after which a printer that owes an answer is not called good; 0: 1 s
	Answer time.Duration // that a printer may take for an answer; 0: 5 s
	Stall  time.Duration // without taking a byte of a document, or without a word after the last; 0: 30 s

	// Dial opens connections; nil: TCP.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Dev is a printer.
//
// Contract, beyond [device.DocumentPrinter]:
//   - A job has a name that no other job has. Where an answer was lost the job is
//     looked for by it, and nothing of the document is ever sent again.
//   - SideEffectNo means that the printer got no document, refused it, or has
//     confirmed that the job ended before a sheet was out.
//   - A printer that has no paper, is jammed, or is open gets no job: it would print
//     it for whoever stands there when it is mended.
//   - A document goes only onto A4 (but see Opts.AnyMedia).
type Dev struct {
	at     address
	o      Opts
	client *http.Client

	ctx    context.Context
	cancel context.CancelFunc
	done   chan struct{}
	turn   chan struct{} // one token: who holds it submits
	nudge  chan struct{} // wakes run: there is a job to look at

	watch link.Watch

	mu      sync.Mutex
	health  device.Health
	last    *printer // nil: nothing is known
	id      uint32   // of the last request
	older   bool     // the printer knows IPP 1.1 only
	jobs    map[device.JobID]*job
	recent  []device.JobID // oldest first
	orphans []orphan
}

var _ device.DocumentPrinter = (*Dev)(nil)

// New returns the printer at uri and starts looking for it. It does not wait for
// it and prints nothing. The schemes are ipp, ipps, http and https; ipp-usb's
// printers are at http://localhost:60000/ipp/print and the ports that follow.
func New(uri string, o Opts) (*Dev, error) {
	at, err := parse(uri)
	if err != nil {
		return nil, err
	}
	if o.Poll < 0 || o.Job < 0 || o.Quiet < 0 || o.Answer < 0 || o.Stall < 0 {
		return nil, fmt.Errorf("ipp: printer at %s: got a negative time in %+v", uri, o)
	}
	def := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	def(&o.Poll, time.Second)
	def(&o.Job, 500*time.Millisecond)
	def(&o.Quiet, time.Second)
	def(&o.Answer, 5*time.Second)
	def(&o.Stall, 30*time.Second)
	d := &Dev{
		at: at, o: o, health: device.Starting, jobs: map[device.JobID]*job{},
		done: make(chan struct{}), turn: make(chan struct{}, 1), nudge: make(chan struct{}, 1),
	}
	if d.client, err = newClient(at, o); err != nil {
		return nil, fmt.Errorf("ipp: printer at %s: %w", uri, err)
	}
	d.ctx, d.cancel = context.WithCancel(context.Background())
	go d.run()
	return d, nil
}

// String implements conn.Resource.
func (d *Dev) String() string { return "IPP printer at " + d.at.printer }

// Halt implements conn.Resource. Jobs that the printer has are left to it.
func (d *Dev) Halt() error {
	d.cancel()
	<-d.done
	d.client.CloseIdleConnections()
	return nil
}

// Health implements device.Device.
func (d *Dev) Health() device.Health {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.health
}

// Changes implements device.Watcher. It also yields when a job may have moved on.
func (d *Dev) Changes(ctx context.Context) <-chan struct{} { return d.watch.Channel(ctx) }

var unknownMedia = device.Media{Paper: device.PaperUnknown, Cover: device.CoverUnknown}

// Media implements device.DocumentPrinter.
func (d *Dev) Media(ctx context.Context) (device.Media, error) {
	p, err := d.look(ctx, stateAttributes)
	if err != nil {
		return unknownMedia, fmt.Errorf("ipp: ask %v for paper: %w", d, err)
	}
	return p.media(d.o.AnyMedia), nil
}

// Supplies implements device.DocumentPrinter.
func (d *Dev) Supplies(ctx context.Context) ([]device.Supply, error) {
	p, err := d.look(ctx, stateAttributes)
	if err != nil {
		return nil, fmt.Errorf("ipp: ask %v for supplies: %w", d, err)
	}
	return p.supplies, nil
}

// look asks the printer for its attributes and takes over what it says.
func (d *Dev) look(ctx context.Context, names []string) (*printer, error) {
	m, err := d.ask(ctx, opPrinter, func(m *message) { m.keywords("requested-attributes", names...) })
	var p *printer
	if err == nil {
		p, err = readPrinter(m)
	}
	d.note(p, err)
	return p, err
}

// note takes over what the printer said, or what err says of not hearing it.
func (d *Dev) note(p *printer, err error) {
	health := device.Offline
	switch {
	case err == nil:
		health = p.health(d.o.AnyMedia)
	case errors.Is(err, device.ErrUnplugged):
		health = device.NoDevice
	case errors.Is(err, device.ErrTimeout), errors.Is(err, device.ErrProtocol):
	default:
		return // the caller went away: that says nothing of the printer
	}
	d.mu.Lock()
	same := d.health == health && d.last.same(p) || d.ctx.Err() != nil
	if !same {
		d.health, d.last = health, p
	}
	d.mu.Unlock()
	if !same {
		d.watch.Wake()
	}
}

// failed makes a device.Error; nil stays nil.
func (d *Dev) failed(op string, effect device.SideEffect, err error) error {
	if err == nil {
		return nil
	}
	return &device.Error{Dev: d.String(), Op: op, SideEffect: effect, Err: err}
}
