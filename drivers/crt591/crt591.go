// Package crt591 drives Creator's motor card readers and dispensers CRT-571 and
// CRT-591: takes cards in, speaks to their chip through contacts or over the
// air, gives them back or keeps them.
//
// # Reference
//
// Creator, "CRT-591-M001 communication protocol" 1.0 of 2013-07-02: frames 1.2,
// exchange and its mishaps 1.4, commands and codes 2, motor 3.1, contact chips
// 3.2, contactless 3.6. Two points differ from the letter: negative answers begin
// with N or with E, and both are understood; and the command after 1.4.2 case 4
// (ACK without an answer) is not given again, since it may be under way.
package crt591

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/link"
	"github.com/penjire/penjire/drivers/slot"
)

// Untaken says what becomes of a card that was brought to the gate and that
// nobody takes.
type Untaken string

// The policies.
const (
	Leave    Untaken = ""        // nothing: it waits
	DrawBack Untaken = "hold"    // it is drawn in and held, not read, until it is moved
	Capture  Untaken = "capture" // it goes into the bin
)

// Opts are a reader's settings. Zero values are the defaults.
type Opts struct {
	Addr       int           // of the unit, by its switches, 0 to 15
	Closed     bool          // the gate stays shut until Accept
	NoAntenna  bool          // chips are not looked for over the air
	NoContacts bool          // nor through contacts
	Untaken    Untaken       // what becomes of a card nobody takes
	Take       time.Duration // how long one may wait to be taken; 0: 30 s
	Poll       time.Duration // between looks at the sensors; 0: 200 ms
	Timeout    time.Duration // for the card's answer to one APDU; 0: 10 s
	Reopen     time.Duration // between tries to open the port; 0: 300 ms
}

// Dev is a reader. It opens its port by itself, again and again. Opening moves
// no card; a unit that has lost power is initialized again, its card activated
// anew under another generation.
//
// Contract, beyond [device.CardMover]: a card that was drawn back or brought to
// the gate is not read. A card is retracted only if this driver brought it to
// the gate and has seen it there, without a break, ever since. Health is
// hardwareError while a card is jammed or the mechanism is broken.
type Dev struct {
	slot.Face
	slot *slot.Slot
	port link.Port
	o    Opts

	// Guarded by the slot's turn.
	unit   *unit
	chip   *chip
	seen   time.Time // when the chip last answered
	known  bool      // the card inside was looked at: chip, or none that can be used
	held   bool      // the card inside is not to be read
	since  time.Time // when the card was brought to the gate; zero: not by us, or not any more
	closed bool      // what Accept said last

	mu    sync.Mutex
	media device.CardMedia
}

var (
	_ device.CardMover = (*Dev)(nil)
	_ device.Watcher   = (*Dev)(nil)
)

// New returns the reader on port and starts looking for it. It does not wait
// for it: Health says when it is there.
func New(port link.Port, o Opts) (*Dev, error) {
	if o.Poll < 0 || o.Timeout < 0 || o.Reopen < 0 || o.Take < 0 {
		return nil, fmt.Errorf("crt591: reader on %v: got a negative time in %+v", port, o)
	}
	if o.Addr < 0 || o.Addr > 15 {
		return nil, fmt.Errorf("crt591: reader on %v: got address %d, want 0 to 15", port, o.Addr)
	}
	if o.NoAntenna && o.NoContacts {
		return nil, fmt.Errorf("crt591: reader on %v: neither antenna nor contacts are to be used", port)
	}
	if o.Untaken != Leave && o.Untaken != DrawBack && o.Untaken != Capture {
		return nil, fmt.Errorf("crt591: reader on %v: untaken cards: got %q, want %q, %q or nothing", port, o.Untaken, DrawBack, Capture)
	}
	def := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	def(&o.Take, 30*time.Second)
	def(&o.Poll, 200*time.Millisecond)
	def(&o.Timeout, 10*time.Second)
	def(&o.Reopen, 300*time.Millisecond)
	s := slot.New("CRT-591 on " + port.String())
	d := &Dev{Face: s.Face(), slot: s, port: port, o: o, closed: o.Closed, media: device.MediaUnknown}
	s.Run(port, o.Reopen, d.session)
	return d, nil
}

// Transmit implements device.CardReader.
func (d *Dev) Transmit(ctx context.Context, gen uint64, apdu []byte) ([]byte, error) {
	return d.slot.Transmit(ctx, gen, func(ctx context.Context) ([]byte, error) {
		r, err := d.unit.apdu(ctx, d.o.Timeout, d.chip, apdu)
		switch {
		case err == nil:
			d.seen = time.Now()
		case slot.Lost(err):
			d.chip, d.known = nil, false
		}
		return r, err
	})
}

// Media implements device.CardMover.
func (d *Dev) Media() device.CardMedia {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.media
}

func (d *Dev) setMedia(m device.CardMedia) {
	d.mu.Lock()
	same := d.media == m
	d.media = m
	d.mu.Unlock()
	if !same {
		d.slot.Changed()
	}
}

// Reset resets the chip of the card of generation gen, warm or cold; it is found
// again under a new generation. Contactless cards know only the cold reset.
func (d *Dev) Reset(ctx context.Context, gen uint64, warm bool) error {
	_, err := d.slot.Transmit(ctx, gen, func(ctx context.Context) ([]byte, error) {
		c := d.chip
		if warm && c.cm != cmCPU {
			return nil, slot.Fail(no, fmt.Errorf("warm reset over the air: %w", device.ErrUnsupported))
		}
		d.chip, d.known = nil, false
		d.slot.SetCard(nil)
		var err error
		switch {
		case warm:
			c, err = d.unit.powerCPU(ctx, pmWarm)
		case c.cm == cmCPU:
			c, err = d.unit.powerCPU(ctx, pmActivate)
		default:
			if err = d.unit.rest(ctx, c); err == nil {
				c, err = d.unit.activateRF(ctx)
			}
		}
		if err == nil {
			d.have(c)
		}
		return nil, err
	})
	return err
}
