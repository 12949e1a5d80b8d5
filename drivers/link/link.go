// Package link gives drivers byte lines: a serial port, a USB printer, a network
// connection, or the near end of a pipe in a test. A line knows nothing of what
// is said on it.
//
// # Reference
//
// github.com/tarm/serial configures the terminal and does nothing else here.
// Its own Read cannot tell a timeout from an unplugged cable, its Close waits
// for a Read, and it has no write timeout; so I/O runs on a second,
// non-blocking descriptor of the same terminal.
package link

import (
	"context"
	"io"
	"time"
)

// Line is one open byte line.
//
// Contract:
//   - Read returns at least one byte, or an error. An error wraps
//     [device.ErrTimeout] (and os.ErrDeadlineExceeded) when the deadline passed,
//     and [device.ErrUnplugged] when the far end is gone for good: the line must
//     then be closed and opened anew. It never returns io.EOF bare.
//   - Write returns when the bytes are handed to the kernel. That says nothing
//     of the device.
//   - Close makes a Read and a Write under way return. It may be called twice. It
//     takes back what was written and not sent, as pulling the cable does: who
//     needs it delivered waits for the device's answer first.
//   - Read and Write may run at the same time; two Reads may not.
type Line interface {
	io.ReadWriteCloser
	// SetReadDeadline and SetWriteDeadline bound the calls under way and those
	// to come; the zero time takes the bound away.
	SetReadDeadline(t time.Time) error
	SetWriteDeadline(t time.Time) error
	// Flush throws away what was received and not read, and what was written
	// and not sent, as far as the kernel lets go of it.
	Flush() error
	// String names the line for people.
	String() string
}

// Port is where a line can be opened, as often as its device is plugged in.
type Port interface {
	// Open opens the line. When nothing is plugged in, the error wraps
	// [device.ErrUnplugged]; when somebody else has it, [ErrInUse].
	Open(ctx context.Context) (Line, error)
	// String names the port for people.
	String() string
}
