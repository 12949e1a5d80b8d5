// Package i2cemu is an I²C bus in software with chips on it, each a model of its
// registers. It stands where periph.io's bus of the kernel does: what is below it,
// the kernel's adapter, is not emulated.
package i2cemu

import (
	"errors"
	"fmt"
	"sync"

	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/physic"
)

// Chip is a chip on the bus.
type Chip interface {
	// Write takes what is written to it, Read answers. A chip has a pointer to its
	// registers, which a write begins with.
	Write(b []byte)
	Read(b []byte)
}

// ErrNAK is what the bus says when nobody answers; the text is the kernel's.
var ErrNAK = errors.New("sysfs-i2c: remote I/O error")

// Bus is a bus. Its methods may be called from any goroutine.
type Bus struct {
	mu    sync.Mutex
	chips map[uint16]Chip
	nak   int           // this many transactions more are not answered
	torn  int           // the bytes after which nothing comes of a longer write; 0: all comes
	stuck chan struct{} // closed when the bus is free; nil: it is
	count int
	open  int
}

// New returns a bus with one chip.
func New(addr uint16, c Chip) *Bus { return &Bus{chips: map[uint16]Chip{addr: c}} }

// Plug puts another chip in the place of what was at addr; nil takes it away.
func (b *Bus) Plug(addr uint16, c Chip) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.chips, addr)
	if c != nil {
		b.chips[addr] = c
	}
}

// NAK keeps the next n transactions from being answered.
func (b *Bus) NAK(n int) { b.mu.Lock(); b.nak = n; b.mu.Unlock() }

// Tear ends the next write of more than n bytes after n, with an error: the power
// went.
func (b *Bus) Tear(n int) { b.mu.Lock(); b.torn = n; b.mu.Unlock() }

// Stick holds the data line down, or lets it go.
func (b *Bus) Stick(stuck bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case stuck && b.stuck == nil:
		b.stuck = make(chan struct{})
	case !stuck && b.stuck != nil:
		close(b.stuck)
		b.stuck = nil
	}
}

// Count is how many transactions reached a chip.
func (b *Bus) Count() int { b.mu.Lock(); defer b.mu.Unlock(); return b.count }

// Open opens the bus, as often as one likes.
func (b *Bus) Open() (i2c.BusCloser, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.open++
	return handle{b}, nil
}

// Left is how many handles of the bus are open.
func (b *Bus) Left() int { b.mu.Lock(); defer b.mu.Unlock(); return b.open }

type handle struct{ b *Bus }

// String implements i2c.Bus.
func (h handle) String() string { return "I2C in software" }

// SetSpeed implements i2c.Bus.
func (h handle) SetSpeed(physic.Frequency) error { return nil }

// Close implements i2c.BusCloser.
func (h handle) Close() error { h.b.mu.Lock(); h.b.open--; h.b.mu.Unlock(); return nil }

// Tx implements i2c.Bus.
func (h handle) Tx(addr uint16, w, r []byte) error {
	b := h.b
	b.mu.Lock()
	stuck := b.stuck
	b.mu.Unlock()
	if stuck != nil {
		<-stuck
		return errors.New("sysfs-i2c: connection timed out")
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.chips[addr]
	if c == nil || b.nak > 0 {
		b.nak = max(0, b.nak-1)
		return ErrNAK
	}
	b.count++
	if n := b.torn; n > 0 && len(w) > n {
		b.torn = 0
		c.Write(w[:n])
		return fmt.Errorf("%w after %d bytes", ErrNAK, n)
	}
	if len(w) > 0 {
		c.Write(w)
	}
	if len(r) > 0 {
		c.Read(r)
	}
	return nil
}
