// Package gpioline opens single digital lines by name, on the kernel's GPIO chips, on
// pins that periph.io knows, or on any other [Source] such as an I/O board.
//
// # Reference
//
// linux/gpio.h and the kernel's documentation, "GPIO Character Device Userspace API
// (v2)".
//
// # What it puts right
//
// periph.io/x/host/v3 v3.8.5 has gpioioctl for these chips, and it is not used here.
// It looks for chips once, so that one which was unplugged never comes back; it opens
// every output low, so that a lock whose output is to be high opens for a moment; and
// its Read of an output asks the kernel for the line again, as an input with pull-up.
// An [Output] here has no Read at all. GPIOLine.Read says Low where it failed, which
// for a loop that is closed when all is well would be good news; Read here returns the
// error. Edges may be lost everywhere: an [Input]'s Wait is bounded, and who waits reads
// afterwards.
package gpioline

import (
	"context"
	"time"

	"periph.io/x/conn/v3/gpio"
)

// Source is where lines are, by name. Its methods may be called from several
// goroutines.
type Source interface {
	// Input opens a line to be read. A line that is not there now gives an error
	// that wraps [device.ErrUnplugged].
	Input(ctx context.Context, name string, pull gpio.Pull) (Input, error)
	// Output opens a line to be set, and sets it to first.
	Output(ctx context.Context, name string, first gpio.Level) (Output, error)
	// String names the source for people.
	String() string
}

// Input is an open line that is read. One goroutine uses it.
type Input interface {
	// Read returns the level now, or why it is not known.
	Read() (gpio.Level, error)
	// Wait returns when there may have been an edge, and says so, or after limit.
	// An edge may be missed. With an error it may have returned at once. It need
	// not return before limit when ctx ends.
	Wait(ctx context.Context, limit time.Duration) (edge bool, err error)
	// Close gives the line back.
	Close() error
}

// Told is an input whose Wait ends at every change, also where an edge was missed,
// and when the line is lost: nobody need look in between.
type Told interface {
	Input
	Told()
}

// Output is an open line that is set. It cannot be read: what was set last is
// for its owner to remember. Its methods may be called from several goroutines.
type Output interface {
	Set(l gpio.Level) error
	// Close gives the line back; its level is then nobody's.
	Close() error
}
