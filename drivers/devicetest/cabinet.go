package devicetest

import (
	"context"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/penjire/penjire/drivers/device"
)

// PowerRig is a power monitor's driver with the power in reach.
type PowerRig struct {
	Dev   device.PowerMonitor
	Hands PowerHands
}

// PowerHands are what can be done to the power by hand. It comes on the mains.
type PowerHands interface {
	Mains(on bool)
	Unplug() // the meter, not the mains
	Replug()
}

// PowerMonitor runs the suite of device.PowerMonitor in the kind of time given.
// plug makes a monitor on the mains and its driver, and undoes both when its t ends.
func PowerMonitor(t *testing.T, in Time, plug func(t *testing.T) PowerRig) {
	run := func(name string, f func(t *testing.T, want func(device.PowerSource), r PowerRig)) {
		t.Run(name, func(t *testing.T) {
			in.run(t, func(t *testing.T) {
				r := plug(t)
				f(t, func(s device.PowerSource) {
					t.Helper()
					within(t, r.Dev, in.limit, string("source "+s), func() bool {
						p, err := r.Dev.Power(t.Context())
						return p.Source == s && (err == nil) == (s != device.PowerUnknown)
					})
				}, r)
			})
		})
	}
	run("knows the mains from the battery", func(t *testing.T, want func(device.PowerSource), r PowerRig) {
		for _, mains := range []bool{true, false, true} {
			r.Hands.Mains(mains)
			if mains {
				want(device.PowerMains)
			} else {
				want(device.PowerBattery)
			}
		}
	})
	run("unplugged and replugged", func(t *testing.T, want func(device.PowerSource), r PowerRig) {
		want(device.PowerMains)
		r.Hands.Unplug()
		want(device.PowerUnknown)
		p, err := r.Dev.Power(t.Context())
		wantError(t, "Power when unplugged", err, device.ErrUnplugged, device.SideEffectNo)
		if p.Percent != -1 || p.Volts != 0 || r.Dev.Health() == device.Online {
			t.Errorf("Power = %+v, health %v, want nothing known and not online", p, r.Dev.Health())
		}
		r.Hands.Mains(false)
		r.Hands.Replug()
		want(device.PowerBattery)
	})
	run("halts", func(t *testing.T, want func(device.PowerSource), r PowerRig) {
		want(device.PowerMains)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if p, err := r.Dev.Power(ctx); !errors.Is(err, context.Canceled) || p.Source != device.PowerUnknown {
			t.Errorf("Power with an ended context = %+v, %v, want its error", p, err)
		}
		for range 2 {
			if err := r.Dev.Halt(); err != nil {
				t.Errorf("Halt = %v, want nil", err)
			}
		}
		_, err := r.Dev.Power(t.Context())
		wantError(t, "Power after Halt", err, device.ErrHalted, device.SideEffectNo)
	})
}

// ThermometerRig is a thermometer's driver with the temperature in reach.
type ThermometerRig struct {
	Dev   device.Thermometer
	Hands ThermometerHands
}

// ThermometerHands are what can be done to a thermometer by hand.
type ThermometerHands interface {
	Heat(celsius float64)
	Garble() // it says what is no temperature
	Unplug()
	Replug()
}

// Thermometer runs the suite of device.Thermometer.
func Thermometer(t *testing.T, plug func(t *testing.T) ThermometerRig) {
	t.Run("measures", func(t *testing.T) {
		r := plug(t)
		for _, c := range []float64{-30, 0, 0.5, 42.25, 85} {
			r.Hands.Heat(c)
			if got, err := r.Dev.Celsius(t.Context()); err != nil || math.Abs(got-c) > 0.1 {
				t.Errorf("Celsius = %v, %v, want %v", got, err, c)
			}
		}
		if h := r.Dev.Health(); h != device.Online {
			t.Errorf("Health = %v, want online", h)
		}
	})
	t.Run("does not believe nonsense", func(t *testing.T) {
		r := plug(t)
		r.Hands.Garble()
		_, err := r.Dev.Celsius(t.Context())
		wantError(t, "Celsius", err, device.ErrProtocol, device.SideEffectNo)
	})
	t.Run("unplugged and replugged", func(t *testing.T) {
		r := plug(t)
		r.Hands.Unplug()
		_, err := r.Dev.Celsius(t.Context())
		wantError(t, "Celsius when unplugged", err, device.ErrUnplugged, device.SideEffectNo)
		if h := r.Dev.Health(); h != device.NoDevice {
			t.Errorf("Health = %v, want noDevice", h)
		}
		r.Hands.Replug()
		r.Hands.Heat(20)
		if got, err := r.Dev.Celsius(t.Context()); err != nil || got != 20 {
			t.Errorf("Celsius when replugged = %v, %v, want 20", got, err)
		}
	})
	t.Run("halts", func(t *testing.T) {
		r := plug(t)
		for range 2 {
			if err := r.Dev.Halt(); err != nil {
				t.Errorf("Halt = %v, want nil", err)
			}
		}
		_, err := r.Dev.Celsius(t.Context())
		wantError(t, "Celsius after Halt", err, device.ErrHalted, device.SideEffectNo)
	})
}

// BacklightRig is a backlight's driver with the light in sight.
type BacklightRig struct {
	Dev  device.Backlight
	Eyes BacklightEyes
}

// BacklightEyes see a backlight, and hands can take it away.
type BacklightEyes interface {
	// Shines returns how bright it is, as a share of 1, and whether it is on.
	Shines() (share float64, on bool)
	Unplug()
	Replug()
}

// Backlight runs the suite of device.Backlight.
func Backlight(t *testing.T, plug func(t *testing.T) BacklightRig) {
	want := func(t *testing.T, r BacklightRig, percent int, on bool) {
		t.Helper()
		if share, is := r.Eyes.Shines(); math.Abs(share*100-float64(percent)) > 1 || is != on {
			t.Errorf("shines with %.2f, on %v, want %d percent, %v", share, is, percent, on)
		}
	}
	t.Run("is as bright as it is told", func(t *testing.T) {
		r := plug(t)
		for _, p := range []int{0, 1, 50, 99, 100} {
			if err := r.Dev.Brightness(p); err != nil {
				t.Errorf("Brightness(%d) = %v, want nil", p, err)
			}
			want(t, r, p, true)
		}
		for _, off := range []bool{true, false} {
			if err := r.Dev.Blank(off); err != nil {
				t.Errorf("Blank(%v) = %v, want nil", off, err)
			}
			want(t, r, 100, !off)
		}
	})
	t.Run("refuses what is no brightness", func(t *testing.T) {
		r := plug(t)
		if err := r.Dev.Brightness(40); err != nil {
			t.Fatal(err)
		}
		for _, p := range []int{-1, 101} {
			wantError(t, "Brightness", r.Dev.Brightness(p), device.ErrUnsupported, device.SideEffectNo)
		}
		want(t, r, 40, true)
	})
	t.Run("unplugged and replugged", func(t *testing.T) {
		r := plug(t)
		r.Eyes.Unplug()
		wantError(t, "Brightness when unplugged", r.Dev.Brightness(50), device.ErrUnplugged, device.SideEffectNo)
		wantError(t, "Blank when unplugged", r.Dev.Blank(true), device.ErrUnplugged, device.SideEffectNo)
		r.Eyes.Replug()
		if err := r.Dev.Brightness(50); err != nil || r.Dev.Health() != device.Online {
			t.Errorf("Brightness when replugged = %v, health %v, want nil and online", err, r.Dev.Health())
		}
		want(t, r, 50, true)
	})
	t.Run("halts and leaves the light on", func(t *testing.T) {
		r := plug(t)
		if err := r.Dev.Brightness(70); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := r.Dev.Halt(); err != nil {
				t.Errorf("Halt = %v, want nil", err)
			}
		}
		wantError(t, "Brightness after Halt", r.Dev.Brightness(0), device.ErrHalted, device.SideEffectNo)
		want(t, r, 70, true)
	})
}

// WatchdogRig is a watchdog's driver with the watchdog in sight.
type WatchdogRig struct {
	Dev  device.Watchdog // told to wait for 60 s
	Eyes WatchdogEyes
}

// WatchdogEyes see a watchdog that waits for at most 15 s.
type WatchdogEyes interface {
	Running() bool
	// Bitten reports whether it has reset the machine.
	Bitten() bool
	// NoWayOut keeps it from being stopped.
	NoWayOut()
	Unplug()
	Replug()
}

// Watchdog runs the suite of device.Watchdog, in faked time.
func Watchdog(t *testing.T, plug func(t *testing.T) WatchdogRig) {
	run := func(name string, f func(t *testing.T, r WatchdogRig)) {
		t.Run(name, func(t *testing.T) { Faked.run(t, func(t *testing.T) { f(t, plug(t)) }) })
	}
	kick := func(t *testing.T, r WatchdogRig) {
		t.Helper()
		if err := r.Dev.Kick(); err != nil {
			t.Errorf("Kick = %v, want nil", err)
		}
	}
	run("runs from the first kick and waits as long as it says", func(t *testing.T, r WatchdogRig) {
		if time.Sleep(time.Hour); r.Eyes.Running() || r.Eyes.Bitten() {
			t.Error("it runs before it was kicked")
		}
		kick(t, r)
		limit := r.Dev.Timeout()
		if !r.Eyes.Running() || limit != 15*time.Second {
			t.Errorf("Timeout = %v, running %v, want 15 s, which is all it has", limit, r.Eyes.Running())
		}
		for range 20 {
			time.Sleep(limit - time.Second)
			kick(t, r)
		}
		if r.Eyes.Bitten() {
			t.Error("it bit though it was kicked in time")
		}
		if time.Sleep(limit + time.Second); !r.Eyes.Bitten() {
			t.Error("it did not bite though nobody kicked it")
		}
	})
	run("halts", func(t *testing.T, r WatchdogRig) {
		kick(t, r)
		for range 2 {
			if err := r.Dev.Halt(); err != nil {
				t.Errorf("Halt = %v, want nil", err)
			}
		}
		if time.Sleep(time.Hour); r.Eyes.Running() || r.Eyes.Bitten() {
			t.Error("it runs after Halt")
		}
		wantError(t, "Kick after Halt", r.Dev.Kick(), device.ErrHalted, device.SideEffectNo)
	})
	run("has no way out", func(t *testing.T, r WatchdogRig) {
		r.Eyes.NoWayOut()
		kick(t, r)
		if err := r.Dev.Halt(); err != nil {
			t.Errorf("Halt = %v, want nil", err)
		}
		if time.Sleep(time.Minute); !r.Eyes.Bitten() {
			t.Error("it did not bite though it cannot be stopped")
		}
	})
	run("unplugged and replugged", func(t *testing.T, r WatchdogRig) {
		r.Eyes.Unplug()
		wantError(t, "Kick of what is not there", r.Dev.Kick(), device.ErrUnplugged, device.SideEffectNo)
		if h := r.Dev.Health(); h != device.NoDevice {
			t.Errorf("Health = %v, want noDevice", h)
		}
		r.Eyes.Replug()
		kick(t, r)
		if h := r.Dev.Health(); h != device.Online || !r.Eyes.Running() {
			t.Errorf("Health = %v, running %v, want online and running", h, r.Eyes.Running())
		}
	})
}
