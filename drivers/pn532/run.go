package pn532

import (
	"context"
	"errors"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/slot"
)

// maxFaults is how many looks in a row may fail before the chip is set up anew.
const maxFaults = 3

// session is the time from opening the port to losing it.
func (d *Dev) session(ctx context.Context) (err error) {
	line, err := d.port.Open(ctx)
	if err != nil {
		return err
	}
	d.slot.Claim()
	defer func() {
		d.chip = nil
		d.lose()
		d.slot.Release()
		err = errors.Join(err, line.Close())
	}()
	d.chip = &chip{line: line}
	if err := d.chip.open(ctx); err != nil {
		return err
	}
	d.slot.SetHealth(device.Online)
	faults := 0
	for {
		err := d.look(ctx)
		if err == nil {
			faults = 0
		} else if faults++; faults == maxFaults || errors.Is(err, device.ErrUnplugged) {
			return err
		}
		d.slot.Release()
		slot.Pause(ctx, d.o.Poll)
		d.slot.Claim()
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// look finds a card where there was none, or checks that it is still there.
func (d *Dev) look(ctx context.Context) error {
	if d.tgt == nil {
		t, err := d.chip.find(ctx)
		if err != nil || t == nil {
			return err
		}
		d.tgt, d.seen = t, time.Now()
		d.slot.SetCard(&device.Card{UID: t.uid, ATS: t.ats, Protocol: device.TCL})
		return nil
	}
	if time.Since(d.seen) < d.o.Poll {
		return nil // it has just answered
	}
	there, err := d.chip.present(ctx, d.tgt)
	switch {
	case err != nil:
		return err
	case there:
		d.seen = time.Now()
		return nil
	}
	d.lose()
	return nil
}

// lose forgets the card.
func (d *Dev) lose() {
	d.tgt = nil
	d.slot.SetCard(nil)
}
