package crt591

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/slot"
)

// Move implements device.CardMover.
func (d *Dev) Move(ctx context.Context, to device.Position) error {
	err := d.turn(ctx, func(ctx context.Context) error { return d.move(ctx, to) })
	if err != nil {
		return d.slot.Error("move card to "+string(to), err)
	}
	return nil
}

// Accept implements device.CardMover.
func (d *Dev) Accept(ctx context.Context, open bool) error {
	err := d.turn(ctx, func(ctx context.Context) error {
		d.closed = !open
		return d.entry(ctx)
	})
	if err != nil {
		return d.slot.Error("accept cards", err)
	}
	return nil
}

// turn runs f when it is its turn, if the reader is there.
func (d *Dev) turn(ctx context.Context, f func(ctx context.Context) error) error {
	if err := d.slot.Take(ctx); err != nil {
		return slot.Fail(no, err)
	}
	defer d.slot.Release()
	if d.unit == nil {
		return slot.Fail(no, device.ErrUnplugged)
	}
	ctx, stop := d.slot.Joined(ctx)
	defer stop()
	err := f(ctx)
	if cause := context.Cause(ctx); err != nil && errors.Is(cause, device.ErrHalted) {
		return slot.Fail(slot.EffectOf(err), cause)
	}
	return err
}

// entry opens or shuts the gate.
func (d *Dev) entry(ctx context.Context) error {
	pm := byte(pmOpen)
	if d.closed {
		pm = pmShut
	}
	_, err := d.unit.do(ctx, order{cm: cmEntry, pm: pm, safe: true, timeout: quickTimeout})
	return err
}

// positions are the parameters of CARD MOVE (3.1.3).
var positions = map[device.Position]byte{
	device.ToTransport: pmAntenna, device.ToExit: pmHold, device.ToOut: pmOut, device.ToRetainBin: pmBin,
}

func (d *Dev) move(ctx context.Context, to device.Position) error {
	pm, known := positions[to]
	if !known {
		return slot.Fail(no, fmt.Errorf("position %q: %w", to, device.ErrUnsupported))
	}
	// Without a card the unit would take one from its stacker.
	st, err := d.unit.status(ctx)
	if err != nil {
		d.noteTrouble(err)
		return slot.Fail(no, err)
	}
	if st[0] == stNone {
		d.note(st)
		return slot.Fail(no, device.ErrNoMedia)
	}
	if d.chip != nil {
		_ = d.unit.rest(ctx, d.chip) // a card that cannot be reached is moved all the same
	}
	d.forget()
	d.since, d.held = time.Time{}, false
	d.setMedia(device.MediaUnknown) // until the unit says where it is
	st, err = d.unit.move(ctx, pm)
	if err != nil {
		d.noteTrouble(err)
		return err
	}
	if to == device.ToExit && st[0] == stGate {
		d.since = time.Now()
	}
	d.note(st)
	return nil
}

// forget ends the generation of the card.
func (d *Dev) forget() {
	d.chip, d.known = nil, false
	if d.Card() != nil {
		d.slot.SetCard(nil)
	}
}

// note notes where the unit says the card is.
func (d *Dev) note(st [3]byte) {
	switch st[0] {
	case stNone:
		d.forget()
		d.since, d.held = time.Time{}, false
		d.setMedia(device.MediaNotPresent)
	case stGate:
		d.forget()
		d.held = false
		d.setMedia(device.MediaEntering)
	case stInside:
		d.since = time.Time{}
		d.setMedia(device.MediaPresent)
	default:
		d.forget()
		d.since = time.Time{}
		d.setMedia(device.MediaUnknown)
	}
}

// noteTrouble notes what err says of the card and of the reader. What it does not
// say is unknown.
func (d *Dev) noteTrouble(err error) {
	d.since = time.Time{} // whether the card waits at the gate is not known any more
	switch {
	case errors.Is(err, device.ErrMediaJam):
		d.forget()
		d.setMedia(device.MediaJammed)
		d.slot.SetHealth(device.HardwareError)
	case errors.Is(err, ErrMechanism):
		d.forget()
		d.setMedia(device.MediaUnknown)
		d.slot.SetHealth(device.HardwareError)
	default:
		d.setMedia(device.MediaUnknown)
	}
}

// untaken retracts a card that has waited at the gate for too long.
func (d *Dev) untaken(ctx context.Context) error {
	if d.since.IsZero() || time.Since(d.since) < d.o.Take {
		return nil
	}
	to := device.ToTransport
	switch d.o.Untaken {
	case Leave:
		return nil
	case Capture:
		to = device.ToRetainBin
	}
	if err := d.move(ctx, to); err != nil {
		return err
	}
	d.held = to == device.ToTransport
	return nil
}
