// Package pn532 drives NXP's PN532 contactless reader chip over a serial line
// (HSU) or an SPI bus. It carries APDUs to ISO 14443-4 type A cards and knows
// nothing of what is in them.
//
// # Wires
//
// Of the chip's three interfaces take HSU, on a USB adapter of its own, if you
// can; then SPI: mode 0, at most 5 MHz, and the bits of each byte the other way
// round, which is done here in software. I2C is left out on purpose. The chip
// stretches the clock while it thinks, and the I2C controller of every Raspberry
// Pi before the 5 samples a stretched clock at the wrong moment: bits are lost,
// and now and then the bus hangs until the power goes.
//
// # Reference
//
// NXP UM0701-02 "PN532 User Manual": frames 6.2.1, HSU 6.2.4, SPI 6.2.5, commands
// 7, error codes table 17.
package pn532

import (
	"context"
	"fmt"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/link"
	"github.com/penjire/penjire/drivers/slot"
)

// Opts are a reader's settings. Zero values are the defaults.
type Opts struct {
	Poll    time.Duration // between looks for a card, or whether it is still there; 0: 200 ms
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
	slot.Face
	slot *slot.Slot
	port link.Port
	o    Opts

	// Guarded by the slot's turn.
	chip *chip
	tgt  *target
	seen time.Time // when the card last answered
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
	def(&o.Poll, 200*time.Millisecond)
	def(&o.Timeout, 5*time.Second)
	def(&o.Reopen, 300*time.Millisecond)
	s := slot.New("PN532 on " + port.String())
	d := &Dev{Face: s.Face(), slot: s, port: port, o: o}
	s.Run(port, o.Reopen, d.session)
	return d, nil
}

// Transmit implements device.CardReader.
func (d *Dev) Transmit(ctx context.Context, gen uint64, apdu []byte) ([]byte, error) {
	return d.slot.Transmit(ctx, gen, func(ctx context.Context) ([]byte, error) {
		r, err := d.chip.exchange(ctx, d.o.Timeout, d.tgt, apdu)
		switch {
		case err == nil:
			d.seen = time.Now()
		case slot.Lost(err):
			d.tgt = nil
		}
		return r, err
	})
}
