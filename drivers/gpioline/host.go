package gpioline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"periph.io/x/conn/v3/driver/driverreg"
	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/gpio/gpioreg"
	"periph.io/x/host/v3/gpioioctl"

	"github.com/penjire/penjire/drivers/device"
)

// Host is the lines of this machine, as periph.io finds them: those of the
// kernel's GPIO chips by the name the kernel gives them ("GPIO17"), whatever
// the number of their chip, then those that others registered with periph.
// Chips are looked for once, when the first line is opened.
type Host struct{}

// String implements Source.
func (Host) String() string { return "GPIO" }

// Input implements Source.
func (Host) Input(_ context.Context, name string, pull gpio.Pull) (Input, error) {
	if err := look(); err != nil {
		return nil, err
	}
	for _, c := range gpioioctl.Chips {
		if c.ByName(name) == nil {
			continue
		}
		l, err := c.LineSet(gpioioctl.LineInput, gpio.BothEdges, pull, name)
		if err != nil {
			return nil, fmt.Errorf("gpioline: open %s for reading: %w", name, err)
		}
		return &input{name, l}, nil
	}
	if p := gpioreg.ByName(name); p != nil {
		return PinIn(p, pull)
	}
	return nil, missing(name)
}

// Output implements Source. The kernel sets a line low when it is opened; first
// follows at once.
func (Host) Output(_ context.Context, name string, first gpio.Level) (Output, error) {
	if err := look(); err != nil {
		return nil, err
	}
	for _, c := range gpioioctl.Chips {
		if c.ByName(name) == nil {
			continue
		}
		l, err := c.LineSet(gpioioctl.LineOutput, gpio.NoEdge, gpio.PullNoChange, name)
		if err != nil {
			return nil, fmt.Errorf("gpioline: open %s for setting: %w", name, err)
		}
		out := &output{name, l}
		if err := out.Set(first); err != nil {
			return nil, errors.Join(err, out.Close())
		}
		return out, nil
	}
	if p := gpioreg.ByName(name); p != nil {
		return PinOut(p, first)
	}
	return nil, missing(name)
}

// look has periph look for chips, once. Drivers that fail are others' concern:
// what matters is whether the line is there.
func look() error {
	if _, err := driverreg.Init(); err != nil {
		return fmt.Errorf("gpioline: look for lines: %w", err)
	}
	return nil
}

func missing(name string) error {
	return fmt.Errorf("gpioline: open %s: no chip has this line: %w", name, device.ErrUnplugged)
}

// input is one line of the kernel's, alone in a set: sets return errors where
// single lines print them.
type input struct {
	name string
	set  *gpioioctl.LineSet
}

// Read implements Input.
func (i *input) Read() (gpio.Level, error) {
	bits, err := i.set.Read(1)
	if err != nil {
		return gpio.Low, fmt.Errorf("gpioline: read %s: %w", i.name, err)
	}
	return bits&1 == 1, nil
}

// Wait implements Input.
func (i *input) Wait(_ context.Context, limit time.Duration) (bool, error) {
	if limit <= 0 {
		return false, nil // 0 would wait for ever
	}
	switch _, _, err := i.set.WaitForEdge(limit); {
	case err == nil:
		return true, nil
	case errors.Is(err, os.ErrDeadlineExceeded):
		return false, nil
	default:
		return false, fmt.Errorf("gpioline: wait for %s: %w", i.name, err)
	}
}

// Close implements Input.
func (i *input) Close() error { return shut(i.name, i.set) }

type output struct {
	name string
	set  *gpioioctl.LineSet
}

// Set implements Output.
func (o *output) Set(l gpio.Level) error {
	var bit gpio.GPIOValue
	if l {
		bit = 1
	}
	if err := o.set.Out(bit, 1); err != nil {
		return fmt.Errorf("gpioline: set %s: %w", o.name, err)
	}
	return nil
}

// Close implements Output.
func (o *output) Close() error { return shut(o.name, o.set) }

func shut(name string, c io.Closer) error {
	if err := c.Close(); err != nil {
		return fmt.Errorf("gpioline: close %s: %w", name, err)
	}
	return nil
}
