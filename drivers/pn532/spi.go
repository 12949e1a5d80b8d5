package pn532

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/bits"
	"os"
	"sync"
	"time"

	"periph.io/x/conn/v3/physic"
	"periph.io/x/conn/v3/spi"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/link"
)

// First bytes of a transaction on the bus (user manual, 6.2.5).
const (
	spiWrite  = 0x01
	spiStatus = 0x02
	spiRead   = 0x03
)

// maxFrame is the longest frame with everything around it.
const maxFrame = 3 + 5 + 1 + MaxData + 2

const (
	spiSpeed = physic.MegaHertz     // the chip takes 5 MHz; wires in a kiosk are long
	spiWake  = 2 * time.Millisecond // the chip wakes when it is selected
	spiPoll  = time.Millisecond     // between looks at the status
)

// SPI is a port on an SPI bus. The chip counts bits from the other end than
// everybody else, which no SPI controller of a Raspberry Pi can: bytes are turned
// round here.
type SPI struct {
	Name  string                         // for people: /dev/spidev0.0
	Bus   func() (spi.PortCloser, error) // opens the bus with the chip selected
	Speed physic.Frequency               // 0: 1 MHz
}

var _ link.Port = SPI{}

// String implements link.Port.
func (s SPI) String() string { return s.Name }

// Open implements link.Port. A bus has no plug: where nothing pulls the line down
// all bits read as ones, which no chip says, and that is unplugged.
func (s SPI) Open(ctx context.Context) (link.Line, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("pn532: open %s: %w", s.Name, err)
	}
	port, err := s.Bus()
	if errors.Is(err, os.ErrNotExist) {
		err = fmt.Errorf("%w: %w", device.ErrUnplugged, err)
	}
	if err != nil {
		return nil, fmt.Errorf("pn532: open %s: %w", s.Name, err)
	}
	speed := s.Speed
	if speed == 0 {
		speed = spiSpeed
	}
	c, err := port.Connect(speed, spi.Mode0, 8)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("pn532: open %s: %w", s.Name, err), port.Close())
	}
	l := &spiLine{name: s.Name, port: port, conn: c, down: make(chan struct{})}
	_, err = l.ready() // it selects the chip, and wakes it
	l.pause(spiWake)
	if err == nil {
		_, err = l.ready()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("pn532: open %s: %w", s.Name, err), l.Close())
	}
	return l, nil
}

// spiLine makes a byte line of the bus: what is written is one transaction, and
// one frame is read when the status says that there is one.
type spiLine struct {
	name string
	port spi.PortCloser
	conn spi.Conn
	bus  sync.Mutex // one transaction at a time
	once sync.Once
	down chan struct{}
	err  error
	rest []byte // of the frame that was read; the reader's own

	mu   sync.Mutex
	late time.Time // read deadline
}

// turn turns the bits of every byte round.
func turn(b []byte) {
	for i := range b {
		b[i] = bits.Reverse8(b[i])
	}
}

// tx is one transaction: the command, and n bytes after it.
func (l *spiLine) tx(cmd byte, w []byte, n int) ([]byte, error) {
	out := make([]byte, 1+max(len(w), n))
	out[0] = cmd
	copy(out[1:], w)
	defer clear(out) // it may carry a PIN
	turn(out)
	in := make([]byte, len(out))
	l.bus.Lock()
	defer l.bus.Unlock()
	select {
	case <-l.down:
		return nil, device.ErrUnplugged
	default:
	}
	if err := l.conn.Tx(out, in); err != nil {
		return nil, fmt.Errorf("%w: %w", device.ErrUnplugged, err)
	}
	turn(in)
	return in[1:], nil
}

// ready reports whether the chip has a frame.
func (l *spiLine) ready() (bool, error) {
	b, err := l.tx(spiStatus, nil, 1)
	switch {
	case err != nil:
		return false, err
	case b[0] == 0xFF:
		return false, fmt.Errorf("nobody answers: %w", device.ErrUnplugged)
	}
	return b[0]&1 != 0, nil
}

// pause waits for t. It reports whether the line is still open.
func (l *spiLine) pause(t time.Duration) bool {
	timer := time.NewTimer(t)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-l.down:
		return false
	}
}

// Read implements link.Line.
func (l *spiLine) Read(p []byte) (int, error) {
	fail := func(err error) (int, error) { return 0, fmt.Errorf("pn532: read %s: %w", l.name, err) }
	for len(l.rest) == 0 {
		l.mu.Lock()
		late := l.late
		l.mu.Unlock()
		yes, err := l.ready()
		switch {
		case err != nil:
			return fail(err)
		case yes:
			b, err := l.tx(spiRead, nil, maxFrame)
			if err != nil {
				return fail(err)
			}
			l.rest = oneFrame(b)
		case !late.IsZero() && !time.Now().Before(late):
			return fail(fmt.Errorf("%w: %w", device.ErrTimeout, os.ErrDeadlineExceeded))
		case !l.pause(spiPoll):
			return fail(device.ErrUnplugged)
		}
	}
	n := copy(p, l.rest)
	l.rest = l.rest[n:]
	return n, nil
}

// oneFrame cuts off what was clocked out after the frame at the beginning of b:
// it means nothing, and may look like the start of another.
func oneFrame(b []byte) []byte {
	i := bytes.Index(b, []byte{0x00, 0xFF})
	if i < 0 || i+9 > len(b) {
		return b
	}
	h := b[i+2:]
	n := 2 + 2 // ACK or NACK
	switch {
	case h[0] == 0x00 && h[1] == 0xFF, h[0] == 0xFF && h[1] == 0x00:
	case h[0] == 0xFF && h[1] == 0xFF:
		n = 2 + 5 + int(h[2])<<8 + int(h[3]) + 1
	default:
		n = 2 + 2 + int(h[0]) + 1
	}
	return b[:min(len(b), i+n+1)] // and the postamble
}

// Write implements link.Line. What wakes the chip on a serial line is left out.
func (l *spiLine) Write(b []byte) (int, error) {
	w := b
	if i := bytes.Index(b, []byte{0x00, 0x00, 0xFF}); i > 0 {
		w = b[i:]
	}
	if _, err := l.tx(spiWrite, w, 0); err != nil {
		return 0, fmt.Errorf("pn532: write %s: %w", l.name, err)
	}
	return len(b), nil
}

// SetReadDeadline implements link.Line.
func (l *spiLine) SetReadDeadline(t time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.late = t
	return nil
}

// SetWriteDeadline implements link.Line. A transaction takes as long as its bits.
func (l *spiLine) SetWriteDeadline(time.Time) error { return nil }

// Flush implements link.Line: frames that nobody asked for are read.
func (l *spiLine) Flush() error {
	l.rest = nil
	for range 4 {
		yes, err := l.ready()
		if err == nil && yes {
			_, err = l.tx(spiRead, nil, maxFrame)
		}
		if err != nil {
			return fmt.Errorf("pn532: flush %s: %w", l.name, err)
		}
		if !yes {
			break
		}
	}
	return nil
}

// String implements link.Line.
func (l *spiLine) String() string { return l.name }

// Close implements link.Line.
func (l *spiLine) Close() error {
	l.once.Do(func() {
		close(l.down)
		l.bus.Lock()
		defer l.bus.Unlock()
		l.err = l.port.Close()
	})
	return l.err
}
