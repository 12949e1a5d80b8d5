// Package outboxtest opens outboxes for tests: each is checked, all of it, and
// closed when its test ends.
package outboxtest

import (
	"context"
	"errors"
	"testing"

	"github.com/penjire/penjire/sync/outbox"
)

// Kiosk is the kiosk id that Open uses.
const Kiosk = "K-000001"

// Open opens a new outbox in a folder of the test's own.
func Open(t testing.TB) *outbox.Outbox {
	t.Helper()
	return OpenDir(t, t.TempDir(), outbox.Options{})
}

// OpenDir opens the outbox in dir. An empty Options.Kiosk becomes Kiosk. When
// the test ends the outbox is checked and closed, unless it is closed already.
func OpenDir(t testing.TB, dir string, opts outbox.Options) *outbox.Outbox {
	t.Helper()
	if opts.Kiosk == "" {
		opts.Kiosk = Kiosk
	}
	o, err := outbox.Open(context.Background(), dir, opts)
	if err != nil {
		t.Fatalf("open an outbox in %s: %v", dir, err)
	}
	t.Cleanup(func() {
		// The test's own context is cancelled by now.
		if err := o.Check(context.Background()); err != nil && !errors.Is(err, outbox.ErrClosed) {
			t.Errorf("check of the outbox in %s: %v", dir, err)
		}
		if err := o.Close(); err != nil {
			t.Errorf("close the outbox in %s: %v", dir, err)
		}
	})
	return o
}
