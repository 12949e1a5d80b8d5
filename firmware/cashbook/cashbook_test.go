package cashbook

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/penjire/penjire/drivers/device"
)

var ten = device.Denom{Currency: "TMT", Value: 1000}

func reopened(t *testing.T, path string) *Book {
	t.Helper()
	b, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() }) // closed twice is nothing
	return b
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestBook(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cash.book")
	five := device.Denom{Currency: "TMT", Value: 500}
	b := reopened(t, path)
	for range 4 {
		_, err := b.Stacking(t.Context(), "tx-1", five)
		must(t, err)
	}
	must(t, b.Settled(t.Context(), 1, device.CashStacked))
	must(t, b.Settled(t.Context(), 2, device.CashReturned))
	must(t, b.Settled(t.Context(), 3, device.CashAmbiguous))
	if n, err := b.Coin(t.Context(), "tx-1", ten, device.CashStacked, 7); n != 5 || err != nil {
		t.Errorf("Coin = %d, %v, want 5", n, err)
	}
	for _, k := range []device.CashKind{device.CashStacked, device.CashEscrow, ""} {
		if err := b.Settled(t.Context(), 1, k); err == nil {
			t.Errorf("Settled a second time as %q = nil, want an error", k)
		}
	}
	if err := b.Decide(t.Context(), 4, device.CashStacked); err == nil {
		t.Error("a person decides about what stands open: nil, want an error")
	}
	if _, err := Open(path); !errors.Is(err, ErrInUse) {
		t.Errorf("second Open = %v, want ErrInUse", err)
	}
	must(t, b.Close())
	if _, err := b.Stacking(t.Context(), "tx-2", five); !errors.Is(err, ErrBroken) {
		t.Errorf("Stacking after Close = %v, want ErrBroken", err)
	}

	b = reopened(t, path)
	open, err := b.Open(t.Context())
	if err != nil || len(open) != 1 || open[0].Bill != 4 || open[0].Denom != five || open[0].Tx != "tx-1" || open[0].Kind != device.CashAmbiguous {
		t.Errorf("Open = %+v, %v, want bill 4", open, err)
	}
	if n, ok, err := b.Count(t.Context()); n != 7 || !ok || err != nil {
		t.Errorf("Count = %d, %v, %v, want 7", n, ok, err)
	}
	if p := b.Paid("tx-1"); len(p) != 2 || p[0].Bill != 1 || p[1].Bill != 5 {
		t.Errorf("Paid = %+v, want bills 1 and 5", p)
	}
	if a := b.Ambiguous(); len(a) != 1 || a[0].Bill != 3 {
		t.Errorf("Ambiguous = %+v, want bill 3", a)
	}
	must(t, b.Decide(t.Context(), 3, device.CashStacked))
	if p := b.Paid("tx-1"); len(p) != 3 {
		t.Errorf("Paid after the decision = %+v, want three", p)
	}
}

// TestDamage: a torn last line goes; a damaged one in between keeps the book shut.
func TestDamage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cash.book")
	b := reopened(t, path)
	for range 3 {
		_, err := b.Stacking(t.Context(), "tx-1", ten)
		must(t, err)
	}
	must(t, b.Close())
	whole, err := os.ReadFile(path)
	must(t, err)
	last := bytes.LastIndexByte(whole[:len(whole)-1], '\n') + 1
	for cut := last; cut < len(whole)-1; cut++ {
		must(t, os.WriteFile(path, whole[:cut], 0o600))
		b := reopened(t, path)
		if n, err := b.Stacking(t.Context(), "tx-2", ten); n != 3 || err != nil {
			t.Errorf("Stacking in a book cut at %d = %d, %v, want 3", cut, n, err)
		}
		must(t, b.Close())
	}
	for _, end := range []string{"", "\v"} { // the newline is missing, or damaged
		must(t, os.WriteFile(path, append(bytes.Clone(whole[:len(whole)-1]), end...), 0o600))
		must(t, reopened(t, path).Close())
		if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, whole) {
			t.Errorf("book whose end is %q = %q, %v, want it mended", end, now, err)
		}
	}
	for at := range last {
		bad := bytes.Clone(whole)
		bad[at] ^= 0x04
		must(t, os.WriteFile(path, bad, 0o600))
		if b, err := Open(path); !errors.Is(err, ErrDamaged) {
			t.Errorf("Open with byte %d changed = %v, %v, want ErrDamaged", at, b, err)
		}
		if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, bad) {
			t.Errorf("a damaged book was changed")
		}
	}
}

// FuzzBook: whatever the file holds, it is opened or refused, and what was opened
// goes on.
func FuzzBook(f *testing.F) {
	var all []byte
	n := uint8(3)
	for _, e := range []Entry{
		{Act: Stacking, Bill: 1, Tx: "tx-1", Currency: "TMT", Value: 100},
		{Act: Settled, Bill: 1, Kind: device.CashStacked},
		{Act: Coin, Bill: 2, Tx: "tx-1", Currency: "TMT", Value: 50, Kind: device.CashStacked, Count: &n},
		{Act: Counted, Count: &n},
	} {
		l, err := e.line()
		if err != nil {
			f.Fatal(err)
		}
		all = append(all, l...)
		f.Add(all)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s := newState()
		whole, err := s.read(b)
		if whole > len(b) || err == nil && s.next > uint64(len(b))+1 {
			t.Fatalf("read = %d of %d bytes, %v", whole, len(b), err)
		}
		again := newState()
		if n, err := again.read(b[:whole]); n != whole || err != nil || again.next != s.next {
			t.Errorf("what is whole reads as %d of %d bytes, %v", n, whole, err)
		}
	})
}
