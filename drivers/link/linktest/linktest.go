// Package linktest tests what speaks over a line: it plays back exchanges and
// records them, and offers ports in memory to plug emulated devices into.
package linktest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/link"
	"github.com/penjire/penjire/drivers/link/recording"
)

// IO is one exchange.
type IO = recording.IO

// Player is a line that plays exchanges back. It is also its own port, which
// can be opened once.
type Player struct {
	t   testing.TB
	ops []IO

	mu     sync.Mutex
	opened bool
	wrote  []byte // of the exchange at hand
	read   []byte // to be read
	watch  link.Watch
	late   time.Time
	shut   bool
}

// Play returns a line on which exactly these exchanges happen, in this order.
// It fails the test when the host writes something else, and at the end when
// any is left. Reads with nothing to read time out at their deadline.
func Play(t testing.TB, ops ...IO) *Player {
	if len(ops) == 0 {
		t.Fatal("linktest: play: got no exchange, want at least one")
	}
	p := &Player{t: t, ops: ops}
	t.Cleanup(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, op := range p.ops {
			t.Errorf("linktest: never happened: %s", op.Note)
		}
	})
	return p
}

// PlayFile is Play of a recording, as penjire device record makes them.
func PlayFile(t testing.TB, path string) *Player {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }() // it was only read
	ops, err := recording.Parse(f)
	if err != nil {
		t.Fatal(err)
	}
	return Play(t, ops...)
}

// Open implements link.Port.
func (p *Player) Open(context.Context) (link.Line, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.opened {
		return nil, fmt.Errorf("linktest: open a second time: %w", device.ErrUnplugged)
	}
	p.opened = true
	return p, nil
}

// String implements link.Line and link.Port.
func (p *Player) String() string { return "played line" }

// Write implements link.Line.
func (p *Player) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shut {
		return 0, fmt.Errorf("linktest: write: %w", device.ErrUnplugged)
	}
	p.wrote = append(p.wrote, b...)
	for len(p.wrote) > 0 {
		if len(p.ops) == 0 {
			p.t.Errorf("linktest: got % X after the last exchange", p.wrote)
			p.wrote = nil
			break
		}
		op := p.ops[0]
		n := min(len(op.W), len(p.wrote))
		if !bytes.Equal(op.W[:n], p.wrote[:n]) {
			p.t.Errorf("linktest: %s: host wrote % X, want % X", op.Note, p.wrote, op.W)
			p.wrote, p.ops = nil, nil
			break
		}
		if n < len(op.W) {
			break
		}
		p.wrote, p.ops = p.wrote[n:], p.ops[1:]
		p.read = append(p.read, op.R...)
		p.watch.Wake()
	}
	return len(b), nil
}

// Read implements link.Line.
func (p *Player) Read(b []byte) (int, error) {
	for {
		news := p.watch.Next()
		p.mu.Lock()
		n := copy(b, p.read)
		p.read = p.read[n:]
		late, shut := p.late, p.shut
		p.mu.Unlock()
		switch {
		case shut:
			return 0, fmt.Errorf("linktest: read: %w", device.ErrUnplugged)
		case n > 0:
			return n, nil
		}
		var ch <-chan time.Time
		if !late.IsZero() {
			ch = time.After(time.Until(late))
		}
		select {
		case <-news:
		case <-ch:
			return 0, fmt.Errorf("linktest: read: %w: %w", device.ErrTimeout, os.ErrDeadlineExceeded)
		}
	}
}

// SetReadDeadline implements link.Line.
func (p *Player) SetReadDeadline(t time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.late = t
	p.watch.Wake()
	return nil
}

// SetWriteDeadline implements link.Line: writes here never wait.
func (p *Player) SetWriteDeadline(time.Time) error { return nil }

// Flush implements link.Line.
func (p *Player) Flush() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.read = nil
	return nil
}

// Close implements link.Line.
func (p *Player) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.shut = true
	p.watch.Wake()
	return nil
}

// Recorder is a line whose exchanges are kept, to be played back later.
type Recorder struct {
	*recording.Recorder
	mu  sync.Mutex
	ops []IO
}

// Record returns l with a recorder in it.
func Record(l link.Line) *Recorder {
	r := new(Recorder)
	r.Recorder = recording.On(l, func(op IO) {
		r.mu.Lock()
		r.ops = append(r.ops, op)
		r.mu.Unlock()
	})
	return r
}

// Exchanges returns what was recorded; the last one when the line is closed.
func (r *Recorder) Exchanges() []IO {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]IO(nil), r.ops...)
}

// Go returns the exchanges as Go source, to be pasted into a test and given
// better notes.
func (r *Recorder) Go() string {
	var s strings.Builder
	lit := func(b []byte) string {
		parts := make([]string, len(b))
		for i, x := range b {
			parts[i] = fmt.Sprintf("0x%02x", x)
		}
		return "[]byte{" + strings.Join(parts, ", ") + "}"
	}
	for _, op := range r.Exchanges() {
		fmt.Fprintf(&s, "linktest.IO{Note: %q, W: %s, R: %s},\n", op.Note, lit(op.W), lit(op.R))
	}
	return s.String()
}

// Device is an emulated device, as in drivers/emulator/pty.
type Device interface{ Serve(line io.ReadWriter) }

// Socket is a port in memory that a device can be plugged into, with no
// operating system in between: for tests in faked time.
type Socket struct {
	name string
	dev  Device

	mu      sync.Mutex
	host    link.Line // waiting to be opened
	plugged link.Line // the device's end
	served  sync.WaitGroup
}

// Plug returns a port with dev plugged in; the device is unplugged when the
// test ends.
func Plug(t testing.TB, name string, dev Device) *Socket {
	s := &Socket{name: name, dev: dev}
	s.Replug()
	t.Cleanup(func() { s.Unplug(); s.served.Wait() })
	return s
}

// Unplug pulls the cable.
func (s *Socket) Unplug() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.plugged != nil {
		_ = s.plugged.Close() // a pipe's Close has no error
		s.plugged, s.host = nil, nil
	}
}

// Replug plugs the device in again.
func (s *Socket) Replug() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.plugged != nil {
		return
	}
	s.serve()
}

// serve makes a new line with the device at its far end. s.mu is held.
func (s *Socket) serve() {
	host, dev := link.Pipe(s.name, 4096)
	s.host, s.plugged = host, dev
	s.served.Go(func() { s.dev.Serve(dev) })
}

// Open implements link.Port. A line that was closed by its driver is followed
// by a new one, as a terminal can be opened again.
func (s *Socket) Open(context.Context) (link.Line, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.plugged == nil {
		return nil, fmt.Errorf("linktest: open %s: %w", s.name, device.ErrUnplugged)
	}
	if s.host == nil {
		_ = s.plugged.Close() // as above
		s.serve()
	}
	h := s.host
	s.host = nil
	return h, nil
}

// String implements link.Port.
func (s *Socket) String() string { return s.name }
