package link

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/tarm/serial"
	"golang.org/x/sys/unix"
)

// Serial is a port on a terminal device. Path is best a link that names the
// socket, /dev/serial/by-path/…: numbers change with every replug, and cheap
// adapters share one serial number. The zero values mean 115200 8N1.
type Serial struct {
	Path   string
	Baud   int
	Data   int // bits in a character, 5 to 8; 0: 8
	Parity Parity
	Stop   int  // bits, 1 or 2; 0: 1
	RTSCTS bool // the device stops us, and we it, by the lines RTS and CTS
}

// Parity is the check bit of a character.
type Parity string

// The parities.
const (
	ParityNone Parity = "" // none
	ParityEven Parity = "even"
	ParityOdd  Parity = "odd"
)

// Check says whether Open could ever set the line so.
func (s Serial) Check() error {
	_, err := s.config(s.Path)
	return err
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
	conf, err := s.config(path)
	if err != nil {
		return nil, err
	}
	// Locked before anything is changed: settings belong to who has the line.
	d, err := openDescriptor(s.Path, path)
	if err != nil {
		return nil, err
	}
	l := &serialLine{descriptor: d}
	if l.conf, err = serial.OpenPort(conf); err != nil {
		return nil, errors.Join(err, d.f.Close())
	}
	if err := l.claim(s.RTSCTS, cflag(conf)); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	// What arrived before we came is an answer to nobody's question.
	if err := l.Flush(); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// config is what tarm/serial sets the terminal at path to.
func (s Serial) config(path string) (*serial.Config, error) {
	c := &serial.Config{
		Name: path, Baud: s.Baud, ReadTimeout: time.Second,
		Size: byte(s.Data), StopBits: serial.StopBits(s.Stop), Parity: serial.ParityNone,
	}
	if s.Baud == 0 {
		c.Baud = defaultBaud
	}
	if s.Data != 0 && (s.Data < 5 || s.Data > 8) || s.Stop < 0 || s.Stop > 2 {
		return nil, fmt.Errorf("got %d data bits and %d stop bits, want 5 to 8 and 1 or 2, or 0 for 8 and 1", s.Data, s.Stop)
	}
	switch s.Parity {
	case ParityNone:
	case ParityEven:
		c.Parity = serial.ParityEven
	case ParityOdd:
		c.Parity = serial.ParityOdd
	default:
		return nil, fmt.Errorf("got parity %q, want even, odd or none", s.Parity)
	}
	return c, nil
}

// cflag is the shape of a character as termios has it.
func cflag(c *serial.Config) uint32 {
	size := map[byte]uint32{0: unix.CS8, 5: unix.CS5, 6: unix.CS6, 7: unix.CS7, 8: unix.CS8}[c.Size]
	if c.StopBits == serial.Stop2 {
		size |= unix.CSTOPB
	}
	switch c.Parity {
	case serial.ParityEven:
		size |= unix.PARENB
	case serial.ParityOdd:
		size |= unix.PARENB | unix.PARODD
	}
	return size
}

// shape are the flags of termios that say what a character looks like.
const shape = unix.CSIZE | unix.CSTOPB | unix.PARENB | unix.PARODD

// serialLine does I/O on its descriptor; conf keeps the terminal configured and
// is never read from or written to.
type serialLine struct {
	*descriptor
	conf *serial.Port
	excl bool
}

// claim takes the line for us, and sets what tarm/serial cannot. Terminals leave
// out silently what they cannot do, so it looks at what came of it.
func (l *serialLine) claim(rtscts bool, want uint32) error {
	return l.control(func(fd int) error {
		t, err := unix.IoctlGetTermios(fd, unix.TCGETS)
		if err != nil {
			return fmt.Errorf("read settings: %w", err)
		}
		if rtscts {
			t.Cflag |= unix.CRTSCTS
			if err := unix.IoctlSetTermios(fd, unix.TCSETS, t); err != nil {
				return fmt.Errorf("set flow control: %w", err)
			}
			if t, err = unix.IoctlGetTermios(fd, unix.TCGETS); err != nil {
				return fmt.Errorf("read settings: %w", err)
			}
			if t.Cflag&unix.CRTSCTS == 0 {
				return fmt.Errorf("flow control by RTS and CTS: %w", device.ErrUnsupported)
			}
		}
		// A pseudo-terminal has eight bits and no parity whatever it is told. It
		// stays alive at its far end, too, and would keep the mark of a driver
		// that was killed.
		if pseudo(fd) {
			return nil
		}
		if t.Cflag&shape != want {
			return fmt.Errorf("data bits, parity and stop bits: %w", device.ErrUnsupported)
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

// Flush implements Line.
func (l *serialLine) Flush() error {
	err := l.control(func(fd int) error { return unix.IoctlSetInt(fd, unix.TCFLSH, unix.TCIOFLUSH) })
	if err != nil {
		return fmt.Errorf("link: flush %s: %w", l.name, gone(err))
	}
	return nil
}

// Close implements Line.
func (l *serialLine) Close() error {
	l.once.Do(func() {
		// The kernel would wait half a minute for a device that stops us. Best
		// effort, both: a terminal that was unplugged takes no orders.
		_ = l.control(func(fd int) error { return unix.IoctlSetInt(fd, unix.TCFLSH, unix.TCOFLUSH) })
		if l.excl {
			_ = l.control(func(fd int) error { return unix.IoctlSetInt(fd, unix.TIOCNXCL, 0) })
		}
		l.err = errors.Join(l.f.Close(), l.conf.Close())
	})
	return l.err
}
