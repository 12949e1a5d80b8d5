package kiosk

import (
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/firmware/session"
)

// flush puts onto the medium what the kernel still holds: logs, and whatever other
// programs wrote. What was accepted is there already. It is called when the power is
// about to go, once nothing new begins, and it does not keep the sensors waiting.
func (k *Kiosk) flush() {
	begun := time.Now()
	k.tasks.Go(func() {
		d, err := os.Open(k.s.State)
		if err == nil {
			err = unix.Syncfs(int(d.Fd()))
			_ = d.Close() // it was only read
		}
		if err != nil {
			k.log.Warn("the disk could not be flushed before the power goes", "err", err)
			return
		}
		k.cab.flushed.Store(int64(time.Since(begun)))
		k.log.Info("the power is failing: everything is on the disk", "took", time.Since(begun))
	})
}

const (
	// dimAfter is how long nobody must have been there, and no visit, before the
	// screen is dimmed; on the sun's power it is dimmed sooner. It is never dark: who
	// comes must see that the kiosk works.
	dimAfter, dimSolar = 2 * time.Minute, 30 * time.Second

	bright, dim, night = 100, 20, 5 // percent of its brightness
	// scarceAt is the charge of a battery, in percent, from which on it is spared.
	scarceAt = 30
)

// nobody reports whether the sensors see nobody. Who cannot be told is there: without
// a sensor that says otherwise, somebody is.
func (c *cabinet) nobody() (nobody bool) {
	for _, s := range c.sensors {
		if s.Kind() == device.SensorPresence {
			if at, _ := s.Contact(); at != device.ContactIdle {
				return false
			}
			nobody = true
		}
	}
	return nobody
}

// senses reports whether there is a sensor that sees who comes.
func (c *cabinet) senses() bool {
	return slices.ContainsFunc(c.sensors, func(s device.Sensor) bool { return s.Kind() == device.SensorPresence })
}

// lookPresence tells the visit when whoever was there leaves or comes back, and dims
// the screen while nobody is there. A kiosk that lives on the sun and has no sensor
// goes by its visits.
func (k *Kiosk) lookPresence() {
	nobody := k.cab.nobody()
	k.mu.Lock()
	visited := k.visit != nil
	if visited && nobody != k.cab.left {
		k.apply(k.visit, session.Present{There: !nobody})
	}
	k.mu.Unlock()
	k.cab.left = nobody
	if len(k.cab.screens) == 0 {
		return
	}
	if k.solar() && !k.cab.senses() {
		nobody = true
	}
	now := time.Now()
	switch {
	case !nobody || visited:
		k.cab.idle = time.Time{}
	case k.cab.idle.IsZero():
		k.cab.idle = now
	}
	want := bright
	if !k.cab.idle.IsZero() {
		want = k.idleBrightness(now.Sub(k.cab.idle), now)
	}
	if want == k.cab.bright {
		return
	}
	k.cab.bright = want
	for _, s := range k.cab.screens {
		if err := s.Brightness(want); err != nil {
			k.cab.bright = 0 // once more at the next look
		}
	}
}

// idleBrightness is how bright the screen is when nobody was there for so long.
func (k *Kiosk) idleBrightness(idle time.Duration, at time.Time) int {
	after := dimAfter
	if k.solar() {
		after = dimSolar
	}
	if k.cab.scarce.Load() {
		after = 0
	}
	switch {
	case idle < after:
		return bright
	case k.live().Night.Holds(at.In(zone)):
		return night
	}
	return dim
}
