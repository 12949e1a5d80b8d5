// Package fault puts faults on the line between an emulated device and its
// driver: bytes that are lost, changed, doubled, invented or late, and a cable
// that is pulled at a chosen byte.
package fault

import (
	"io"
	"sync"
	"time"
)

// Device is an emulated device, as in drivers/emulator/pty.
type Device interface{ Serve(line io.ReadWriter) }

// Kind is what goes wrong.
type Kind int

// The faults.
const (
	Drop   Kind = 1 // N bytes are lost
	Flip   Kind = 2 // the bits of Mask change in N bytes
	Repeat Kind = 3 // N bytes come twice
	Insert Kind = 4 // N bytes of Mask come before the byte
	Stall  Kind = 5 // nothing comes for Delay
	Call   Kind = 6 // Do is called: it may pull the cable
)

// Way is the direction bytes go.
type Way int

// The ways.
const (
	ToHost   Way = 1
	ToDevice Way = 2
)

// Fault happens once, to the byte number At that crosses the line that Way,
// counted from 0 since the device was made.
type Fault struct {
	Way   Way
	Kind  Kind
	At    int
	N     int // 0: 1
	Mask  byte
	Delay time.Duration
	Do    func()
}

// Line is a device with faults on its line.
type Line struct {
	dev Device

	mu     sync.Mutex
	faults []Fault
	count  map[Way]int
}

// On returns dev with faults on its line.
func On(dev Device, faults ...Fault) *Line {
	return &Line{dev: dev, faults: faults, count: map[Way]int{}}
}

// Count returns how many bytes have gone that way, before faults.
func (l *Line) Count(w Way) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.count[w]
}

// Next adds f, with At counted from the next byte.
func (l *Line) Next(f Fault) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f.At += l.count[f.Way]
	l.faults = append(l.faults, f)
}

// Left returns the faults that have not happened.
func (l *Line) Left() []Fault {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]Fault(nil), l.faults...)
}

// Serve implements Device.
func (l *Line) Serve(line io.ReadWriter) { l.dev.Serve(&faulty{l: l, line: line}) }

// faulty is one plugging-in of the line.
type faulty struct {
	l    *Line
	line io.ReadWriter
	in   []byte // through the faults, not read yet
}

// Read implements io.Reader: what the host sent, with faults.
func (f *faulty) Read(p []byte) (int, error) {
	for len(f.in) == 0 {
		buf := make([]byte, 512)
		n, err := f.line.Read(buf)
		f.in = f.l.pass(ToDevice, buf[:n])
		if err != nil {
			return 0, err
		}
	}
	n := copy(p, f.in)
	f.in = f.in[n:]
	return n, nil
}

// Write implements io.Writer: what the device answers, with faults.
func (f *faulty) Write(p []byte) (int, error) {
	if out := f.l.pass(ToHost, p); len(out) > 0 {
		if _, err := f.line.Write(out); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

// pass takes b through the faults of way w.
func (l *Line) pass(w Way, b []byte) []byte {
	var out []byte
	for _, x := range b {
		out = append(out, l.one(w, x)...)
	}
	return out
}

// one takes one byte through.
func (l *Line) one(w Way, x byte) []byte {
	l.mu.Lock()
	at := l.count[w]
	l.count[w]++
	var hit *Fault
	for i := range l.faults {
		f := &l.faults[i]
		if f.Way == w && at >= f.At {
			hit = f
			break
		}
	}
	if hit == nil {
		l.mu.Unlock()
		return []byte{x}
	}
	f := *hit
	n := max(1, f.N)
	if at >= f.At+n-1 || f.Kind >= Insert {
		*hit = l.faults[len(l.faults)-1]
		l.faults = l.faults[:len(l.faults)-1]
	}
	l.mu.Unlock()
	switch f.Kind {
	case Drop:
		return nil
	case Flip:
		return []byte{x ^ f.Mask}
	case Repeat:
		return []byte{x, x}
	case Insert:
		out := make([]byte, n, n+1)
		for i := range out {
			out[i] = f.Mask
		}
		return append(out, x)
	case Stall:
		time.Sleep(f.Delay)
	case Call:
		f.Do()
	}
	return []byte{x}
}
