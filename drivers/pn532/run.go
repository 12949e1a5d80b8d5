package pn532

import (
	"context"
	"errors"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/link"
)

// maxFaults is how many looks in a row may fail before the chip is set up anew.
const maxFaults = 3

// run keeps the reader open until Halt.
func (d *Dev) run() {
	defer close(d.done)
	reopen := link.NewReopen(d.port, d.o.Reopen)
	defer reopen.Close()
	for d.ctx.Err() == nil {
		err := d.session()
		d.gone(err)
		reopen.Wait(d.ctx)
	}
	d.setHealth(device.Offline)
}

// gone notes that the reader cannot be used, and why.
func (d *Dev) gone(err error) {
	if errors.Is(err, device.ErrUnplugged) {
		d.setHealth(device.NoDevice)
		return
	}
	d.setHealth(device.HardwareError)
}

// session is the time from opening the port to losing it.
func (d *Dev) session() (err error) {
	line, err := d.port.Open(d.ctx)
	if err != nil {
		return err
	}
	d.bus <- struct{}{} // never held for longer than one exchange
	defer func() {
		d.chip = nil
		d.lose()
		d.release()
		err = errors.Join(err, line.Close())
	}()
	d.chip = &chip{line: line}
	if err := d.chip.open(d.ctx); err != nil {
		return err
	}
	d.setHealth(device.Online)
	faults := 0
	for {
		err := d.look()
		if err == nil {
			faults = 0
		} else if faults++; faults == maxFaults || errors.Is(err, device.ErrUnplugged) {
			return err
		}
		d.release()
		pause(d.ctx, d.o.Poll)
		d.bus <- struct{}{}
		if err := d.ctx.Err(); err != nil {
			return err
		}
	}
}

// look finds a card where there was none, or checks that it is still there.
func (d *Dev) look() error {
	if d.tgt == nil {
		t, err := d.chip.find(d.ctx)
		if err != nil || t == nil {
			return err
		}
		d.tgt, d.seen = t, time.Now()
		d.setCard(t)
		return nil
	}
	if time.Since(d.seen) < d.o.Poll {
		return nil // it has just answered
	}
	there, err := d.chip.present(d.ctx, d.tgt)
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

// pause waits for t, or less when ctx ends.
func pause(ctx context.Context, t time.Duration) {
	timer := time.NewTimer(t)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
