package outbox_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/outbox/outboxtest"
)

// TestReceiptsFitAFullFile: a kiosk with a small file took large requests until it
// was full; with each receipt it wanted to remove the large value at once, for which
// bbolt must copy the large values beside it; there was no room for that, so no
// receipt could be stored, so nothing could ever be removed, for ever.
func TestReceiptsFitAFullFile(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			o := outboxtest.OpenDir(t, t.TempDir(), outbox.Options{MaxSize: outbox.MinSize})
			waits := map[int]outbox.Request{}
			next := 0
			for range 60 {
				if r.IntN(3) > 0 {
					d := outboxtest.Draft(next)
					if r.IntN(2) == 0 {
						d.Sealed = make([]byte, 40<<10+r.IntN(24<<10))
					}
					if req, err := o.Accept(t.Context(), d); err == nil {
						waits[next] = req
					}
					next++
					continue
				}
				if _, err := o.Lease(t.Context(), 0, 0); err != nil {
					t.Fatalf("lease: %v", err)
				}
				for n, req := range waits {
					if r.IntN(3) > 0 {
						continue
					}
					if err := o.Receipted(t.Context(), []outbox.Receipt{{
						Seq: req.Seq, Doc: req.Doc, Stage: outbox.Delivered, At: outboxtest.Day, Bytes: make([]byte, 200),
					}}); err != nil {
						t.Fatalf("receipt for request %d: %v", n, err)
					}
					delete(waits, n)
				}
			}
			for _, req := range waits {
				if err := o.Receipted(t.Context(), []outbox.Receipt{{
					Seq: req.Seq, Doc: req.Doc, Stage: outbox.Delivered, At: outboxtest.Day, Bytes: make([]byte, 200),
				}}); err != nil {
					t.Fatalf("a last receipt: %v", err)
				}
			}
			outboxtest.Accept(t, o, outboxtest.Draft(next))
		})
	}
}

// TestWithdrawalFitsAFullFile: a kiosk with a small file was full of large requests,
// in pieces; a citizen could not take one back, for bbolt must copy the large values
// beside the one that goes, and there was no room for that.
func TestWithdrawalFitsAFullFile(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 2))
			dir := t.TempDir()
			o := outboxtest.OpenDir(t, dir, outbox.Options{MaxSize: outbox.MinSize})
			var waits []outbox.Request
			next := 0
			for full := 0; full < 12; next++ {
				d := outboxtest.Draft(next)
				d.Sealed = make([]byte, 12<<10+r.IntN(52<<10))
				req, err := o.Accept(t.Context(), d)
				if err == nil {
					waits = append(waits, req)
					continue
				}
				if full++; full%4 > 0 {
					continue
				}
				at := r.IntN(len(waits)) // it makes room again, in pieces
				if err := o.Withdraw(t.Context(), waits[at].Doc); err != nil {
					t.Fatalf("withdraw one of %d: %v", len(waits), err)
				}
				waits = append(waits[:at], waits[at+1:]...)
			}
			for _, req := range waits {
				if err := o.Withdraw(t.Context(), req.Doc); err != nil {
					t.Fatalf("withdraw request %d: %v", req.Seq, err)
				}
			}
			outboxtest.Accept(t, o, outboxtest.Draft(next))
		})
	}
}
