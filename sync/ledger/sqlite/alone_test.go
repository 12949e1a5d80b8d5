package sqlite

import (
	"path/filepath"
	"testing"

	"github.com/penjire/penjire/sync/ledger/ledgertest"
)

// TestOpenAlone: who copies a ledger away must be alone with it.
func TestOpenAlone(t *testing.T) {
	file, ctx := filepath.Join(t.TempDir(), "ledger.db"), t.Context()
	if _, err := OpenAlone(ctx, file); err == nil {
		t.Error("OpenAlone of what is not there = nil, want an error")
	}
	d, err := Open(ctx, file)
	if err != nil {
		t.Fatal(err)
	}
	ledgertest.Fill(t, d)
	if _, err := OpenAlone(ctx, file); err == nil {
		t.Error("OpenAlone of an open ledger = nil, want it refused")
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	alone, err := OpenAlone(ctx, file)
	if err != nil {
		t.Fatal(err)
	}
	if err := alone.Check(ctx); err != nil {
		t.Error(err)
	}
	if w, err := connect(ctx, file, "busy_timeout(100)"); err == nil {
		t.Error("a ledger that somebody is alone with was opened, want it refused")
		_ = w.Close()
	}
	if err := alone.Close(); err != nil {
		t.Fatal(err)
	}
}
