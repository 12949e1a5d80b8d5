package evdev

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// report ends each list: the kernel's SYN_REPORT.
var report = Event{Syn, SynReport, 0}

func TestTouches(t *testing.T) {
	for name, v := range map[string]struct {
		events []Event
		want   []Touch
	}{
		"finger, protocol B": {
			[]Event{
				{Abs, AbsTracking, 7},
				{Abs, AbsMTX, 50},
				{Abs, AbsMTY, 25},
				{Key, Touching, 1},
				{Abs, AbsX, 50},
				{Abs, AbsY, 25},
				report,
				{Abs, AbsMTX, 100},
				report,
				{Abs, AbsTracking, -1},
				{Key, Touching, 0},
				report,
			},
			[]Touch{{.5, .25, true}, {1, .25, true}, {1, .25, false}},
		},
		"virtual pointer": {
			[]Event{{Abs, AbsX, 0}, {Abs, AbsY, 100}, report, {Key, ButtonLeft, 1}, report, {Key, ButtonLeft, 0}, report},
			[]Touch{{0, 1, true}, {0, 1, false}},
		},
		"nobody said where": {
			[]Event{{Key, Touching, 1}, report, {Key, Touching, 0}, report},
			nil,
		},
		"a second finger": {
			[]Event{
				{Abs, AbsTracking, 1},
				{Abs, AbsMTX, 10},
				{Abs, AbsMTY, 10},
				report,
				{Abs, AbsSlot, 1},
				{Abs, AbsTracking, 2},
				{Abs, AbsMTX, 90},
				{Abs, AbsMTY, 90},
				report,
				{Abs, AbsTracking, -1},
				{Abs, AbsSlot, 0},
				report,
				{Abs, AbsTracking, -1},
				report,
			},
			[]Touch{{.1, .1, true}, {.1, .1, false}},
		},
		"the same again": {
			[]Event{{Abs, AbsX, 10}, {Abs, AbsY, 10}, {Key, Touching, 1}, report, report, {Abs, AbsX, 10}, report},
			[]Touch{{.1, .1, true}},
		},
		"dropped events": {
			[]Event{
				{Abs, AbsX, 10},
				{Abs, AbsY, 10},
				{Key, Touching, 1},
				report,
				{Syn, SynDropped, 0},
				{Abs, AbsX, 50},
				report,
				{Abs, AbsX, 70},
				{Abs, AbsY, 70},
				{Key, Touching, 1},
				report,
			},
			[]Touch{{.1, .1, true}, {.7, .7, true}},
		},
		"outside its range": {
			[]Event{{Abs, AbsX, 1 << 30}, {Abs, AbsY, -1 << 31}, {Key, Touching, 1}, report},
			[]Touch{{1, 0, true}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			k := NewTracker(Range{0, 100}, Range{0, 100})
			var got []Touch
			for _, e := range v.events {
				if touch, ok := k.Take(e); ok {
					got = append(got, touch)
				}
			}
			if !slices.Equal(got, v.want) {
				t.Errorf("got %+v, want %+v", got, v.want)
			}
		})
	}
}

func TestParse(t *testing.T) {
	var b []byte
	want := []Event{{Abs, AbsX, -5}, report}
	for _, e := range want {
		b = e.Append(b)
	}
	if got, err := Parse(b); err != nil || !slices.Equal(got, want) {
		t.Errorf("Parse = %+v, %v, want %+v", got, err, want)
	}
	if _, err := Parse(b[:len(b)-1]); !errors.Is(err, ErrTorn) {
		t.Errorf("Parse of a torn event = %v, want ErrTorn", err)
	}
}

// TestDevice reads touches from a named pipe in the device's place, which answers no
// question about its axes; a kernel's device is touched in a guest.
func TestDevice(t *testing.T) {
	dir := t.TempDir()
	at := filepath.Join(dir, "event0")
	if err := unix.Mkfifo(at, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(at); !errors.Is(err, ErrNoTouch) {
		t.Errorf("Open of a pipe = %v, want ErrNoTouch", err)
	}
	if got := Find(dir); len(got) != 0 {
		t.Errorf("Find = %v, want nothing with places", got)
	}
	f, err := os.OpenFile(at, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	d := &Device{f, NewTracker(Range{0, 100}, Range{0, 100})}
	var b []byte
	for _, e := range []Event{{Abs, AbsX, 20}, {Abs, AbsY, 40}, {Key, Touching, 1}, report} {
		b = e.Append(b)
	}
	if _, err := f.Write(b); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var got []Touch
	if err := d.Touches(ctx, func(x Touch) { got = append(got, x); cancel() }); err != nil {
		t.Errorf("Touches = %v, want nil when it is told to end", err)
	}
	if !slices.Equal(got, []Touch{{.2, .4, true}}) {
		t.Errorf("got %+v", got)
	}
}

func FuzzEvents(f *testing.F) {
	var b []byte
	for _, e := range []Event{{Abs, AbsTracking, 7}, {Abs, AbsMTX, 50}, {Abs, AbsMTY, 25}, report, {Syn, SynDropped, 0}, report} {
		b = e.Append(b)
	}
	f.Add(b)
	f.Add(b[:EventSize+3])
	f.Fuzz(func(t *testing.T, b []byte) {
		events, err := Parse(b)
		if (err != nil) != (len(b)%EventSize != 0) {
			t.Fatalf("Parse of %d bytes = %v", len(b), err)
		}
		k := NewTracker(Range{-10, 1000}, Range{0, 7})
		down := false
		for _, e := range events {
			x, ok := k.Take(e)
			if !ok {
				continue
			}
			if x.X < 0 || x.X > 1 || x.Y < 0 || x.Y > 1 {
				t.Fatalf("touch at %v, %v", x.X, x.Y)
			}
			if !x.Down && !down {
				t.Fatal("a finger went that never came")
			}
			down = x.Down
		}
	})
}
