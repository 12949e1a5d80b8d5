package evdev

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Device is an open device that touches come from.
type Device struct {
	f *os.File
	t *Tracker
}

// ErrNoTouch is returned for a device that has no places: a keyboard, a lid.
var ErrNoTouch = errors.New("no touch screen")

// Find returns the devices in folder, as /dev/input, that touches come from. One that
// cannot be opened is left out.
func Find(folder string) []*Device {
	names, _ := filepath.Glob(filepath.Join(folder, "event*")) // the pattern is in order
	var out []*Device
	for _, n := range names {
		if d, err := Open(n); err == nil {
			out = append(out, d)
		}
	}
	return out
}

// Open opens the device at path.
func Open(path string) (*Device, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("evdev: open: %w", err)
	}
	t, err := axes(f)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("evdev: %s: %w", path, err), f.Close())
	}
	return &Device{f, t}, nil
}

// axes asks for the ranges of the axes: those of the finger, else those of the
// pointer.
func axes(f *os.File) (*Tracker, error) {
	var r [2]Range
	for _, codes := range [][2]uint{{AbsMTX, AbsMTY}, {AbsX, AbsY}} {
		ok := true
		for i, c := range codes {
			var info [6]int32 // struct input_absinfo: value, minimum, maximum, …
			_, _, e := unix.Syscall(unix.SYS_IOCTL, f.Fd(), absInfo(c), uintptr(unsafe.Pointer(&info)))
			ok = ok && e == 0 && info[2] > info[1]
			r[i] = Range{info[1], info[2]}
		}
		if ok {
			return NewTracker(r[0], r[1]), nil
		}
	}
	return nil, ErrNoTouch
}

// absInfo is EVIOCGABS: read 24 bytes, 'E', 0x40 + axis.
func absInfo(axis uint) uintptr { return uintptr(2<<30 | 24<<16 | 'E'<<8 | 0x40 + axis) }

// Touches calls f for every touch until ctx ends or the device is gone, and closes
// the device.
func (d *Device) Touches(ctx context.Context, f func(Touch)) error {
	stop := context.AfterFunc(ctx, func() { _ = d.f.Close() }) // wakes the read
	defer func() {
		if stop() {
			_ = d.f.Close() // it was only read
		}
	}()
	b := make([]byte, 64*EventSize)
	for {
		n, err := d.f.Read(b)
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("evdev: read: %w", err)
		}
		events, err := Parse(b[:n])
		if err != nil {
			return err
		}
		for _, e := range events {
			if t, ok := d.t.Take(e); ok {
				f(t)
			}
		}
	}
}
