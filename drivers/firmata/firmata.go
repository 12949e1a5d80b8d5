// Package firmata drives an I/O board that runs StandardFirmata: an Arduino or its
// like on a USB socket. It gives digital lines to a machine that has none of its
// own, or takes the cabinet's wiring off the processor's pins.
//
// # Reference
//
// github.com/firmata/protocol, protocol.md (2.5): digital messages 0x90, reports
// 0xD0, pin modes 0xF4, pin values 0xF5, version 0xF9, and the query for the state
// of a pin, sysex 0x6D. Bytes below 0x80 are data.
//
// # What is believed
//
// The protocol has no check. A level counts when two reports in a row agree, the
// second one asked for; and it is asked for again all the time, so that a report
// that was lost is made up for. An output is asked for after it was set.
package firmata

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"periph.io/x/conn/v3/gpio"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/gpioline"
	"github.com/penjire/penjire/drivers/link"
)

// Opts are a board's settings. Zero values are the defaults.
type Opts struct {
	Poll    time.Duration // between two questions for the levels; 0: 200 ms
	Timeout time.Duration // for an answer; 0: 600 ms
	Reopen  time.Duration // between tries to open the port; 0: 300 ms
}

// Board is an I/O board, and the source of its lines, which are called D0, D1 …
// like the pins. It opens its port by itself, again and again; lines that were
// open when the board left are gone and must be opened anew.
type Board struct {
	port link.Port
	o    Opts

	ctx    context.Context
	cancel context.CancelFunc
	done   chan struct{}
	watch  link.Watch

	mu     sync.Mutex
	health device.Health
	now    *session // nil: no board
}

var (
	_ gpioline.Source = (*Board)(nil)
	_ gpioline.Told   = (*input)(nil)
	_ device.Watcher  = (*Board)(nil)
)

// New returns the board on port and starts looking for it.
func New(port link.Port, o Opts) (*Board, error) {
	if o.Poll < 0 || o.Timeout < 0 || o.Reopen < 0 {
		return nil, fmt.Errorf("firmata: board on %v: got a negative time in %+v", port, o)
	}
	def := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	def(&o.Poll, 200*time.Millisecond)
	def(&o.Timeout, 600*time.Millisecond)
	def(&o.Reopen, 300*time.Millisecond)
	b := &Board{port: port, o: o, done: make(chan struct{}), health: device.Starting}
	b.ctx, b.cancel = context.WithCancel(context.Background())
	go b.run()
	return b, nil
}

// String implements conn.Resource and gpioline.Source.
func (b *Board) String() string { return "I/O board on " + b.port.String() }

// Halt implements conn.Resource. It returns when the port is closed.
func (b *Board) Halt() error {
	b.cancel()
	<-b.done
	return nil
}

// Health implements device.Device.
func (b *Board) Health() device.Health {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.health
}

// Changes implements device.Watcher.
func (b *Board) Changes(ctx context.Context) <-chan struct{} { return b.watch.Channel(ctx) }

// Input implements gpioline.Source. The board has pull-ups and no pull-downs.
func (b *Board) Input(ctx context.Context, name string, pull gpio.Pull) (gpioline.Input, error) {
	mode := modeInput
	switch pull {
	case gpio.PullUp:
		mode = modePullUp
	case gpio.PullDown:
		return nil, fmt.Errorf("firmata: open %s of %v with a pull-down: %w", name, b, device.ErrUnsupported)
	}
	s, p, err := b.open(ctx, name, mode)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, b.o.Timeout)
	defer cancel()
	if err := s.believed(ctx, p); err != nil {
		s.drop(p)
		return nil, fmt.Errorf("firmata: open %s of %v for reading: %w", name, b, err)
	}
	return &input{s: s, p: p}, nil
}

// Output implements gpioline.Source.
func (b *Board) Output(ctx context.Context, name string, first gpio.Level) (gpioline.Output, error) {
	s, p, err := b.open(ctx, name, modeOutput)
	if err != nil {
		return nil, err
	}
	out := &output{s, p}
	if err := out.Set(first); err != nil {
		s.drop(p)
		return nil, err
	}
	return out, nil
}

// open takes a pin of the board that is there now.
func (b *Board) open(ctx context.Context, name string, mode byte) (*session, *pin, error) {
	fail := func(err error) (*session, *pin, error) {
		return nil, nil, fmt.Errorf("firmata: open %s of %v: %w", name, b, err)
	}
	if err := ctx.Err(); err != nil {
		return fail(err)
	}
	n, err := number(name)
	if err != nil {
		return fail(err)
	}
	b.mu.Lock()
	s := b.now
	b.mu.Unlock()
	if s == nil {
		return fail(device.ErrUnplugged)
	}
	p, err := s.take(n, mode)
	if err != nil {
		return fail(err)
	}
	return s, p, nil
}

// number returns the number of the pin called name.
func number(name string) (byte, error) {
	n, err := strconv.Atoi(strings.TrimPrefix(name, "D"))
	if err != nil || !strings.HasPrefix(name, "D") || n < 0 || n > 127 || name != "D"+strconv.Itoa(n) {
		return 0, fmt.Errorf("got line %q, want D0 to D127", name)
	}
	return byte(n), nil
}

func (b *Board) set(h device.Health, s *session) {
	b.mu.Lock()
	changed := b.health != h || b.now != s
	b.health, b.now = h, s
	b.mu.Unlock()
	if changed {
		b.watch.Wake()
	}
}
