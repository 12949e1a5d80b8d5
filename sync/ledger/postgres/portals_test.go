package postgres

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/ledger/ledgertest"
	"github.com/penjire/penjire/sync/ledger/postgrestest"
)

// both runs f of two portals at once.
func both(a, b func()) {
	var wg sync.WaitGroup
	wg.Go(a)
	wg.Go(b)
	wg.Wait()
}

// TestUploadsAtOnce has one portal end or forget an upload that another adds to:
// nothing is left behind that keeps the upload from coming again.
func TestUploadsAtOnce(t *testing.T) {
	server, ctx := postgrestest.Start(t), t.Context()
	url := server.Database(t)
	one, two := open(t, url), open(t, url)
	u := ledger.Upload{Digest: [32]byte{1}, Size: 100, At: time.UnixMilli(1000)}
	q := ledger.Quota{Uploads: 1, Bytes: 100, Rest: time.Hour}
	for i := range 100 {
		have, err := one.BeginUpload(ctx, ledgertest.Kiosk, u, q)
		if err != nil {
			t.Fatal(err)
		}
		if b, err := one.ReadUpload(ctx, ledgertest.Kiosk, u.Digest); err != nil || int64(len(b)) != have {
			t.Fatalf("round %d: %d bytes of the upload are here, %v, want %d", i, len(b), err, have)
		}
		add := func(d *DB) func() {
			return func() {
				if _, err := d.AppendUpload(ctx, ledgertest.Kiosk, u.Digest, have, []byte{1}, time.UnixMilli(3000)); err != nil && !errors.Is(err, ledger.ErrNotFound) {
					t.Errorf("round %d: AppendUpload = %v", i, err)
				}
			}
		}
		switch i % 3 {
		case 0:
			both(add(one), func() {
				if err := two.EndUpload(ctx, ledgertest.Kiosk, u.Digest); err != nil {
					t.Error(err)
				}
			})
		case 1:
			both(add(one), func() {
				if _, err := two.ForgetUploads(ctx, time.UnixMilli(2000)); err != nil {
					t.Error(err)
				}
			})
		default:
			both(add(one), add(two))
			if err := one.EndUpload(ctx, ledgertest.Kiosk, u.Digest); err != nil {
				t.Error(err)
			}
		}
		if err := one.Check(ctx); err != nil {
			t.Fatalf("round %d: Check = %v", i, err)
		}
	}
	closed(t, one)
	closed(t, two)
}

// TestOneStamp has two portals stamp the same head: the stamp that was there when
// the first one was told so is there for ever.
func TestOneStamp(t *testing.T) {
	server, ctx := postgrestest.Start(t), t.Context()
	url := server.Database(t)
	one, two := open(t, url), open(t, url)
	e := ledger.Epoch{1}
	for size := range int64(100) {
		if err := one.SetHead(ctx, ledgertest.Kiosk, e, head(size), head(size+1)); err != nil {
			t.Fatal(err)
		}
		var seen [2]string
		stamp := func(i int, d *DB) func() {
			return func() {
				err := d.StampHead(ctx, ledgertest.Kiosk, e, size+1, []byte("note"), []byte{byte(i)})
				h, herr := d.Head(ctx, ledgertest.Kiosk, e)
				if err := errors.Join(err, herr); err != nil {
					t.Error(err)
				}
				seen[i] = string(h.Stamp)
			}
		}
		both(stamp(0, one), stamp(1, two))
		if seen[0] != seen[1] {
			t.Fatalf("head %d: one portal saw stamp %q, the other %q", size+1, seen[0], seen[1])
		}
	}
	closed(t, one)
	closed(t, two)
}

func head(size int64) ledger.Head {
	if size == 0 {
		return ledger.Head{}
	}
	return ledger.Head{Size: size, Root: [32]byte{byte(size)}, Note: []byte("note"), At: time.UnixMilli(1000)}
}
