// Package backlight drives the light of a screen that the kernel knows.
//
// # Reference
//
// Linux Documentation/ABI/stable/sysfs-class-backlight: brightness, max_brightness,
// and bl_power, which is 0 for on and 4 for off.
package backlight

import (
	"fmt"
	"math"
	"path/filepath"
	"strconv"
	"sync"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/sysattr"
)

// Opts say which backlight. Zero values are the defaults.
type Opts struct {
	Name string // of its folder; "": the first
}

// Dev is a backlight.
type Dev struct {
	class string
	o     Opts

	mu     sync.Mutex
	health device.Health
}

var _ device.Backlight = (*Dev)(nil)

// New returns the backlight below class, a folder such as /sys/class/backlight.
func New(class string, o Opts) (*Dev, error) {
	if class == "" || o.Name != "" && o.Name != filepath.Base(o.Name) {
		return nil, fmt.Errorf("backlight: got folder %q and name %q, want a folder and the name of one in it", class, o.Name)
	}
	return &Dev{class: class, o: o, health: device.Starting}, nil
}

// String implements conn.Resource.
func (d *Dev) String() string { return "backlight " + filepath.Join(d.class, d.o.Name) }

// Halt implements conn.Resource. The light stays as it is: a screen that goes dark
// with its program would hide what went wrong.
func (d *Dev) Halt() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.health = device.Offline
	return nil
}

// Health implements device.Device: what the last call showed.
func (d *Dev) Health() device.Health {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.health
}

// Brightness implements device.Backlight.
func (d *Dev) Brightness(percent int) error {
	return d.do("set the brightness", func(dir string) error {
		if percent < 0 || percent > 100 {
			return fmt.Errorf("got %d percent, want 0 to 100: %w", percent, device.ErrUnsupported)
		}
		most, err := sysattr.Int(filepath.Join(dir, "max_brightness"), 1, math.MaxInt32)
		if err != nil {
			return err
		}
		return sysattr.Write(filepath.Join(dir, "brightness"), strconv.FormatInt((int64(most)*int64(percent)+50)/100, 10))
	})
}

// Blank implements device.Backlight.
func (d *Dev) Blank(off bool) error {
	return d.do("blank", func(dir string) error {
		v := "0"
		if off {
			v = "4"
		}
		return sysattr.Write(filepath.Join(dir, "bl_power"), v)
	})
}

// do finds the backlight and runs f on its folder.
func (d *Dev) do(op string, f func(dir string) error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.health == device.Offline {
		return &device.Error{Dev: d.String(), Op: op, SideEffect: device.SideEffectNo, Err: device.ErrHalted}
	}
	dir := filepath.Join(d.class, d.o.Name)
	var err error
	if d.o.Name == "" {
		dir, err = sysattr.Find(d.class, "max_brightness", "")
	}
	if err == nil {
		err = f(dir)
	}
	d.health = sysattr.HealthOf(err)
	if err != nil {
		return &device.Error{Dev: d.String(), Op: op, SideEffect: device.SideEffectNo, Err: err}
	}
	return nil
}
