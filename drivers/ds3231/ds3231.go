// Package ds3231 drives Maxim's DS3231 clock chip over I²C, where the kernel does
// not: with the overlay i2c-rtc,ds3231 the chip is the kernel's, its address is
// taken, and drivers/rtcdev is what to use.
//
// # Reference
//
// Maxim 19-5170 rev 10: timekeeping registers (figure 1), control 0x0E (EOSC),
// status 0x0F (OSF). Time is kept in UTC.
package ds3231

import (
	"context"
	"fmt"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/i2cchip"
)

// Opts are a clock's settings. Zero values are the defaults.
type Opts struct {
	Addr    uint16        // 0: 0x68
	Timeout time.Duration // for one transaction; 0: 500 ms
}

// Dev is a clock.
type Dev struct{ chip *i2cchip.Chip }

var _ device.RealTimeClock = (*Dev)(nil)

// New returns the clock on the bus. It does not ask it anything.
func New(bus i2cchip.Opener, o Opts) (*Dev, error) {
	if o.Addr > 0x7F || o.Timeout < 0 {
		return nil, fmt.Errorf("ds3231: got address %#x, timeout %v, want seven bits and no negative time", o.Addr, o.Timeout)
	}
	if o.Addr == 0 {
		o.Addr = 0x68
	}
	if o.Timeout == 0 {
		o.Timeout = 500 * time.Millisecond
	}
	return &Dev{i2cchip.New("DS3231", o.Addr, bus, o.Timeout)}, nil
}

// String implements conn.Resource.
func (d *Dev) String() string { return d.chip.String() }

// Halt implements conn.Resource. The clock runs on.
func (d *Dev) Halt() error { return d.chip.Halt() }

// Health implements device.Device.
func (d *Dev) Health() device.Health { return d.chip.Health() }

const (
	regControl = 0x0E
	regStatus  = 0x0F

	bitStopped  = 0x80 // OSF, of regStatus
	bitDisabled = 0x80 // EOSC, of regControl: the oscillator stops on the battery
)

// Now implements device.RealTimeClock.
func (d *Dev) Now() (time.Time, error) {
	t, err := d.now()
	if err != nil {
		return time.Time{}, &device.Error{Dev: d.String(), Op: "read the time", SideEffect: device.SideEffectNo, Err: err}
	}
	return t, nil
}

func (d *Dev) now() (time.Time, error) {
	// One transaction: the chip holds the time still from its start.
	r, err := d.chip.Tx(context.Background(), []byte{0}, 16)
	if err != nil {
		return time.Time{}, err
	}
	return decode(r)
}

// Set implements device.RealTimeClock, to the second. That the clock had stopped is
// taken back last: a Set that is cut short leaves a clock that says so.
func (d *Dev) Set(t time.Time) error {
	effect, err := d.set(t.UTC())
	if err != nil {
		return &device.Error{Dev: d.String(), Op: "set", SideEffect: effect, Err: err}
	}
	return nil
}

func (d *Dev) set(t time.Time) (device.SideEffect, error) {
	regs, err := encode(t)
	if err != nil {
		return device.SideEffectNo, err
	}
	ctx := context.Background()
	ctl, err := d.chip.Tx(ctx, []byte{regControl}, 2)
	if err != nil {
		return device.SideEffectNo, err
	}
	if _, err := d.chip.Tx(ctx, append([]byte{0}, regs[:]...), 0); err != nil {
		return device.SideEffectUnknown, err
	}
	if _, err := d.chip.Tx(ctx, []byte{regControl, ctl[0] &^ bitDisabled, ctl[1] &^ bitStopped}, 0); err != nil {
		return device.SideEffectUnknown, err
	}
	got, err := d.now()
	if err != nil {
		return device.SideEffectUnknown, err
	}
	if off := got.Sub(t.Truncate(time.Second)); off < 0 || off > 2*time.Second {
		return device.SideEffectUnknown, fmt.Errorf("it says %v after it was set to %v: %w", got, t, device.ErrProtocol)
	}
	return device.SideEffectYes, nil
}
