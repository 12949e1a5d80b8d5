package ledgertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/ledger"
)

func sameDigest(t *testing.T, open Opener) {
	make := Receipt()
	var first []ledger.Outcome
	with(t, open, func(ctx context.Context, l ledger.Ledger) {
		first = must[[]ledger.Outcome](t)(l.Intake(ctx, Kiosk, start, []ledger.Incoming{Incoming(1), Incoming(2)}, make))
		if len(first) != 2 || !first[0].New || first[0].Fork {
			t.Fatalf("Intake = %+v, want two new ones", first)
		}
	})
	with(t, open, func(ctx context.Context, l ledger.Ledger) { // after a restart, and in another batch
		again := must[[]ledger.Outcome](t)(l.Intake(ctx, Kiosk, start.AddDate(10, 0, 0), []ledger.Incoming{Incoming(2), Incoming(3), Incoming(1)}, make))
		if !bytes.Equal(again[0].Receipt, first[1].Receipt) || !bytes.Equal(again[2].Receipt, first[0].Receipt) || again[0].New || again[2].New {
			t.Errorf("receipts of the second time: got %q and %q, want %q and %q", again[0].Receipt, again[2].Receipt, first[1].Receipt, first[0].Receipt)
		}
		if !again[1].New {
			t.Error("the third record is not new, want new")
		}
		other := must[[]ledger.Outcome](t)(l.Intake(ctx, "K-000002", start, []ledger.Incoming{Incoming(1)}, make))
		if !other[0].New || other[0].Fork {
			t.Errorf("the same number from another kiosk: got %+v, want new", other[0])
		}
		if n := len(must[[]ledger.Record](t)(l.Undecided(ctx, 0, 10))); n != 4 {
			t.Errorf("Undecided = %d records, want 4", n)
		}
		var after int64
		seen := map[ledger.Key]bool{}
		for {
			recs := must[[]ledger.Record](t)(l.Undecided(ctx, after, 3))
			if len(recs) == 0 {
				break
			}
			for _, r := range recs {
				if r.Place <= after || seen[r.Key] {
					t.Errorf("Undecided after %d = a record at %d, seen before: %v", after, r.Place, seen[r.Key])
				}
				after, seen[r.Key] = r.Place, true
			}
		}
		if len(seen) != 4 {
			t.Errorf("walking along Undecided gave %d records, want 4", len(seen))
		}
	})
}

func oneTransaction(t *testing.T, open Opener) {
	with(t, open, func(ctx context.Context, l ledger.Ledger) {
		broken := errors.New("the receipt key is gone")
		_, err := l.Intake(ctx, Kiosk, start, []ledger.Incoming{Incoming(1), Incoming(2)}, func([]ledger.Incoming, time.Time) ([][]byte, error) {
			return nil, broken
		})
		if !errors.Is(err, broken) {
			t.Errorf("Intake = %v, want the receipt's error", err)
		}
		if n := len(must[[]ledger.Record](t)(l.Undecided(ctx, 0, 10))); n != 0 {
			t.Errorf("Undecided = %d records after a failed batch, want 0", n)
		}
		must[[]ledger.Outcome](t)(l.Intake(ctx, Kiosk, start, []ledger.Incoming{Incoming(1)}, Receipt()))
		err = l.Decide(ctx, []ledger.Verdict{{Key: key(Incoming(1)), Decision: Registered()}}, func([]ledger.Decided) ([][]byte, error) { return nil, broken })
		if !errors.Is(err, broken) {
			t.Errorf("Decide = %v, want the receipt's error", err)
		}
		if r := must[ledger.Request](t)(l.Get(ctx, Incoming(1).Doc)); r.State != ledger.Received {
			t.Errorf("state after a failed decision: got %q, want received", r.State)
		}
	})
}

func fork(t *testing.T, open Opener) {
	with(t, open, func(ctx context.Context, l ledger.Ledger) {
		make := Receipt()
		a, b := Incoming(1), Incoming(2)
		b.Seq = 1
		must[[]ledger.Outcome](t)(l.Intake(ctx, Kiosk, start, []ledger.Incoming{a}, make))
		o := must[[]ledger.Outcome](t)(l.Intake(ctx, Kiosk, start, []ledger.Incoming{b}, make))
		if !o[0].Fork || !o[0].New || !bytes.HasSuffix(o[0].Receipt, []byte("fork true")) {
			t.Errorf("Intake of a fork = %+v %q, want a new fork whose receipt says so", o[0], o[0].Receipt)
		}
		again := must[[]ledger.Outcome](t)(l.Intake(ctx, Kiosk, start, []ledger.Incoming{b}, make))
		if !bytes.Equal(again[0].Receipt, o[0].Receipt) {
			t.Errorf("receipt of a fork again: got %q, want %q", again[0].Receipt, o[0].Receipt)
		}
		if n := len(must[[]ledger.Record](t)(l.Undecided(ctx, 0, 10))); n != 2 {
			t.Errorf("Undecided = %d, want both", n)
		}
		al := must[[]ledger.Alarm](t)(l.Alarms(ctx, 10))
		if len(al) != 1 || al[0].Code != "kiosk.fork" || al[0].Kiosk != Kiosk {
			t.Errorf("Alarms = %+v, want one kiosk.fork", al)
		}
	})
}

// renamed: a record whose document's name had changed on the way was kept under the
// wrong name, and kept the record under the right one out for ever.
func renamed(t *testing.T, open Opener) {
	with(t, open, func(ctx context.Context, l ledger.Ledger) {
		make := Receipt()
		a, b := Incoming(1), Incoming(1)
		a.Doc[5] ^= 1
		must[[]ledger.Outcome](t)(l.Intake(ctx, Kiosk, start, []ledger.Incoming{a}, make))
		o := must[[]ledger.Outcome](t)(l.Intake(ctx, Kiosk, start, []ledger.Incoming{b}, make))
		if !o[0].Fork || !o[0].New {
			t.Errorf("Intake of the same bytes under another name = %+v, want a new fork", o[0])
		}
		if again := must[[]ledger.Outcome](t)(l.Intake(ctx, Kiosk, start, []ledger.Incoming{b}, make)); again[0].New {
			t.Errorf("Intake of the same bytes under that name again = %+v, want what is there", again[0])
		}
		ok(t, Settle(ctx, l, key(a), Refused("container.other")))
		ok(t, Settle(ctx, l, key(b), Registered()))
		if r := must[ledger.Request](t)(l.Get(ctx, b.Doc)); r.State != ledger.Registered {
			t.Errorf("state under the right name: got %q, want registered", r.State)
		}
	})
}

// atOnce sends the same records from many sides.
func atOnce(t *testing.T, open Opener) {
	with(t, open, func(ctx context.Context, l ledger.Ledger) {
		var mu sync.Mutex
		made := 0
		var wg sync.WaitGroup
		got := make([][]ledger.Outcome, 8)
		for i := range got {
			wg.Go(func() {
				var recs []ledger.Incoming
				for s := range uint64(20) {
					recs = append(recs, Incoming(s+1))
				}
				out, err := l.Intake(ctx, Kiosk, start, recs, func(fresh []ledger.Incoming, _ time.Time) (out [][]byte, _ error) {
					mu.Lock()
					defer mu.Unlock()
					for range fresh {
						made++
						out = append(out, fmt.Appendf(nil, "receipt %d", made))
					}
					return out, nil
				})
				if err != nil {
					t.Error(err)
				}
				got[i] = out
			})
		}
		wg.Wait()
		for i := range got {
			for j := range got[i] {
				if !bytes.Equal(got[i][j].Receipt, got[0][j].Receipt) {
					t.Fatalf("record %d: sender %d got %q, sender 0 got %q", j, i, got[i][j].Receipt, got[0][j].Receipt)
				}
			}
		}
		if n := len(must[[]ledger.Record](t)(l.Undecided(ctx, 0, 1000))); n != 20 {
			t.Errorf("Undecided = %d, want 20", n)
		}
	})
}
