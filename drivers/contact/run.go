package contact

import (
	"errors"
	"time"

	"periph.io/x/conn/v3/gpio"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/gpioline"
)

// run keeps the line open until Halt.
func (d *Dev) run() {
	defer close(d.done)
	for d.ctx.Err() == nil {
		err := d.session()
		if d.ctx.Err() != nil {
			break
		}
		h := device.HardwareError
		if errors.Is(err, device.ErrUnplugged) || errors.Is(err, device.ErrTimeout) {
			h = device.NoDevice
		}
		d.say(h, device.ContactUnknown)
		t := time.NewTimer(d.o.Reopen)
		select {
		case <-t.C:
		case <-d.ctx.Done():
		}
		t.Stop()
	}
	d.say(device.Offline, device.ContactUnknown)
}

// session is the time from opening the line to losing it.
func (d *Dev) session() (err error) {
	in, err := d.src.Input(d.ctx, d.o.Line, d.o.Pull)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	s := settle{debounce: d.o.Debounce, look: look}
	if _, ok := in.(gpioline.Told); ok {
		s.look = told
	}
	v := view{o: d.o, opened: time.Now()}
	for d.ctx.Err() == nil {
		level, err := in.Read()
		if err != nil {
			return err
		}
		now := time.Now()
		wait := s.see(level, now)
		h, c := device.Online, device.ContactUnknown
		switch {
		case s.restless(now):
			h, v = device.HardwareError, view{o: d.o, opened: v.opened}
		case s.known:
			var until time.Duration
			c, until = v.contact(s.level, now)
			wait = min(wait, until)
		default:
			h = d.Health() // of before: nothing is known yet
		}
		d.say(h, c)
		edge, err := in.Wait(d.ctx, max(wait, time.Millisecond))
		if err != nil {
			return err
		}
		if edge {
			s.edge(time.Now())
		}
	}
	return d.ctx.Err()
}

// settle finds out which level a line that bounces has come to.
type settle struct {
	debounce time.Duration
	look     time.Duration // at most, until the next look

	known bool
	level gpio.Level // that it has settled on
	last  gpio.Level // as last seen
	since time.Time  // it has had last
	asked time.Time  // since it has not been settled; zero: it is
}

// see takes what the line reads now, and returns how long at most to wait until
// the next look.
func (s *settle) see(l gpio.Level, now time.Time) time.Duration {
	if s.since.IsZero() || l != s.last {
		s.last = l
		s.edge(now)
	}
	if s.asked.IsZero() {
		return s.look
	}
	if left := s.debounce - now.Sub(s.since); left > 0 {
		return min(left, s.look)
	}
	s.known, s.level, s.asked = true, s.last, time.Time{}
	return s.look
}

// edge takes an edge: whatever the line reads at both sides of it, it has not had
// that level all the while.
func (s *settle) edge(now time.Time) {
	s.since = now
	if s.asked.IsZero() {
		s.asked = now
	}
}

// restless reports whether the line has been changing for too long.
func (s *settle) restless(now time.Time) bool {
	return !s.asked.IsZero() && now.Sub(s.asked) > restless
}

// view is what a settled level means: warm-up and hold-off.
type view struct {
	o      Opts
	opened time.Time
	active time.Time // it was last active; zero: never
}

// contact returns what the level means, and how long at most that holds.
func (v *view) contact(l gpio.Level, now time.Time) (device.Contact, time.Duration) {
	if left := v.opened.Add(v.o.WarmUp).Sub(now); left > 0 {
		return device.ContactUnknown, left
	}
	if bool(l) != v.o.ActiveLow {
		v.active = now
		return device.ContactActive, told
	}
	if left := v.active.Add(v.o.HoldOff).Sub(now); !v.active.IsZero() && left > 0 {
		return device.ContactActive, left
	}
	return device.ContactIdle, told
}
