package lamp

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path/filepath"
	"strconv"

	"periph.io/x/conn/v3/gpio"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/gpioline"
	"github.com/penjire/penjire/drivers/sysattr"
)

// LEDs is the folder of LEDs that the kernel knows, /sys/class/leds, as a source:
// a line is a LED's folder in it.
//
// Reference: Documentation/leds/leds-class.rst. Whatever triggers a LED is taken
// off it when it is opened.
type LEDs string

// String implements gpioline.Source.
func (l LEDs) String() string { return string(l) }

// Input implements gpioline.Source: a LED is no input.
func (l LEDs) Input(_ context.Context, name string, _ gpio.Pull) (gpioline.Input, error) {
	return nil, fmt.Errorf("lamp: read LED %s: %w", name, device.ErrUnsupported)
}

// Output implements gpioline.Source.
func (l LEDs) Output(_ context.Context, name string, first gpio.Level) (gpioline.Output, error) {
	if name != filepath.Base(name) {
		return nil, fmt.Errorf("lamp: open LED %q: want the name of a folder in %s", name, l)
	}
	led := led{dir: filepath.Join(string(l), name)}
	n, err := sysattr.Int(filepath.Join(led.dir, "max_brightness"), 1, math.MaxInt32)
	if err != nil {
		return nil, fmt.Errorf("lamp: open LED: %w", err)
	}
	led.bright = strconv.Itoa(n)
	if err := sysattr.Write(filepath.Join(led.dir, "trigger"), "none"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("lamp: open LED: %w", err)
	}
	return led, led.Set(first)
}

type led struct{ dir, bright string }

// Set implements gpioline.Output.
func (l led) Set(on gpio.Level) error {
	v := "0"
	if on {
		v = l.bright
	}
	if err := sysattr.Write(filepath.Join(l.dir, "brightness"), v); err != nil {
		return fmt.Errorf("lamp: set LED: %w", err)
	}
	return nil
}

// Close implements gpioline.Output.
func (l led) Close() error { return nil }
