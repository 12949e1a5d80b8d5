package ds3231_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/i2c/i2ctest"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/devicetest"
	"github.com/penjire/penjire/drivers/ds3231"
	"github.com/penjire/penjire/drivers/emulator/i2cemu"
)

const addr = 0x68

// hands are an emulated clock's, and its bus's.
type hands struct {
	*i2cemu.DS3231
	bus *i2cemu.Bus
}

func (h hands) Unplug()      { h.bus.Plug(addr, nil) }
func (h hands) Replug()      { h.bus.Plug(addr, h.DS3231) }
func (h hands) Stick(s bool) { h.bus.Stick(s) }
func (h hands) Torn()        { h.bus.Tear(4) }

// drive returns a driven clock on an emulated bus.
func drive(t *testing.T) (*ds3231.Dev, hands) {
	chip := i2cemu.NewDS3231()
	bus := i2cemu.New(addr, chip)
	d, err := ds3231.New(bus.Open, ds3231.Opts{})
	if err != nil {
		t.Fatalf("New = %v, want nil", err)
	}
	t.Cleanup(func() {
		bus.Stick(false)
		if err := d.Halt(); err != nil {
			t.Errorf("Halt = %v, want nil", err)
		}
	})
	return d, hands{chip, bus}
}

func rig(t *testing.T) devicetest.ClockRig {
	d, h := drive(t)
	r := devicetest.ClockRig{Dev: d, Hands: h}
	if devicetest.Lie() != "" {
		r.Dev = liar{d, h}
	}
	return r
}

func TestSuite(t *testing.T) { devicetest.RealTimeClock(t, devicetest.Faked, rig) }

// liar is a clock that believes what its battery did not keep.
type liar struct {
	*ds3231.Dev
	h hands
}

func (l liar) Now() (time.Time, error) {
	if devicetest.Lie() == "never stopped" {
		l.h.Write([]byte{0x0F, 0})
	}
	return l.Dev.Now()
}

func (l liar) Set(t time.Time) error {
	if devicetest.Lie() == "keeps the wall's time" {
		t = time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
	}
	return l.Dev.Set(t)
}

func TestSuiteCatches(t *testing.T) {
	devicetest.Caught(t, "TestSuite", "never stopped", "keeps the wall's time")
}

// TestOtherSystemsClock: another system may have left it with twelve hours.
func TestOtherSystemsClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, h := drive(t)
		for _, hour := range []int{0, 1, 11, 12, 13, 23} {
			at := time.Date(2026, 11, 30, hour, 5, 6, 0, time.UTC)
			if err := d.Set(at); err != nil {
				t.Fatal(err)
			}
			h.Hours12()
			if got, err := d.Now(); err != nil || !got.Equal(at) {
				t.Errorf("Now at %d o'clock in twelve hours = %v, %v, want %v", hour, got, err, at)
			}
		}
	})
}

// TestNoise: what is no time is not taken for one, and a chip in its place that is
// no such clock is found out.
func TestNoise(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, h := drive(t)
		for _, bad := range [][2]byte{
			{0, 0x80},
			{0, 0x60},
			{0, 0x0A},
			{1, 0x99},
			{2, 0x24},
			{2, 0x53},
			{2, 0x40},
			{3, 0x0F},
			{4, 0x00},
			{4, 0x32},
			{5, 0x00},
			{5, 0x13},
			{5, 0x41},
			{6, 0xA0},
			{0x0F, 0x10},
		} {
			if err := d.Set(time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)); err != nil {
				t.Fatal(err)
			}
			h.Put(bad[0], bad[1])
			if got, err := d.Now(); !errors.Is(err, device.ErrProtocol) || !got.IsZero() {
				t.Errorf("Now with register %d = %#x: got %v, %v, want ErrProtocol", bad[0], bad[1], got, err)
			}
			h.Put(0x0F, 0)
		}
		h.Put(5, 0x02)
		h.Put(4, 0x31)
		if got, err := d.Now(); !errors.Is(err, device.ErrProtocol) {
			t.Errorf("Now on 31 February = %v, %v, want ErrProtocol", got, err)
		}
		for _, at := range []time.Time{{}, time.Date(1999, 12, 31, 0, 0, 0, 0, time.UTC), time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)} {
			n := h.bus.Count()
			if err := d.Set(at); !errors.Is(err, device.ErrUnsupported) || h.bus.Count() != n {
				t.Errorf("Set(%v) = %v after %d transactions, want ErrUnsupported and none", at, err, h.bus.Count()-n)
			}
		}
		h.bus.Plug(addr, allOnes{})
		if got, err := d.Now(); !errors.Is(err, device.ErrProtocol) {
			t.Errorf("Now of another chip = %v, %v, want ErrProtocol", got, err)
		}
		h.bus.Plug(addr, h.DS3231)
		h.bus.NAK(1)
		if _, err := d.Now(); !errors.Is(err, device.ErrUnplugged) {
			t.Errorf("Now of a chip that does not answer once = %v, want ErrUnplugged", err)
		}
	})
}

// allOnes is a chip that is not there on a bus with pull-ups.
type allOnes struct{}

func (allOnes) Write([]byte) {}
func (allOnes) Read(b []byte) {
	for i := range b {
		b[i] = 0xFF
	}
}

// TestRecorded plays back the registers of the datasheet's figure 1.
func TestRecorded(t *testing.T) {
	bus := &i2ctest.Playback{DontPanic: true, Ops: []i2ctest.IO{
		{Addr: addr, W: []byte{0x00}, R: []byte{0x58, 0x59, 0x23, 0x07, 0x31, 0x92, 0x99, 0, 0, 0, 0, 0, 0, 0, 0x1C, 0x08}},
		{Addr: addr, W: []byte{0x00}, R: []byte{0x00, 0x00, 0x72, 0x01, 0x29, 0x02, 0x28, 0, 0, 0, 0, 0, 0, 0, 0x1C, 0x00}},
		{Addr: addr, W: []byte{0x00}, R: []byte{0x00, 0x00, 0x00, 0x01, 0x01, 0x01, 0x00, 0, 0, 0, 0, 0, 0, 0, 0x1C, 0x88}},
	}}
	d, err := ds3231.New(func() (i2c.BusCloser, error) { return held{bus}, nil }, ds3231.Opts{Timeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := errors.Join(d.Halt(), bus.Close()); err != nil {
			t.Error(err)
		}
	}()
	for _, want := range []time.Time{time.Date(2199, 12, 31, 23, 59, 58, 0, time.UTC), time.Date(2028, 2, 29, 12, 0, 0, 0, time.UTC)} {
		if got, err := d.Now(); err != nil || !got.Equal(want) {
			t.Errorf("Now = %v, %v, want %v", got, err, want)
		}
	}
	if got, err := d.Now(); !errors.Is(err, device.ErrClockStopped) {
		t.Errorf("Now = %v, %v, want ErrClockStopped", got, err)
	}
}

// held is a bus that the driver does not close: the test asks it what is left.
type held struct{ *i2ctest.Playback }

func (held) Close() error { return nil }
