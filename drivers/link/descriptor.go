package link

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"golang.org/x/sys/unix"
)

// ErrInUse is a port that another driver or program has open. It is not
// unplugged: asking again later may help.
var ErrInUse = errors.New("port is in use by another program")

// descriptor is a device file opened without blocking, so that the runtime's
// poller does the waiting: what a terminal's line and a USB printer's share.
type descriptor struct {
	name string
	f    *os.File
	once sync.Once
	err  error
}

// openDescriptor opens path and locks it against a second driver: with flock,
// which also holds against root and ends with the process.
func openDescriptor(name, path string) (_ *descriptor, err error) {
	f, err := os.OpenFile(path, os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	d := &descriptor{name: name, f: f}
	err = d.control(func(fd int) error { return unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB) })
	if errors.Is(err, unix.EWOULDBLOCK) {
		err = ErrInUse
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock: %w", err), f.Close())
	}
	return d, nil
}

// control runs op on the descriptor without taking it out of the poller.
func (d *descriptor) control(op func(fd int) error) error {
	c, err := d.f.SyscallConn()
	if err != nil {
		return err
	}
	var in error
	if err := c.Control(func(fd uintptr) { in = op(int(fd)) }); err != nil {
		return err
	}
	return in
}

// Write implements Line.
func (d *descriptor) Write(p []byte) (int, error) {
	n, err := d.f.Write(p)
	if err != nil {
		return n, fmt.Errorf("link: write %s: %w", d.name, gone(err))
	}
	return n, nil
}

// SetReadDeadline implements Line.
func (d *descriptor) SetReadDeadline(t time.Time) error { return d.f.SetReadDeadline(t) }

// SetWriteDeadline implements Line.
func (d *descriptor) SetWriteDeadline(t time.Time) error { return d.f.SetWriteDeadline(t) }

// String implements Line.
func (d *descriptor) String() string { return d.name }

// gone gives err the meaning drivers branch on. A hung-up terminal reads as end
// of file and writes as EIO; an adapter that left gives ENODEV or ENXIO; a
// descriptor closed here is as gone as any.
func gone(err error) error {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("%w: %w", device.ErrTimeout, err)
	case errors.Is(err, unix.EBUSY): // claimed with TIOCEXCL, or a printer that is open
		return fmt.Errorf("%w: %w", ErrInUse, err)
	case errors.Is(err, io.EOF), errors.Is(err, unix.EIO), errors.Is(err, unix.ENODEV),
		errors.Is(err, unix.ENXIO), errors.Is(err, fs.ErrNotExist), errors.Is(err, os.ErrClosed):
		return fmt.Errorf("%w: %w", device.ErrUnplugged, err)
	}
	return err
}
