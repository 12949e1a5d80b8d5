package portal

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/outbox/outboxtest"
)

// TestRestoredOutboxDoublesNothing: the kiosk's medium dies after the portal has
// some of its requests, and the outbox is made anew from a backup that is older
// than that, or from the mirror. All of it is sent again; the portal gives the
// receipts that it gave, registers nothing twice, and nothing is missing.
func TestRestoredOutboxDoublesNothing(t *testing.T) {
	for _, from := range []string{"backup", "mirror"} {
		t.Run(from, func(t *testing.T) {
			w := newWorld(t)
			mirror := t.TempDir()
			k := w.kioskWith(w.Device, outboxtest.OpenDir(t, t.TempDir(), outbox.Options{Mirror: mirror}))
			first, second := k.one("citizen-1"), k.one("citizen-1")
			file := filepath.Join(t.TempDir(), "backup")
			f, err := os.Create(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(k.o.Backup(t.Context(), f), f.Close()); err != nil {
				t.Fatal(err)
			}
			_, stop := k.run(k.uplinkConfig())
			k.untilState(outbox.Doc(first.ID()), outbox.Registered)
			k.untilState(outbox.Doc(second.ID()), outbox.Registered)
			stop()
			before := map[outbox.Doc]outbox.Request{}
			for _, c := range []outbox.Doc{outbox.Doc(first.ID()), outbox.Doc(second.ID())} {
				r, err := k.o.Get(t.Context(), c)
				if err != nil {
					t.Fatal(err)
				}
				before[c] = r
			}
			third := k.one("citizen-1") // never sent; only the mirror has it
			if err := k.o.Mirrored(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := k.o.Close(); err != nil {
				t.Fatal(err)
			}
			source, all := file, 2
			if from == "mirror" {
				source, all = mirror, 3
			}
			dir := t.TempDir()
			res, err := outbox.Restore(t.Context(), dir, outbox.Options{Kiosk: outboxtest.Kiosk}, source)
			if err != nil || res.Requests != all || res.Lost != 0 {
				t.Fatalf("Restore = %+v, %v", res, err)
			}
			k.o = outboxtest.OpenDir(t, dir, outbox.Options{})
			k.sink.o = k.o
			k.run(k.uplinkConfig())
			for doc, old := range before {
				k.untilState(doc, outbox.Registered)
				r, err := k.o.Get(t.Context(), doc)
				if err != nil {
					t.Fatal(err)
				}
				// The decision may come before the request is sent again: then no
				// other receipt is asked for.
				if !bytes.Equal(r.DecidedReceipt, old.DecidedReceipt) || r.DurableReceipt != nil && !bytes.Equal(r.DurableReceipt, old.DurableReceipt) {
					t.Errorf("request %d got another receipt than before", r.Seq)
				}
			}
			if from == "mirror" {
				k.untilState(outbox.Doc(third.ID()), outbox.Registered)
			}
			if n := w.count(ledger.Registered); n != all {
				t.Errorf("registered = %d, want %d", n, all)
			}
		})
	}
}
