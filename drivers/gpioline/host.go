package gpioline

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/gpio/gpioreg"

	"github.com/penjire/penjire/drivers/device"
)

// Host is the lines of this machine: those of the kernel's GPIO chips by the name the
// kernel gives them ("GPIO17"), whatever the number of their chip, then those that
// others registered with periph. Chips are looked for each time a line is opened: one
// on USB may come and go.
type Host struct{}

// String implements Source.
func (Host) String() string { return "GPIO" }

// Input implements Source.
func (Host) Input(_ context.Context, name string, pull gpio.Pull) (Input, error) {
	flags := uint64(flagInput | flagRising | flagFalling)
	switch pull {
	case gpio.PullUp:
		flags |= flagPullUp
	case gpio.PullDown:
		flags |= flagPullDown
	}
	f, err := request(name, flags, gpio.Low)
	if err != nil {
		return nil, fmt.Errorf("gpioline: open %s for reading: %w", name, err)
	}
	if f != nil {
		return &input{line{name, f}}, nil
	}
	if p := gpioreg.ByName(name); p != nil {
		return PinIn(p, pull)
	}
	return nil, missing(name)
}

// Output implements Source. The line has the level first from its first moment.
func (Host) Output(_ context.Context, name string, first gpio.Level) (Output, error) {
	f, err := request(name, flagOutput, first)
	if err != nil {
		return nil, fmt.Errorf("gpioline: open %s for setting: %w", name, err)
	}
	if f != nil {
		return &output{line{name, f}}, nil
	}
	if p := gpioreg.ByName(name); p != nil {
		return PinOut(p, first)
	}
	return nil, missing(name)
}

func missing(name string) error {
	return fmt.Errorf("gpioline: open %s: no chip has this line: %w", name, device.ErrUnplugged)
}

// line is one line of the kernel's. It outlives its chip, and then says so.
type line struct {
	name string
	file *os.File
}

// values carries a request for the line's level out.
func (l *line) values(request uint32, bits uint64) (uint64, error) {
	b := make([]byte, valuesBytes)
	binary.NativeEndian.PutUint64(b[valuesBits:], bits)
	binary.NativeEndian.PutUint64(b[valuesMask:], 1)
	c, err := l.file.SyscallConn()
	if err != nil {
		return 0, err
	}
	var ierr error
	err = c.Control(func(fd uintptr) { ierr = ioctl(fd, request, b) })
	return binary.NativeEndian.Uint64(b[valuesBits:]), errors.Join(err, ierr)
}

// Close implements Input and Output.
func (l *line) Close() error {
	if err := l.file.Close(); err != nil {
		return fmt.Errorf("gpioline: close %s: %w", l.name, err)
	}
	return nil
}

type input struct{ line }

// Read implements Input.
func (i *input) Read() (gpio.Level, error) {
	bits, err := i.values(lineRead, 0)
	if err != nil {
		return gpio.Low, fmt.Errorf("gpioline: read %s: %w", i.name, err)
	}
	return bits&1 == 1, nil
}

// Wait implements Input. It takes all edges that there are: who waits reads afterwards.
func (i *input) Wait(_ context.Context, limit time.Duration) (bool, error) {
	if limit <= 0 {
		return false, nil
	}
	err := i.file.SetReadDeadline(time.Now().Add(limit))
	if err == nil {
		_, err = i.file.Read(make([]byte, 16*eventSize))
	}
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, os.ErrDeadlineExceeded):
		return false, nil
	case errors.Is(err, unix.ENODEV):
		err = errors.Join(err, device.ErrUnplugged)
	}
	return false, fmt.Errorf("gpioline: wait for %s: %w", i.name, err)
}

type output struct{ line }

// Set implements Output.
func (o *output) Set(l gpio.Level) error {
	if _, err := o.values(lineSet, bit(l)); err != nil {
		return fmt.Errorf("gpioline: set %s: %w", o.name, err)
	}
	return nil
}
