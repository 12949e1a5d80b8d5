package kiosk

import (
	"context"
	"errors"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/firmware/clock"
	"github.com/penjire/penjire/firmware/health"
)

// stalled is how long a loop may not have gone round before the watchdog is not
// kicked any more. Watch asks the printer and the outbox in each round.
const stalled = 20 * time.Second

// kickWatchdog kicks the watchdogs while the kiosk makes progress: its loops go
// round, the outbox answers them, and the visit's lock is free now and then. It
// returns when ctx ends; the watchdogs are stopped with the devices.
func (k *Kiosk) kickWatchdog(ctx context.Context) error {
	if len(k.cab.dogs) == 0 {
		return nil
	}
	var free time.Duration
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		if k.mu.TryLock() {
			k.mu.Unlock()
			free = time.Since(k.started)
		}
		if k.alive(time.Since(k.started), free) {
			failed := false
			for _, d := range k.cab.dogs {
				failed = d.Kick() != nil || failed
			}
			k.set(health.NoWatchdog, failed)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Alive reports whether the kiosk's loops went round lately. That the visit's lock
// is free shows in whether a page is answered.
func (k *Kiosk) Alive() bool {
	now := time.Since(k.started)
	return k.alive(now, now)
}

// alive reports whether everything that must go round did lately. now and free,
// when the visit's lock was last free, are counted from the start, as the loops'
// beats are.
func (k *Kiosk) alive(now, free time.Duration) bool {
	oldest := min(free, time.Duration(k.beat.Load()), time.Duration(k.cab.beat.Load()))
	return now-oldest <= stalled
}

// off is how far a battery clock may be from the portal's time before it is set.
const off = 2 * time.Second

// readClocks tells the machine's clock what the battery clocks say.
func (k *Kiosk) readClocks() {
	for _, c := range k.cab.clocks {
		if at, err := c.Now(); err == nil {
			k.battery.Say(at)
			return
		}
	}
}

// tendClock reads the battery clocks, and sets them once the time is certain.
func (k *Kiosk) tendClock() {
	bad := false
	for _, c := range k.cab.clocks {
		at, err := c.Now()
		certain := k.clock.Trust() == clock.Beacon
		stopped := errors.Is(err, device.ErrClockStopped)
		if d := at.Sub(k.clock.Now()); certain && (stopped || err == nil && (d > off || d < -off)) {
			at = k.clock.Now()
			if err = c.Set(at); err == nil {
				k.log.Info("the battery clock was set", "by", d.String(), "stopped", stopped)
			}
		}
		if err == nil {
			k.battery.Say(at)
		} else {
			k.log.Debug("the battery clock", "err", err)
		}
		bad = bad || err != nil
	}
	k.set(health.ClockBattery, bad)
}
