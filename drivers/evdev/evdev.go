// Package evdev reads where a finger or a pointer touches the screen, from the
// kernel's event devices /dev/input/event*: touch screens of both protocols and
// pointers with absolute places, as virtual machines have them.
//
// # Reference
//
// Linux, Documentation/input/event-codes.rst, multi-touch-protocol.rst and
// include/uapi/linux/input.h. Only the first finger counts.
package evdev

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
)

// Event is one record of an event device, without its time.
type Event struct {
	Type, Code uint16
	Value      int32
}

// EventSize is how many bytes the kernel writes for one event: two words of time and
// eight bytes.
const EventSize = 2*strconv.IntSize/8 + 8

// ErrTorn is returned for bytes that are no whole number of events.
var ErrTorn = errors.New("torn event")

// Parse reads the events in b, which the kernel always writes whole.
func Parse(b []byte) ([]Event, error) {
	if len(b)%EventSize != 0 {
		return nil, fmt.Errorf("evdev: read events: got %d bytes, want a multiple of %d: %w", len(b), EventSize, ErrTorn)
	}
	var out []Event
	for ; len(b) > 0; b = b[EventSize:] {
		e := b[EventSize-8:]
		out = append(out, Event{
			binary.NativeEndian.Uint16(e), binary.NativeEndian.Uint16(e[2:]), int32(binary.NativeEndian.Uint32(e[4:])),
		})
	}
	return out, nil
}

// Append appends e to b as the kernel writes it, at the time zero. It is for who
// plays the kernel's part.
func (e Event) Append(b []byte) []byte {
	b = append(b, make([]byte, EventSize-8)...)
	b = binary.NativeEndian.AppendUint16(b, e.Type)
	b = binary.NativeEndian.AppendUint16(b, e.Code)
	return binary.NativeEndian.AppendUint32(b, uint32(e.Value))
}

// The types and codes that count.
const (
	Syn, SynReport, SynDropped = 0, 0, 3
	Key, ButtonLeft, Touching  = 1, 0x110, 0x14a
	Abs, AbsX, AbsY            = 3, 0, 1
	AbsSlot, AbsMTX, AbsMTY    = 0x2f, 0x35, 0x36
	AbsTracking                = 0x39
)

// Range is what an axis reaches from and to.
type Range struct{ Min, Max int32 }

// share returns where v is in the range: from 0 to 1.
func (r Range) share(v int32) float64 {
	if r.Max <= r.Min {
		return 0
	}
	s := (float64(v) - float64(r.Min)) / (float64(r.Max) - float64(r.Min))
	return min(max(s, 0), 1)
}

// Touch is a finger on the screen or just off it.
type Touch struct {
	X, Y float64 // from the left and the upper edge of the device, 0 to 1
	Down bool
}

// Tracker makes touches of events.
//
// Contract: it never reports a touch whose place it was not told; after the kernel
// says that it dropped events nothing is reported until the next whole report.
type Tracker struct {
	x, y         Range
	at           [2]int32
	known        [2]bool
	down, told   bool
	slot         int32
	lost, chosen bool
}

// NewTracker returns a tracker for a device whose axes have these ranges.
func NewTracker(x, y Range) *Tracker { return &Tracker{x: x, y: y} }

// Take takes one event and returns what it completes: a finger came, moved or went.
func (t *Tracker) Take(e Event) (Touch, bool) {
	switch e.Type {
	case Syn:
		return t.report(e.Code)
	case Key:
		if e.Code == Touching || e.Code == ButtonLeft {
			t.press(e.Value != 0)
		}
	case Abs:
		t.axis(e.Code, e.Value)
	}
	return Touch{}, false
}

func (t *Tracker) press(down bool) {
	if down != t.down {
		t.down, t.chosen = down, true
	}
}

func (t *Tracker) axis(code uint16, v int32) {
	switch code {
	case AbsSlot:
		t.slot = v
	case AbsTracking:
		if t.slot == 0 {
			t.press(v >= 0)
		}
	case AbsX, AbsMTX:
		t.move(code == AbsMTX, 0, v)
	case AbsY, AbsMTY:
		t.move(code == AbsMTY, 1, v)
	}
}

// move notes a place; the second finger's does not count.
func (t *Tracker) move(mt bool, i int, v int32) {
	if mt && t.slot != 0 {
		return
	}
	t.chosen = t.chosen || !t.known[i] || t.at[i] != v
	t.at[i], t.known[i] = v, true
}

func (t *Tracker) report(code uint16) (Touch, bool) {
	if code == SynDropped {
		t.lost = true
		return Touch{}, false
	}
	if code != SynReport {
		return Touch{}, false
	}
	if t.lost { // what came since is torn: begin anew
		t.lost, t.chosen, t.down, t.told, t.known = false, false, false, false, [2]bool{}
		return Touch{}, false
	}
	was := t.told
	changed := t.chosen
	t.chosen = false
	if !changed || !t.known[0] || !t.known[1] || !t.down && !was {
		return Touch{}, false
	}
	t.told = t.down
	return Touch{t.x.share(t.at[0]), t.y.share(t.at[1]), t.down}, true
}
