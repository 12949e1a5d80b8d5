// Package rtcdev reads and sets a battery clock that the kernel drives: /dev/rtc0,
// on a Raspberry Pi with the overlay i2c-rtc,ds3231.
//
// # Reference
//
// Linux Documentation/admin-guide/rtc.rst and include/uapi/linux/rtc.h: RTC_RD_TIME,
// RTC_SET_TIME, RTC_VL_READ. The kernel's drivers answer EINVAL where the chip says
// that its oscillator had stopped. The clock keeps UTC.
package rtcdev

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/penjire/penjire/drivers/device"
)

// kernel is an open clock device. The kernel's answer within the time that its own
// bus drivers allow themselves: nothing here waits for longer.
type kernel interface {
	read() (*unix.RTCTime, error)
	set(*unix.RTCTime) error
	// lost reports the kernel's word for a time that is not valid, where the chip's
	// driver has one.
	lost() bool
	Close() error
}

// Opts are a clock's settings. Zero values are the defaults.
type Opts struct {
	Timeout time.Duration // for one call; 0: 1 s
}

// Dev is a clock. It is opened for each call: whoever else needs it can have it.
type Dev struct {
	path string
	o    Opts
	open func(path string) (kernel, error)
	turn chan struct{} // one token: whose call is with the kernel
	down chan struct{}
	once sync.Once

	mu     sync.Mutex
	health device.Health
}

var _ device.RealTimeClock = (*Dev)(nil)

// New returns the clock at path. It does not ask it anything.
func New(path string, o Opts) (*Dev, error) { return newDev(path, o, openDevice) }

func newDev(path string, o Opts, open func(string) (kernel, error)) (*Dev, error) {
	if path == "" || o.Timeout < 0 {
		return nil, fmt.Errorf("rtcdev: got path %q, timeout %v, want a path and no negative time", path, o.Timeout)
	}
	if o.Timeout == 0 {
		o.Timeout = time.Second
	}
	return &Dev{path: path, o: o, open: open, turn: make(chan struct{}, 1), down: make(chan struct{}), health: device.Starting}, nil
}

// String implements conn.Resource.
func (d *Dev) String() string { return "clock at " + d.path }

// Halt implements conn.Resource. The clock runs on.
func (d *Dev) Halt() error {
	d.once.Do(func() { close(d.down) })
	d.say(device.Offline)
	return nil
}

// Health implements device.Device: what the last call showed.
func (d *Dev) Health() device.Health {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.health
}

func (d *Dev) say(h device.Health) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.health != device.Offline {
		d.health = h
	}
}

// Now implements device.RealTimeClock.
func (d *Dev) Now() (time.Time, error) {
	var at time.Time
	err := d.do(func(k kernel) (err error) {
		at, err = now(k)
		return err
	})
	if err != nil {
		return time.Time{}, &device.Error{Dev: d.String(), Op: "read the time", SideEffect: device.SideEffectNo, Err: err}
	}
	return at, nil
}

func now(k kernel) (time.Time, error) {
	if k.lost() {
		return time.Time{}, device.ErrClockStopped
	}
	r, err := k.read()
	if errors.Is(err, unix.EINVAL) {
		return time.Time{}, fmt.Errorf("%w: %w", device.ErrClockStopped, err)
	}
	if err != nil {
		return time.Time{}, err
	}
	return decode(r)
}

// decode returns the kernel's broken-down time.
func decode(r *unix.RTCTime) (time.Time, error) {
	t := time.Date(int(r.Year)+1900, time.Month(r.Mon+1), int(r.Mday), int(r.Hour), int(r.Min), int(r.Sec), 0, time.UTC)
	if back := encode(t); back.Year != r.Year || back.Mon != r.Mon || back.Mday != r.Mday || back.Hour != r.Hour || back.Min != r.Min || back.Sec != r.Sec {
		return time.Time{}, fmt.Errorf("kernel says %+v: %w", *r, device.ErrProtocol)
	}
	return t, nil
}

func encode(t time.Time) *unix.RTCTime {
	return &unix.RTCTime{
		Year: int32(t.Year() - 1900), Mon: int32(t.Month() - 1), Mday: int32(t.Day()),
		Hour: int32(t.Hour()), Min: int32(t.Minute()), Sec: int32(t.Second()), Wday: int32(t.Weekday()), Yday: int32(t.YearDay() - 1),
	}
}

// Set implements device.RealTimeClock, to the second.
func (d *Dev) Set(t time.Time) error {
	t = t.UTC()
	effect := device.SideEffectNo
	err := d.do(func(k kernel) error {
		if t.Year() < 2000 || t.Year() > 2199 {
			return fmt.Errorf("got year %d, want 2000 to 2199: %w", t.Year(), device.ErrUnsupported)
		}
		effect = device.SideEffectUnknown
		if err := k.set(encode(t)); err != nil {
			return err
		}
		got, err := now(k)
		if err != nil {
			return err
		}
		if off := got.Sub(t.Truncate(time.Second)); off < 0 || off > 2*time.Second {
			return fmt.Errorf("it says %v after it was set to %v: %w", got, t, device.ErrProtocol)
		}
		return nil
	})
	if err == nil {
		return nil
	}
	if errors.Is(err, device.ErrTimeout) {
		effect = device.SideEffectUnknown
	}
	return &device.Error{Dev: d.String(), Op: "set", SideEffect: effect, Err: err}
}

// do runs f on the opened clock, away from the caller, who waits for no longer than
// the timeout: a bus below the kernel's driver may hang.
func (d *Dev) do(f func(kernel) error) error {
	select {
	case <-d.down:
		return device.ErrHalted
	default:
	}
	late := time.NewTimer(d.o.Timeout)
	defer late.Stop()
	stuck := func() error {
		d.say(device.HardwareError)
		return fmt.Errorf("kernel's driver hangs: %w", device.ErrTimeout)
	}
	select {
	case d.turn <- struct{}{}:
	case <-late.C:
		return stuck()
	case <-d.down:
		return device.ErrHalted
	}
	done := make(chan error, 1)
	go func() {
		defer func() { <-d.turn }()
		k, err := d.open(d.path)
		if err == nil {
			err = errors.Join(f(k), k.Close())
		}
		done <- err
	}()
	select {
	case err := <-done:
		err = gone(err)
		switch {
		case err == nil, errors.Is(err, device.ErrClockStopped), errors.Is(err, device.ErrUnsupported):
			d.say(device.Online)
		case errors.Is(err, device.ErrUnplugged):
			d.say(device.NoDevice)
		default:
			d.say(device.HardwareError)
		}
		return err
	case <-late.C:
		return stuck()
	case <-d.down:
		return device.ErrHalted
	}
}

// gone gives the errors of a chip or device that is not there their meaning.
func gone(err error) error {
	for _, e := range []error{fs.ErrNotExist, unix.ENODEV, unix.ENXIO, unix.EIO, unix.EREMOTEIO} {
		if errors.Is(err, e) && !errors.Is(err, device.ErrClockStopped) {
			return fmt.Errorf("%w: %w", device.ErrUnplugged, err)
		}
	}
	return err
}

// file is the kernel's device.
type file struct{ *os.File }

func openDevice(path string) (kernel, error) {
	f, err := os.OpenFile(path, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	return file{f}, nil
}

func (f file) read() (*unix.RTCTime, error) { return unix.IoctlGetRTCTime(int(f.Fd())) }

func (f file) set(t *unix.RTCTime) error { return unix.IoctlSetRTCTime(int(f.Fd()), t) }

// vlInvalid is RTC_VL_DATA_INVALID.
const vlInvalid = 1

func (f file) lost() bool {
	v, err := unix.IoctlGetUint32(int(f.Fd()), unix.RTC_VL_READ)
	return err == nil && v&vlInvalid != 0 // most chips' drivers have no answer
}
