package devicetest

import (
	"errors"
	"testing"
	"time"

	"github.com/penjire/penjire/drivers/device"
)

// ClockRig is a battery clock's driver with the clock in reach.
type ClockRig struct {
	Dev   device.RealTimeClock
	Hands ClockHands
}

// ClockHands are what can be done to a battery clock by hand. It comes stopped: it
// was never set.
type ClockHands interface {
	// LosePower takes its battery out for a moment.
	LosePower()
	Unplug()
	Replug()
	// Stick makes every question to it hang, or not.
	Stick(bool)
	// Torn cuts the power in the middle of the next Set.
	Torn()
}

// RealTimeClock runs the suite of device.RealTimeClock in the kind of time given.
// plug makes a clock that was never set, and its driver, and undoes both when its t
// ends.
func RealTimeClock(t *testing.T, in Time, plug func(t *testing.T) ClockRig) {
	run := func(name string, f func(t *testing.T, in Time, r ClockRig)) {
		t.Run(name, func(t *testing.T) {
			in.run(t, func(t *testing.T) { f(t, in, plug(t)) })
		})
	}
	run("a stopped clock has no time", clockStopped)
	run("keeps the time it was set to", clockKeeps)
	run("unplugged and replugged", clockReplug)
	run("hangs", clockHangs)
	run("power goes while it is set", clockTorn)
	run("halts", clockHalts)
}

// tick is how far a clock that shows whole seconds may be off.
const tick = 2 * time.Second

// says fails the test if the clock does not say want.
func (r ClockRig) says(t *testing.T, want time.Time) {
	t.Helper()
	got, err := r.Dev.Now()
	if off := got.Sub(want); err != nil || off < -tick || off > tick {
		t.Errorf("Now = %v, %v, want %v", got, err, want)
	}
}

func (r ClockRig) stopped(t *testing.T) {
	t.Helper()
	at, err := r.Dev.Now()
	wantError(t, "Now of a clock that had stopped", err, device.ErrClockStopped, device.SideEffectNo)
	if !at.IsZero() {
		t.Errorf("Now = %v with an error, want no time", at)
	}
}

func clockStopped(t *testing.T, _ Time, r ClockRig) {
	r.stopped(t)
	at := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	if err := r.Dev.Set(at); err != nil {
		t.Fatalf("Set = %v, want nil", err)
	}
	r.says(t, at)
	r.Hands.LosePower()
	r.stopped(t)
}

func clockKeeps(t *testing.T, in Time, r ClockRig) {
	ashgabat := time.FixedZone("TMT", 5*60*60)
	for _, at := range []time.Time{
		time.Date(2026, 11, 30, 23, 59, 58, 0, time.UTC),
		time.Date(2028, 2, 28, 23, 59, 59, 0, time.UTC), // a leap day follows
		time.Date(2027, 2, 28, 23, 59, 59, 0, time.UTC), // none follows
		time.Date(2027, 1, 1, 0, 30, 0, 0, ashgabat),    // last year in UTC
		time.Date(2026, 6, 15, 12, 0, 0, 0, time.UTC),
		time.Date(2026, 6, 15, 0, 0, 0, 999_999_999, time.UTC),
	} {
		if err := r.Dev.Set(at); err != nil {
			t.Errorf("Set(%v) = %v, want nil", at, err)
			continue
		}
		r.says(t, at)
		if in.faked {
			time.Sleep(36 * time.Hour)
			r.says(t, at.Add(36*time.Hour))
		}
	}
	if h := r.Dev.Health(); h != device.Online {
		t.Errorf("Health = %v, want online", h)
	}
}

func clockReplug(t *testing.T, _ Time, r ClockRig) {
	at := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	if err := r.Dev.Set(at); err != nil {
		t.Fatal(err)
	}
	r.Hands.Unplug()
	_, err := r.Dev.Now()
	wantError(t, "Now when unplugged", err, device.ErrUnplugged, device.SideEffectNo)
	if err := r.Dev.Set(at); !errors.Is(err, device.ErrUnplugged) {
		t.Errorf("Set when unplugged = %v, want ErrUnplugged", err)
	}
	if h := r.Dev.Health(); h == device.Online {
		t.Errorf("Health when unplugged = %v", h)
	}
	r.Hands.Replug()
	r.says(t, at)
}

func clockHangs(t *testing.T, in Time, r ClockRig) {
	at := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	if err := r.Dev.Set(at); err != nil {
		t.Fatal(err)
	}
	r.Hands.Stick(true)
	begin := time.Now()
	for range 3 {
		_, err := r.Dev.Now()
		wantError(t, "Now when it hangs", err, device.ErrTimeout, device.SideEffectNo)
	}
	if d := time.Since(begin); d > 3*in.limit {
		t.Errorf("three calls took %v, want at most %v each", d, in.limit)
	}
	if h := r.Dev.Health(); h == device.Online {
		t.Errorf("Health of a clock that hangs = %v", h)
	}
	r.Hands.Stick(false)
	end := time.Now().Add(in.limit)
	for {
		got, err := r.Dev.Now()
		if err == nil {
			if off := got.Sub(at); off < 0 || off > time.Minute {
				t.Errorf("Now afterwards = %v, want about %v", got, at)
			}
			return
		}
		if time.Now().After(end) {
			t.Fatalf("Now afterwards = %v, want it to answer within %v", err, in.limit)
		}
	}
}

// clockTorn: after it, the clock says that it had stopped, or has the old time, or
// the new one; never something else.
func clockTorn(t *testing.T, _ Time, r ClockRig) {
	at := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	r.Hands.Torn()
	err := r.Dev.Set(at)
	if e, ok := errors.AsType[*device.Error](err); !ok || e.SideEffect != device.SideEffectUnknown {
		t.Errorf("Set that was cut short = %v, want SideEffectUnknown", err)
	}
	r.stopped(t)
	if err := r.Dev.Set(at); err != nil {
		t.Errorf("Set afterwards = %v, want nil", err)
	}
	r.says(t, at)
}

func clockHalts(t *testing.T, in Time, r ClockRig) {
	r.Hands.Stick(true)
	ended := make(chan error, 1)
	go func() { _, err := r.Dev.Now(); ended <- err }()
	begin := time.Now()
	for range 2 {
		if err := r.Dev.Halt(); err != nil {
			t.Errorf("Halt = %v, want nil", err)
		}
	}
	if err := <-ended; err == nil {
		t.Error("Now of a clock that hangs = nil when it is halted, want an error")
	}
	if d := time.Since(begin); d > in.limit {
		t.Errorf("Halt took %v, want at most %v", d, in.limit)
	}
	_, err := r.Dev.Now()
	wantError(t, "Now after Halt", err, device.ErrHalted, device.SideEffectNo)
	wantError(t, "Set after Halt", r.Dev.Set(time.Now()), device.ErrHalted, device.SideEffectNo)
	r.Hands.Stick(false)
}
