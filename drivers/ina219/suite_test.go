package ina219_test

import (
	"context"
	"errors"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/i2c/i2ctest"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/devicetest"
	"github.com/penjire/penjire/drivers/emulator/i2cemu"
	"github.com/penjire/penjire/drivers/ina219"
)

const addr = 0x40

// hands are an emulated battery's with a meter at it.
type hands struct {
	meter *i2cemu.INA219
	bus   *i2cemu.Bus
}

func (h hands) Mains(on bool) {
	if on {
		h.meter.Measure(8.2, 0.35)
	} else {
		h.meter.Measure(7.8, -0.9)
	}
}
func (h hands) Unplug() { h.bus.Plug(addr, nil) }
func (h hands) Replug() { h.bus.Plug(addr, h.meter) }

func drive(t *testing.T) (*ina219.Dev, hands) {
	h := hands{meter: i2cemu.NewINA219(8.2, 0.35)}
	h.bus = i2cemu.New(addr, h.meter)
	d, err := ina219.New(h.bus.Open, ina219.Opts{})
	if err != nil {
		t.Fatalf("New = %v, want nil", err)
	}
	t.Cleanup(func() {
		h.bus.Stick(false)
		if err := d.Halt(); err != nil {
			t.Errorf("Halt = %v, want nil", err)
		}
	})
	return d, h
}

func rig(t *testing.T) devicetest.PowerRig {
	d, h := drive(t)
	r := devicetest.PowerRig{Dev: d, Hands: h}
	if devicetest.Lie() != "" {
		r.Dev = liar{d}
	}
	return r
}

func TestSuite(t *testing.T) { devicetest.PowerMonitor(t, devicetest.Faked, rig) }

// liar is a monitor that thinks well of the power.
type liar struct{ *ina219.Dev }

func (l liar) Power(ctx context.Context) (device.Power, error) {
	p, err := l.Dev.Power(ctx)
	switch {
	case devicetest.Lie() == "always mains":
		p.Source = device.PowerMains
	case devicetest.Lie() == "unknown is mains" && p.Source == device.PowerUnknown:
		p.Source, err = device.PowerMains, nil
	}
	return p, err
}

func TestSuiteCatches(t *testing.T) {
	devicetest.Caught(t, "TestSuite", "always mains", "unknown is mains")
}

// TestMeasures: volts, amperes and the charge; what cannot be is not believed.
func TestMeasures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, h := drive(t)
		for _, v := range []struct {
			volts, amperes float64
			want           device.Power
		}{
			{8.4, 0, device.Power{Source: device.PowerMains, Percent: 100}},
			{7.2, 0, device.Power{Source: device.PowerUnknown, Percent: 50}},
			{7.2, -1.5, device.Power{Source: device.PowerBattery, Percent: 50, Amperes: 1.5}},
			{6.0, -2.0, device.Power{Source: device.PowerBattery, Percent: 0, Amperes: 2}},
			{5.4, -0.5, device.Power{Source: device.PowerBattery, Percent: 0, Amperes: 0.5}},
			{8.8, 1.0, device.Power{Source: device.PowerMains, Percent: 100}},
		} {
			h.meter.Measure(v.volts, v.amperes)
			p, err := d.Power(t.Context())
			if err != nil || p.Source != v.want.Source || p.Percent != v.want.Percent || math.Abs(p.Volts-v.volts) > 0.01 || math.Abs(p.Amperes-v.want.Amperes) > 0.01 {
				t.Errorf("Power at %v V, %v A = %+v, %v, want %+v", v.volts, v.amperes, p, err, v.want)
			}
		}
		for name, reg := range map[string][2]int{"overflow": {2, 0xFFFF}, "no battery": {2, 0}, "all ones": {1, 0xFFFF}} {
			h.meter.Measure(7.2, 0.2)
			h.meter.Put(reg[0], uint16(reg[1]))
			if name == "all ones" {
				h.meter.Put(2, 0xFFFE)
			}
			if p, err := d.Power(t.Context()); !errors.Is(err, device.ErrProtocol) || p.Source != device.PowerUnknown || p.Percent != -1 {
				t.Errorf("%s: Power = %+v, %v, want ErrProtocol and nothing known", name, p, err)
			}
		}
	})
}

// TestMishaps: a chip that was reset is set up again, one that cannot be is found
// out, a stuck bus ends each call in time.
func TestMishaps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, h := drive(t)
		h.meter.Put(0, 0)
		if _, err := d.Power(t.Context()); !errors.Is(err, device.ErrBusy) {
			t.Errorf("Power of a chip that was reset = %v, want ErrBusy: it must measure first", err)
		}
		if p, err := d.Power(t.Context()); err != nil || p.Source != device.PowerMains {
			t.Errorf("Power afterwards = %+v, %v, want the mains", p, err)
		}
		h.meter.Fix(true)
		h.meter.Put(0, 1)
		if _, err := d.Power(t.Context()); !errors.Is(err, device.ErrProtocol) {
			t.Errorf("Power of a chip that takes no setting = %v, want ErrProtocol", err)
		}
		h.bus.Stick(true)
		begin := time.Now()
		if _, err := d.Power(t.Context()); !errors.Is(err, device.ErrTimeout) || time.Since(begin) > time.Second {
			t.Errorf("Power on a stuck bus = %v after %v, want ErrTimeout within 1 s", err, time.Since(begin))
		}
	})
}

// TestRecorded plays back the example of the datasheet's section 8.5: 11.98 V at the
// bus and 20 mV at the shunt, here of 0.1 Ω.
func TestRecorded(t *testing.T) {
	ops := []i2ctest.IO{
		{Addr: addr, W: []byte{0}, R: []byte{0x39, 0x9F}},
		{Addr: addr, W: []byte{1}, R: []byte{0x07, 0xD0}},
		{Addr: addr, W: []byte{2}, R: []byte{0x5D, 0x98}},
	}
	bus := &i2ctest.Playback{DontPanic: true, Ops: append(ops, ops...)}
	d, err := ina219.New(func() (i2c.BusCloser, error) { return held{bus}, nil }, ina219.Opts{Empty: 9, Full: 12.6, Poll: time.Hour, Timeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	changes := d.Changes(t.Context())
	<-changes // its own first look
	p, err := d.Power(t.Context())
	if err != nil || math.Abs(p.Volts-11.98) > 0.01 || p.Source != device.PowerMains {
		t.Errorf("Power = %+v, %v, want 11.98 V on the mains", p, err)
	}
	if err := errors.Join(d.Halt(), bus.Close()); err != nil {
		t.Error(err)
	}
}

// held is a bus that the driver does not close: the test asks it what is left.
type held struct{ *i2ctest.Playback }

func (held) Close() error { return nil }

func TestRefusesNonsense(t *testing.T) {
	for name, o := range map[string]ina219.Opts{
		"address": {Addr: 0x80}, "shunt": {Ohm: -1}, "battery": {Empty: 9}, "voltage": {Full: 40}, "time": {Poll: -1},
	} {
		if d, err := ina219.New(i2cemu.New(addr, nil).Open, o); err == nil {
			t.Errorf("%s: New = nil, want an error", name)
			_ = d.Halt()
		}
	}
}
