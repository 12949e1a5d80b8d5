package portal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/stick"
	"github.com/penjire/penjire/sync/uplink"
)

// exportRoom exports to a stick with room for so many bytes.
func (c *courier) exportRoom(room int) (files [][]byte, last uplink.Exported, err error) {
	c.w.t.Helper()
	err = c.u.Export(context.Background(), uplink.Export{
		Number: func() (uint64, error) { c.number++; return c.number, nil },
		Heads:  c.heads,
		Put: func(_ context.Context, e uplink.Exported, parts [][]byte) error {
			b := slices.Concat(parts...)
			if room -= len(b); room < 0 {
				room += len(b)
				return fmt.Errorf("test: %w", stick.ErrFull)
			}
			files, last = append(files, b), e
			c.heads = append(c.heads, e.Head)
			return nil
		},
	})
	return files, last, err
}

// TestStickLarge: small requests go first, a stick without room for all of a large
// one takes what fits, and the next goes on from what the answer says.
func TestStickLarge(t *testing.T) {
	w := newWorld(t)
	k := w.kiosk().courier()
	const size = 9 << 20
	large, scan := k.scan(size)
	small := k.one("citizen-2")

	files, last, err := k.exportRoom(5 << 20)
	if !errors.Is(err, stick.ErrFull) {
		t.Errorf("Export to a small stick = %v, want that it is full", err)
	}
	if last.Part.To < 3<<20 || last.Part.To >= size || last.Part.Of < size || last.Records != 0 || last.Left != 1 {
		t.Errorf("the last file is %+v, want a part, and one request left", last)
	}
	for _, f := range files {
		if len(f) > 5<<20 {
			t.Errorf("a file of %d bytes", len(f))
		}
		in := w.bring(f)
		k.take(in.Answer)
	}
	if s := k.state(small.ID()); s != outbox.Registered {
		t.Errorf("the small request is %s, want registered", s)
	}
	if s := k.state(large.ID()); s != outbox.Sending {
		t.Errorf("the large request is %s, want sending", s)
	}
	if r, err := k.o.Get(t.Context(), large.ID()); err != nil || r.Sent != last.Part.To {
		t.Errorf("the kiosk knows of %d bytes, %v, want %d", r.Sent, err, last.Part.To)
	}

	// The rest; the files come in a bad order, and one of them twice.
	files, last, err = k.exportRoom(1 << 30)
	if err != nil || last.Records != 1 || last.Left != 0 || last.Part.To != last.Part.Of || len(files) < 3 {
		t.Fatalf("Export = %d files, %+v, %v", len(files), last, err)
	}
	slices.Reverse(files)
	for range 2 {
		for _, f := range files {
			in := w.bring(f)
			k.take(in.Answer)
		}
		if k.state(large.ID()) == outbox.Registered {
			break
		}
		slices.Reverse(files)
	}
	if s := k.state(large.ID()); s != outbox.Registered {
		t.Fatalf("the large request is %s, want registered", s)
	}
	w.attached(large.ID(), scan)
	for _, f := range files {
		k.take(w.bring(f).Answer) // late, and nothing happens
	}
	w.attached(large.ID(), scan)
	w.noAlarm()
}

// TestLargeByStickAndLine: what a stick brought goes on over a line, and the other
// way round.
func TestLargeByStickAndLine(t *testing.T) {
	w := newWorld(t)
	k := w.kiosk().courier()
	large, scan := k.scan(3 << 20)
	files, _, err := k.exportRoom(2 << 20)
	if !errors.Is(err, stick.ErrFull) {
		t.Fatal(err)
	}
	for _, f := range files {
		w.bring(f) // the answer is lost
	}
	u, stop := k.run(k.uplinkConfig())
	k.untilState(large.ID(), outbox.Registered)
	stop()
	w.attached(large.ID(), scan)
	if n := u.Status().Sent; n > 5<<19 {
		t.Errorf("%d bytes went, though a stick had brought more than a third", n)
	}
}
