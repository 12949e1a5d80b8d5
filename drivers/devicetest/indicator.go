package devicetest

import (
	"errors"
	"testing"
	"time"

	"github.com/penjire/penjire/drivers/device"
)

// IndicatorRig is lights' driver with the lights in sight. It has LightCardReader
// and not LightNotes.
type IndicatorRig struct {
	Dev interface {
		device.Indicator
		device.Watcher
	}
	Eyes IndicatorEyes
}

// IndicatorEyes see LightCardReader, and hands can take it away.
type IndicatorEyes interface {
	Lit() bool
	// Unplug takes the line away, Replug brings it back, dark.
	Unplug()
	Replug()
}

// Indicator runs the suite of device.Indicator in the kind of time given. plug makes
// lights, all off, and their driver, and undoes both when its t ends.
func Indicator(t *testing.T, in Time, plug func(t *testing.T) IndicatorRig) {
	run := func(name string, f func(t *testing.T, in Time, r IndicatorRig)) {
		t.Run(name, func(t *testing.T) {
			in.run(t, func(t *testing.T) {
				r := plug(t)
				within(t, r.Dev, in.limit, "online", func() bool { return r.Dev.Health() == device.Online })
				f(t, in, r)
			})
		})
	}
	run("shines and is dark", indicatorShines)
	run("refuses a light it does not have", indicatorRefuses)
	run("shines again after it was away", indicatorReplug)
	run("is dark when halted", indicatorHalts)
	if in.faked {
		run("flashes", indicatorFlashes)
	}
}

// set sets the light and waits until it is lit, or not.
func (r IndicatorRig) set(t *testing.T, in Time, f device.Flash, lit bool) {
	t.Helper()
	if err := r.Dev.Set(device.LightCardReader, f); err != nil {
		t.Errorf("Set(%s) = %v, want nil", f, err)
	}
	r.want(t, in, lit)
}

// want waits until the light is lit, or not.
func (r IndicatorRig) want(t *testing.T, in Time, lit bool) {
	t.Helper()
	for end := time.Now().Add(in.limit); r.Eyes.Lit() != lit; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %v: lit is %v", in.limit, lit)
		}
	}
}

func indicatorShines(t *testing.T, in Time, r IndicatorRig) {
	if r.Eyes.Lit() {
		t.Error("lit before anything was set")
	}
	for range 3 {
		r.set(t, in, device.LightContinuous, true)
		r.set(t, in, device.LightOff, false)
	}
}

func indicatorRefuses(t *testing.T, _ Time, r IndicatorRig) {
	wantError(t, "Set of a light it has not", r.Dev.Set(device.LightNotes, device.LightSlow), device.ErrUnsupported, device.SideEffectNo)
	wantError(t, "Set to no way of shining", r.Dev.Set(device.LightCardReader, "disco"), device.ErrUnsupported, device.SideEffectNo)
}

func indicatorReplug(t *testing.T, in Time, r IndicatorRig) {
	r.set(t, in, device.LightContinuous, true)
	r.Eyes.Unplug()
	within(t, r.Dev, in.limit, "not online", func() bool { return r.Dev.Health() != device.Online })
	if err := r.Dev.Set(device.LightCardReader, device.LightContinuous); err != nil {
		t.Errorf("Set while it is away = %v, want nil: it is remembered", err)
	}
	r.Eyes.Replug()
	r.want(t, in, true)
	within(t, r.Dev, in.limit, "online again", func() bool { return r.Dev.Health() == device.Online })
}

func indicatorHalts(t *testing.T, in Time, r IndicatorRig) {
	r.set(t, in, device.LightContinuous, true)
	for range 2 {
		if err := r.Dev.Halt(); err != nil {
			t.Errorf("Halt = %v, want nil", err)
		}
	}
	if r.Eyes.Lit() || r.Dev.Health() == device.Online {
		t.Errorf("after Halt: lit %v, health %v, want dark and not online", r.Eyes.Lit(), r.Dev.Health())
	}
	if err := r.Dev.Set(device.LightCardReader, device.LightOff); !errors.Is(err, device.ErrHalted) {
		t.Errorf("Set after Halt = %v, want ErrHalted", err)
	}
}

// indicatorFlashes counts how often the light turns in ten seconds.
func indicatorFlashes(t *testing.T, in Time, r IndicatorRig) {
	last := 0
	for _, f := range []device.Flash{device.LightSlow, device.LightMedium, device.LightQuick} {
		r.set(t, in, f, true)
		turns, was := 0, true
		for range 10_000 {
			time.Sleep(time.Millisecond)
			if lit := r.Eyes.Lit(); lit != was {
				turns, was = turns+1, lit
			}
		}
		if turns <= last || turns > 60 {
			t.Errorf("%s turns %d times in 10 s, want more than %d and at most three flashes a second", f, turns, last)
		}
		last = turns
		r.set(t, in, device.LightOff, false)
	}
}
