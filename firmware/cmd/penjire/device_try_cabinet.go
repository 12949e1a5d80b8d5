package main

import (
	"context"
	"errors"
	"time"

	"github.com/penjire/penjire/drivers/device"
)

func tryLights(ctx context.Context, g *guide, d device.Indicator) {
	for _, l := range d.Lights() {
		if err := d.Set(l, device.LightQuick); err != nil {
			g.broke("let "+string(l)+" flash", err)
			continue
		}
		g.step(g.ask(ctx, "Does the light (or buzzer) "+string(l)+" flash?"), "%s flashes", l)
		if err := d.Set(l, device.LightOff); err != nil {
			g.broke("switch "+string(l)+" off", err)
		}
	}
}

// act is what a person does to make a sensor active, and idle again.
var act = map[device.SensorKind][2]string{
	device.SensorPresence:  {"Stand before the kiosk", "Step away from the kiosk"},
	device.SensorTamper:    {"Press or open the tamper contact", "Let go of it"},
	device.SensorDoor:      {"Open the cabinet's door", "Close the cabinet's door"},
	device.SensorHeadphone: {"Plug headphones in", "Pull the headphones out"},
	device.SensorOperator:  {"Turn the operator's switch to maintenance", "Turn it back"},
	device.SensorSupply:    {"Switch the supply of the power-fail line off, if that is safe here", "Switch it on"},
}

func trySensor(ctx context.Context, g *guide, d device.Sensor) {
	is := func(want device.Contact) func() bool {
		return func() bool { c, _ := d.Contact(); return c == want }
	}
	c, _ := d.Contact()
	if c == device.ContactUnknown {
		g.step(unconfirmed, "%s: the sensor does not say what it senses", d.Kind())
		return
	}
	g.step(passed, "%s is %s", d.Kind(), c)
	do, ok := act[d.Kind()]
	if !ok {
		do = [2]string{"Make the sensor active", "Let it be idle"}
	}
	if c == device.ContactActive {
		g.await(ctx, d, do[1], "the sensor is idle", is(device.ContactIdle))
	}
	if g.await(ctx, d, do[0], "the sensor is active", is(device.ContactActive)) {
		g.await(ctx, d, do[1], "the sensor is idle", is(device.ContactIdle))
	}
}

func tryBacklight(ctx context.Context, g *guide, d device.Backlight) {
	for _, s := range []struct {
		do       func() error
		question string
	}{
		{func() error { return d.Brightness(10) }, "Is the screen dim now?"},
		{func() error { return d.Brightness(100) }, "Is it bright again?"},
		{func() error { return d.Blank(true) }, "Is it dark?"},
		{func() error { return d.Blank(false) }, "Is it on again?"},
	} {
		if err := s.do(); err != nil {
			g.broke("set the screen's light", err)
			continue
		}
		g.step(g.ask(ctx, s.question), "%s", s.question)
	}
}

// drift is how far a clock of a kiosk may be off before somebody should look.
const drift = 2 * time.Minute

func tryClock(_ context.Context, g *guide, d device.RealTimeClock) {
	now, err := d.Now()
	switch {
	case errors.Is(err, device.ErrClockStopped):
		g.step(failed, "the clock had stopped: its battery is empty or missing")
	case err != nil:
		g.broke("read the clock", err)
	case time.Since(now).Abs() > drift:
		g.step(unconfirmed, "the clock reads %s, and this machine's %s: which one is right, this test does not know", now.UTC().Format(time.RFC3339), time.Now().UTC().Format(time.RFC3339))
	default:
		g.step(passed, "the clock reads %s, %v from this machine's", now.UTC().Format(time.RFC3339), time.Since(now).Abs().Round(time.Second))
	}
}

func tryPower(ctx context.Context, g *guide, d device.PowerMonitor) {
	read := func() (device.Power, error) {
		asked, cancel := context.WithTimeout(ctx, brief)
		defer cancel()
		return d.Power(asked)
	}
	p, err := read()
	if err != nil {
		g.broke("read the supply", err)
		return
	}
	v := passed
	if p.Source == device.PowerUnknown && p.Volts == 0 {
		v = unconfirmed
	}
	g.step(v, "source %s, %.2f V, %.2f A, battery %d %% (-1: unknown)", p.Source, p.Volts, p.Amperes, p.Percent)
	if p.Source != device.PowerMains {
		return
	}
	is := func(want device.PowerSource) func() bool {
		return func() bool { p, err := read(); return err == nil && p.Source == want }
	}
	if p.Percent >= 0 && g.await(ctx, d, "Pull the mains plug, if the battery feeds this kiosk", "it runs on its battery", is(device.PowerBattery)) {
		g.await(ctx, d, "Plug it in again", "it runs on mains", is(device.PowerMains))
	}
}

func tryThermometer(ctx context.Context, g *guide, d device.Thermometer) {
	asked, cancel := context.WithTimeout(ctx, brief)
	defer cancel()
	c, err := d.Celsius(asked)
	switch {
	case err != nil:
		g.broke("read the temperature", err)
	case c < -30 || c > 110:
		g.step(failed, "%.1f °C cannot be", c)
	default:
		g.step(passed, "%.1f °C", c)
	}
}
