package ledgertest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/ledger"
)

// uploads keeps large records while they come: in order, from the durable offset on,
// whatever comes in between.
func uploads(t *testing.T, open Opener) {
	with(t, open, func(ctx context.Context, l ledger.Ledger) {
		all := bytes.Repeat([]byte("sealed bytes "), 100)
		digest := sha256.Sum256(all)
		size := int64(len(all))
		q := ledger.Quota{Uploads: 2, Bytes: 3 * size, Rest: time.Hour}
		begin := func(kiosk string, digest [32]byte, size int64, at time.Time) int64 {
			t.Helper()
			return must[int64](t)(l.BeginUpload(ctx, kiosk, ledger.Upload{Digest: digest, Size: size, At: at}, q))
		}
		add := func(from, to, want int64) {
			t.Helper()
			if have := must[int64](t)(l.AppendUpload(ctx, Kiosk, digest, from, all[from:to], start)); have != want {
				t.Errorf("bytes %d to %d: %d are here, want %d", from, to, have, want)
			}
		}
		if _, err := l.AppendUpload(ctx, Kiosk, digest, 0, all, start); !errors.Is(err, ledger.ErrNotFound) {
			t.Errorf("bytes of what was not begun: %v, want ErrNotFound", err)
		}
		if _, err := l.ReadUpload(ctx, Kiosk, digest); !errors.Is(err, ledger.ErrNotFound) {
			t.Errorf("read what was not begun: %v, want ErrNotFound", err)
		}
		if have := begin(Kiosk, digest, size, start); have != 0 {
			t.Errorf("a new one has %d bytes", have)
		}
		add(0, 100, 100)
		add(0, 100, 100)   // again
		add(200, 300, 100) // a gap
		add(50, 90, 100)   // what is here
		add(50, 250, 250)  // the rest of it
		if have := must[int64](t)(l.AppendUpload(ctx, Kiosk, digest, 250, make([]byte, size), start)); have != 250 {
			t.Errorf("more than its size was taken: %d", have)
		}
		if have := begin(Kiosk, digest, size, start.Add(time.Minute)); have != 250 {
			t.Errorf("begun again it has %d bytes, want 250", have)
		}
		if have := begin("K-000002", digest, size, start); have != 0 {
			t.Errorf("another kiosk's has %d bytes", have)
		}
		ok(t, l.Check(ctx))
		add(250, size, size)
		if got := must[[]byte](t)(l.ReadUpload(ctx, Kiosk, digest)); !bytes.Equal(got, all) {
			t.Errorf("read %d bytes, want the %d that came", len(got), size)
		}
		if have := begin(Kiosk, digest, size-1, start); have != 0 {
			t.Errorf("of another size it has %d bytes, want that it begins anew", have)
		}

		// The quota: what rests makes room, what moves does not.
		begin(Kiosk, [32]byte{2}, size, start.Add(30*time.Minute))
		if _, err := l.BeginUpload(ctx, Kiosk, ledger.Upload{Digest: [32]byte{3}, Size: 1, At: start.Add(50 * time.Minute)}, q); !errors.Is(err, ledger.ErrQuota) {
			t.Errorf("a third upload: %v, want ErrQuota", err)
		}
		begin(Kiosk, [32]byte{3}, 1, start.Add(70*time.Minute))
		if _, err := l.BeginUpload(ctx, Kiosk, ledger.Upload{Digest: [32]byte{4}, Size: 3*size + 1, At: start.Add(24 * time.Hour)}, q); !errors.Is(err, ledger.ErrQuota) {
			t.Errorf("an upload of more than the quota: %v, want ErrQuota", err)
		}
		have := must[[]ledger.Upload](t)(l.Uploads(ctx, Kiosk))
		if len(have) != 2 || have[0].Digest[0] != 2 || have[1].Digest[0] != 3 || !have[1].At.Equal(start.Add(70*time.Minute)) {
			t.Errorf("uploads = %+v, want 2 and 3", have)
		}
		if n := must[int](t)(l.ForgetUploads(ctx, start.Add(time.Hour))); n != 2 { // that and the other kiosk's
			t.Errorf("forgot %d, want 2", n)
		}
		ok(t, l.EndUpload(ctx, Kiosk, [32]byte{3}))
		ok(t, l.EndUpload(ctx, Kiosk, [32]byte{3}))
		if have := must[[]ledger.Upload](t)(l.Uploads(ctx, Kiosk)); len(have) != 0 {
			t.Errorf("uploads = %+v, want none", have)
		}
	})
}
