package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/penjire/penjire/drivers/device"
	emu "github.com/penjire/penjire/drivers/emulator/ccnet"
	"github.com/penjire/penjire/drivers/emulator/pty"
	"github.com/penjire/penjire/firmware/cashbook"
)

// TestGuidedCash: a technician puts a bill into a validator, and has it back. What an
// earlier run left open in the book is settled on the way.
func TestGuidedCash(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	v := emu.New(emu.Manats, 10)
	port, err := pty.Attach(filepath.Join(dir, "ports", "bills"), v)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := port.Close(); err != nil {
			t.Errorf("Close = %v, want nil", err)
		}
	})
	board := `{"name": "till", "title": "A validator", "display": {"width": 1080, "height": 1920, "px_per_mm": 3.78}, "clock": {"driver": "system"},
		"devices": [{"name": "bills", "class": "cash-acceptor", "driver": "ccnet", "port": "bills", "options": {"poll_ms": 20}}]}`
	if err := os.WriteFile("board.json", []byte(board), 0o600); err != nil {
		t.Fatal(err)
	}
	book, err := cashbook.Open("cash-bills.book")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := book.Stacking(t.Context(), "yesterday", device.Denom{Currency: "TMT", Value: 500}); err != nil {
		t.Fatal(err)
	}
	if err := book.Close(); err != nil {
		t.Fatal(err)
	}
	over := make(chan struct{})
	t.Cleanup(func() { <-over })
	ctx := t.Context()
	go func() { // the technician
		defer close(over)
		for tick := time.NewTicker(20 * time.Millisecond); !v.Insert(2); {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	}()
	in, types := io.Pipe()
	defer func() { _ = types.Close() }()
	var out strings.Builder
	status := run([]string{"device", "test", "--board", "./board.json", "--ports", "ports", "bills"}, in, &out, &out)
	said := out.String()
	for _, want := range []string{"it answers (online)", "a bill of 10.00 TMT is held", "it was given back", "no more bills are let in"} {
		if !strings.Contains(said, want) {
			t.Errorf("penjire says nothing of %q", want)
		}
	}
	if back := v.Back(); len(back) != 1 || len(v.Cassette()) != 0 {
		t.Errorf("given back: %v, inside: %v, want one back", back, v.Cassette())
	}
	if book, err = cashbook.Open("cash-bills.book"); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = book.Close() }()
	open, err := book.Open(ctx)
	if a := book.Ambiguous(); err != nil || len(open) != 0 || len(a) != 1 || a[0].Tx != "yesterday" {
		t.Errorf("open %v, ambiguous %v, %v, want yesterday's to be decided by a person", open, a, err)
	}
	t.Logf("status %d\n%s", status, said)
}
