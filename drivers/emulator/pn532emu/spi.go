package pn532emu

import (
	"errors"
	"fmt"
	"io"
	"math/bits"
	"sync"

	"periph.io/x/conn/v3"
	"periph.io/x/conn/v3/physic"
	"periph.io/x/conn/v3/spi"

	"github.com/penjire/penjire/drivers/link"
)

// Server is a chip, or one with faults on its wires.
type Server interface{ Serve(line io.ReadWriter) }

// Bus is an SPI bus with the chip on it, as the chip sees it: transactions that
// begin with what is asked, bits the other way round, and a frame that is gone
// once it was read.
type Bus struct {
	s Server

	mu   sync.Mutex
	w    *wire // nil: the chip is off the bus
	all  sync.WaitGroup
	idle byte // what is clocked out after a frame
}

// OnBus puts s on a bus. After a frame the chip clocks out idle.
func OnBus(s Server, idle byte) *Bus {
	b := &Bus{s: s, idle: idle}
	b.Replug()
	return b
}

// Unplug takes the chip off the bus: all bits read as ones.
func (b *Bus) Unplug() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.w != nil {
		b.w.end()
		b.w = nil
	}
}

// Replug puts the chip on the bus again, which powers it on.
func (b *Bus) Replug() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.w != nil {
		return
	}
	// The chip wakes when it is selected: the wire begins with what wakes it on a
	// serial line.
	w := &wire{in: []byte{0x55}}
	b.w = w
	b.all.Go(func() { b.s.Serve(w) })
}

// End takes the chip off the bus and waits until it is quiet.
func (b *Bus) End() { b.Unplug(); b.all.Wait() }

// Open is what opens a bus.
func (b *Bus) Open() (spi.PortCloser, error) { return &master{b}, nil }

// wire is what the chip reads and writes: frames that wait to be read.
type wire struct {
	mu    sync.Mutex
	in    []byte
	out   [][]byte
	ended bool
	watch link.Watch
}

func (w *wire) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended = true
	w.watch.Wake()
}

// Read implements io.Reader: what the host wrote.
func (w *wire) Read(p []byte) (int, error) {
	for {
		news := w.watch.Next()
		w.mu.Lock()
		n := copy(p, w.in)
		w.in = w.in[n:]
		ended := w.ended
		w.mu.Unlock()
		switch {
		case ended:
			return 0, io.EOF
		case n > 0:
			return n, nil
		}
		<-news
	}
}

// Write implements io.Writer: each write is a frame.
func (w *wire) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended {
		return 0, io.ErrClosedPipe
	}
	w.out = append(w.out, append([]byte(nil), p...))
	return len(p), nil
}

// master is the bus as a host has it open.
type master struct{ b *Bus }

// String implements conn.Resource.
func (m *master) String() string { return "emulated bus" }

// Close implements spi.PortCloser.
func (m *master) Close() error { return nil }

// LimitSpeed implements spi.PortCloser.
func (m *master) LimitSpeed(physic.Frequency) error { return nil }

// Connect implements spi.Port: mode 0, at most 5 MHz.
func (m *master) Connect(f physic.Frequency, mode spi.Mode, n int) (spi.Conn, error) {
	if f > 5*physic.MegaHertz || mode != spi.Mode0 || n != 8 {
		return nil, fmt.Errorf("pn532emu: connect with %v, %v and %d bits, want at most 5 MHz, mode 0 and 8", f, mode, n)
	}
	return m, nil
}

// Duplex implements conn.Conn.
func (m *master) Duplex() conn.Duplex { return conn.Full }

// TxPackets implements spi.Conn.
func (m *master) TxPackets([]spi.Packet) error {
	return errors.New("pn532emu: packets are not for this chip")
}

// Tx implements conn.Conn: one transaction.
func (m *master) Tx(w, r []byte) error {
	m.b.mu.Lock()
	wire := m.b.w
	m.b.mu.Unlock()
	if wire == nil {
		for i := range r {
			r[i] = 0xFF
		}
		return nil
	}
	out := make([]byte, len(w))
	for i := range out {
		out[i] = m.b.idle
	}
	wire.mu.Lock()
	defer wire.mu.Unlock()
	switch bits.Reverse8(w[0]) {
	case 0x01:
		for _, x := range w[1:] {
			wire.in = append(wire.in, bits.Reverse8(x))
		}
		wire.watch.Wake()
	case 0x02:
		if out[1] = 0; len(wire.out) > 0 {
			out[1] = 1
		}
	case 0x03:
		if len(wire.out) > 0 {
			copy(out[1:], wire.out[0])
			wire.out = wire.out[1:]
		}
	}
	for i := range r {
		r[i] = bits.Reverse8(out[i])
	}
	return nil
}
