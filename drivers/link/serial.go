package link

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/tarm/serial"
	"golang.org/x/sys/unix"
)

// Serial is a port on a terminal device. Path is best a link that names the
// socket, /dev/serial/by-path/…: numbers change with every replug, and cheap
// adapters share one serial number. Baud 0 means 115200. Always 8N1.
type Serial struct {
	Path string
	Baud int
}

// String implements Port.
func (s Serial) String() string { return s.Path }

// defaultBaud is what PN532 boards and USB receipt printers come set to.
const defaultBaud = 115200

// Open implements Port. The line is locked against a second driver: with flock,
// which also holds against root and ends with the process, and with TIOCEXCL,
// which also holds against programs that know no flock.
func (s Serial) Open(ctx context.Context) (Line, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("link: open %s: %w", s.Path, err)
	}
	l, err := s.open()
	if err != nil {
		return nil, fmt.Errorf("link: open %s: %w", s.Path, gone(err))
	}
	return l, nil
}

func (s Serial) open() (_ *serialLine, err error) {
	// Both descriptors must be of one terminal, so the link is followed once.
	path, err := filepath.EvalSymlinks(s.Path)
	if err != nil {
		return nil, err
	}
	baud := s.Baud
	if baud == 0 {
		baud = defaultBaud
	}
	conf, err := serial.OpenPort(&serial.Config{Name: path, Baud: baud, ReadTimeout: time.Second})
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, errors.Join(err, conf.Close())
	}
	l := &serialLine{name: s.Path, f: f, conf: conf}
	if err := l.lock(); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	// What arrived before we came is an answer to nobody's question.
	if err := l.Flush(); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// serialLine does I/O on f; conf keeps the terminal configured and is never
// read from or written to.
type serialLine struct {
	name string
	f    *os.File
	conf *serial.Port
	excl bool
	once sync.Once
	err  error
}

// control runs op on the descriptor without taking it out of the poller.
func (l *serialLine) control(op func(fd int) error) error {
	c, err := l.f.SyscallConn()
	if err != nil {
		return err
	}
	var in error
	if err := c.Control(func(fd uintptr) { in = op(int(fd)) }); err != nil {
		return err
	}
	return in
}

func (l *serialLine) lock() error {
	return l.control(func(fd int) error {
		if err := unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB); err != nil {
			return fmt.Errorf("line is in use: %w", err)
		}
		// A pseudo-terminal stays alive at its far end and would keep the mark
		// of a driver that was killed.
		if pseudo(fd) {
			return nil
		}
		if err := unix.IoctlSetInt(fd, unix.TIOCEXCL, 0); err != nil {
			return fmt.Errorf("claim line: %w", err)
		}
		l.excl = true
		return nil
	})
}

// pseudo reports whether fd is the slave of a Unix 98 pseudo-terminal, whose
// major numbers are 136 to 143.
func pseudo(fd int) bool {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return false
	}
	m := unix.Major(st.Rdev)
	return m >= 136 && m <= 143
}

// Read implements Line.
func (l *serialLine) Read(p []byte) (int, error) {
	n, err := l.f.Read(p)
	if n > 0 {
		return n, nil
	}
	if len(p) == 0 && err == nil {
		return 0, nil
	}
	if err == nil {
		err = io.EOF
	}
	return 0, fmt.Errorf("link: read %s: %w", l.name, gone(err))
}

// Write implements Line.
func (l *serialLine) Write(p []byte) (int, error) {
	n, err := l.f.Write(p)
	if err != nil {
		return n, fmt.Errorf("link: write %s: %w", l.name, gone(err))
	}
	return n, nil
}

// SetReadDeadline implements Line.
func (l *serialLine) SetReadDeadline(t time.Time) error { return l.f.SetReadDeadline(t) }

// SetWriteDeadline implements Line.
func (l *serialLine) SetWriteDeadline(t time.Time) error { return l.f.SetWriteDeadline(t) }

// Flush implements Line.
func (l *serialLine) Flush() error {
	err := l.control(func(fd int) error { return unix.IoctlSetInt(fd, unix.TCFLSH, unix.TCIOFLUSH) })
	if err != nil {
		return fmt.Errorf("link: flush %s: %w", l.name, gone(err))
	}
	return nil
}

// String implements Line.
func (l *serialLine) String() string { return l.name }

// Close implements Line.
func (l *serialLine) Close() error {
	l.once.Do(func() {
		if l.excl {
			// Best effort: a terminal that was unplugged takes no orders.
			_ = l.control(func(fd int) error { return unix.IoctlSetInt(fd, unix.TIOCNXCL, 0) })
		}
		l.err = errors.Join(l.f.Close(), l.conf.Close())
	})
	return l.err
}

// gone gives err the meaning drivers branch on. A hung-up terminal reads as end
// of file and writes as EIO; an adapter that left gives ENODEV or ENXIO; a
// descriptor closed here is as gone as any.
func gone(err error) error {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("%w: %w", device.ErrTimeout, err)
	case errors.Is(err, io.EOF), errors.Is(err, unix.EIO), errors.Is(err, unix.ENODEV),
		errors.Is(err, unix.ENXIO), errors.Is(err, fs.ErrNotExist), errors.Is(err, os.ErrClosed):
		return fmt.Errorf("%w: %w", device.ErrUnplugged, err)
	}
	return err
}
