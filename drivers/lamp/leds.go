package lamp

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
	"periph.io/x/conn/v3/gpio"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/gpioline"
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
	b, err := os.ReadFile(filepath.Join(led.dir, "max_brightness"))
	if err != nil {
		return nil, fmt.Errorf("lamp: open LED: %w", gone(err))
	}
	led.bright = strings.TrimSpace(string(b))
	if n, err := strconv.Atoi(led.bright); err != nil || n < 1 {
		return nil, fmt.Errorf("lamp: open LED %s: got max_brightness %q, want a number of 1 or more", led.dir, led.bright)
	}
	if err := write(filepath.Join(led.dir, "trigger"), "none"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("lamp: open LED: %w", gone(err))
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
	if err := write(filepath.Join(l.dir, "brightness"), v); err != nil {
		return fmt.Errorf("lamp: set LED: %w", gone(err))
	}
	return nil
}

// Close implements gpioline.Output.
func (l led) Close() error { return nil }

// write writes an attribute, which must be there.
func write(path, v string) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(v)
	return errors.Join(err, f.Close())
}

// gone gives the errors of a device that left their meaning.
func gone(err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENODEV) {
		return fmt.Errorf("%w: %w", device.ErrUnplugged, err)
	}
	return err
}
