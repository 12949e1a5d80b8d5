// Package i2cchip talks to one chip on an I²C bus of which nothing is certain: the
// bus may not be there yet, the chip may not answer, and a chip that lost the count
// may hold the data line down until the power goes.
//
// periph.io/x/host/v3 v3.8.5 gives the bus; its transactions cannot be broken off,
// and its errors do not tell a chip that does not answer from other trouble.
package i2cchip

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"time"

	"periph.io/x/conn/v3/i2c"
	"periph.io/x/host/v3/sysfs"

	"github.com/penjire/penjire/drivers/device"
)

// Opener opens the bus.
type Opener func() (i2c.BusCloser, error)

// Bus opens a bus of the kernel's by its number: 1 is /dev/i2c-1.
func Bus(number int) Opener {
	return func() (i2c.BusCloser, error) { return sysfs.NewI2C(number) }
}

// Chip is one chip. Its methods may be called from several goroutines; one
// transaction is served at a time.
//
// Contract: Tx ends by its context or by the chip's timeout, also on a bus that is
// stuck; the error then wraps ErrTimeout, and what was asked may still happen. An
// error that wraps ErrUnplugged is of a bus or chip that does not answer.
type Chip struct {
	name    string
	addr    uint16
	open    Opener
	timeout time.Duration
	jobs    chan job
	down    chan struct{}
	once    sync.Once

	mu     sync.Mutex
	health device.Health
}

type job struct {
	w    []byte
	r    int
	done chan<- answer
}

type answer struct {
	r   []byte
	err error
}

// New returns the chip called name at addr of the bus. Nothing is opened before
// the first transaction.
func New(name string, addr uint16, open Opener, timeout time.Duration) *Chip {
	c := &Chip{name: name, addr: addr, open: open, timeout: timeout, jobs: make(chan job), down: make(chan struct{}), health: device.Starting}
	go c.run()
	return c
}

// String returns name and address.
func (c *Chip) String() string { return fmt.Sprintf("%s at I2C address %#x", c.name, c.addr) }

// Health is what the last transaction showed.
func (c *Chip) Health() device.Health {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.health
}

func (c *Chip) say(h device.Health) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.health != device.Offline {
		c.health = h
	}
}

// Halt ends transactions to come. It does not wait for one that is stuck: that one
// closes the bus when it ends.
func (c *Chip) Halt() error {
	c.once.Do(func() { close(c.down) })
	c.say(device.Offline)
	return nil
}

// Tx writes w, then reads n bytes, as one transaction.
func (c *Chip) Tx(ctx context.Context, w []byte, n int) ([]byte, error) {
	r, err := c.tx(ctx, w, n)
	if err != nil {
		return nil, fmt.Errorf("i2cchip: %v: %w", c, err)
	}
	return r, nil
}

func (c *Chip) tx(ctx context.Context, w []byte, n int) ([]byte, error) {
	select {
	case <-c.down:
		return nil, device.ErrHalted
	default:
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	late := func() ([]byte, error) {
		c.say(device.HardwareError)
		return nil, fmt.Errorf("bus is stuck: %w: %w", device.ErrTimeout, ctx.Err())
	}
	done := make(chan answer, 1)
	select {
	case c.jobs <- job{bytes.Clone(w), n, done}:
	case <-ctx.Done():
		return late()
	case <-c.down:
		return nil, device.ErrHalted
	}
	select {
	case a := <-done:
		if a.err != nil {
			c.say(device.NoDevice)
			return nil, fmt.Errorf("%w: %w", device.ErrUnplugged, a.err)
		}
		c.say(device.Online)
		return a.r, nil
	case <-ctx.Done():
		return late()
	case <-c.down:
		return nil, device.ErrHalted
	}
}

// run owns the bus. It is opened anew after an error.
func (c *Chip) run() {
	var bus i2c.BusCloser
	shut := func() {
		if bus != nil {
			_ = bus.Close() // nothing was written that closing could lose
			bus = nil
		}
	}
	defer shut()
	for {
		select {
		case <-c.down:
			return
		case j := <-c.jobs:
			var a answer
			if bus == nil {
				bus, a.err = c.open()
			}
			if a.err == nil {
				a.r = make([]byte, j.r)
				a.err = bus.Tx(c.addr, j.w, a.r)
			}
			if a.err != nil {
				shut()
			}
			j.done <- a
		}
	}
}
