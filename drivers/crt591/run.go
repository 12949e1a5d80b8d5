package crt591

import (
	"context"
	"errors"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/slot"
)

// maxFaults is how many looks in a row may fail before the port is opened anew.
const maxFaults = 3

// mendPause is how long to wait before a jammed or broken unit is initialized
// again, to see whether somebody has helped it.
const mendPause = 2 * time.Second

// session is the time from opening the port to losing it.
func (d *Dev) session(ctx context.Context) (err error) {
	line, err := d.port.Open(ctx)
	if err != nil {
		return err
	}
	d.slot.Claim()
	defer func() {
		if d.chip != nil && ctx.Err() != nil {
			bye, cancel := context.WithTimeout(context.WithoutCancel(ctx), eotTimeout)
			_ = d.unit.rest(bye, d.chip) // as good as it goes: we are leaving
			cancel()
		}
		d.unit = nil
		d.forget()
		d.since = time.Time{}
		d.setMedia(device.MediaUnknown)
		d.slot.Release()
		err = errors.Join(err, line.Close())
	}()
	d.unit = &unit{line: line, addr: byte(d.o.Addr)}
	if err := line.Flush(); err != nil {
		return err
	}
	for {
		if err := d.begin(ctx); err != nil {
			return err
		}
		err := d.watch(ctx)
		if !has(err, codeNotReset) {
			return err
		}
		// It has lost power, and everything it knew: begin again on the same line.
		d.forget()
		d.setMedia(device.MediaUnknown)
	}
}

// begin stops what a driver before us had under way, and initializes the unit
// without moving a card.
func (d *Dev) begin(ctx context.Context) error {
	if err := d.unit.clear(); err != nil {
		return err
	}
	a, err := d.unit.do(ctx, order{cm: cmInit, pm: pmLeaveCard, safe: true, timeout: initTimeout})
	if err != nil {
		d.noteTrouble(err)
		return err
	}
	if err := d.entry(ctx); err != nil {
		return err
	}
	d.note(a.st)
	d.slot.SetHealth(device.Online)
	return nil
}

// watch looks at the card again and again. The turn is held while it looks.
func (d *Dev) watch(ctx context.Context) error {
	faults := 0
	for {
		err := d.look(ctx)
		pause := d.o.Poll
		switch {
		case err == nil:
			faults = 0
		case errors.Is(err, device.ErrUnplugged), has(err, codeNotReset):
			return err
		case errors.Is(err, device.ErrMediaJam), errors.Is(err, ErrMechanism):
			pause = mendPause
		default:
			if faults++; faults == maxFaults {
				return err
			}
		}
		d.slot.Release()
		slot.Pause(ctx, pause)
		d.slot.Claim()
		if err := ctx.Err(); err != nil {
			return err
		}
		if pause == mendPause {
			if err := d.begin(ctx); err != nil && !errors.Is(err, device.ErrMediaJam) && !errors.Is(err, ErrMechanism) {
				return err
			}
		}
	}
}

// look finds a card where there was none, or checks that it is still there.
func (d *Dev) look(ctx context.Context) error {
	if d.chip != nil && time.Since(d.seen) < d.o.Poll {
		return nil // it has just answered
	}
	if m := d.Media(); m == device.MediaJammed {
		return device.ErrMediaJam // until the unit is initialized without complaint
	}
	st, err := d.unit.status(ctx)
	if err != nil {
		d.noteTrouble(err)
		return err
	}
	d.note(st)
	switch {
	case st[0] == stGate:
		return d.untaken(ctx)
	case st[0] != stInside || d.held:
		return nil
	case d.chip != nil:
		on, err := d.unit.active(ctx, d.chip)
		if err != nil {
			return err
		}
		if on {
			d.seen = time.Now()
			return nil
		}
		d.forget() // it was exchanged, or has lost power
	case d.known:
		return nil
	}
	return d.meet(ctx)
}

// meet activates the card inside.
func (d *Dev) meet(ctx context.Context) error {
	c, err := d.unit.activate(ctx, d.o)
	switch {
	case err == nil:
		d.have(c)
		return nil
	case errors.Is(err, device.ErrInvalidMedia), errors.Is(err, device.ErrUnsupported):
		// There is a card, and no chip in it that can be used.
		d.known = true
		d.slot.SetCard(&device.Card{})
		return nil
	case errors.Is(err, device.ErrMediaGone):
		return nil // the next look says where it is
	case errors.Is(err, device.ErrMediaJam), errors.Is(err, ErrMechanism):
		d.noteTrouble(err)
	}
	return err
}

// have notes the card that was activated.
func (d *Dev) have(c *chip) {
	d.known, d.seen = true, time.Now()
	if len(c.card.ATS) > 0 {
		d.chip = c
	}
	d.slot.SetCard(&c.card)
}
