package ledgertest

import (
	"context"
	"errors"
	"testing"

	"github.com/penjire/penjire/sync/ledger"
)

// dictionaries holds that what envelopes were compressed with is kept, and that
// a record waits for it without keeping others waiting.
func dictionaries(t *testing.T, open Opener) {
	with(t, open, func(ctx context.Context, l ledger.Ledger) {
		if _, err := l.Dictionary(ctx, 7); !errors.Is(err, ledger.ErrNotFound) {
			t.Errorf("Dictionary = %v, want ErrNotFound", err)
		}
		one, two := Incoming(1), Incoming(2)
		must[[]ledger.Outcome](t)(l.Intake(ctx, Kiosk, start, []ledger.Incoming{one, two}, Receipt()))
		ok(t, l.AwaitDictionary(ctx, key(one), 6))
		ok(t, l.AwaitDictionary(ctx, key(one), 7)) // the last word counts
		if err := l.AwaitDictionary(ctx, key(Incoming(3)), 7); !errors.Is(err, ledger.ErrNotFound) {
			t.Errorf("AwaitDictionary of no record = %v, want ErrNotFound", err)
		}
		if u := must[[]ledger.Record](t)(l.Undecided(ctx, 0, 10)); len(u) != 1 || u[0].Doc != two.Doc {
			t.Errorf("Undecided = %d records, want the one that does not wait", len(u))
		}
		ok(t, l.KeepDictionary(ctx, 6, []byte("another")))
		if u := must[[]ledger.Record](t)(l.Undecided(ctx, 0, 10)); len(u) != 1 {
			t.Errorf("Undecided = %d records after another dictionary, want 1", len(u))
		}
		ok(t, l.KeepDictionary(ctx, 7, []byte("seven")))
		ok(t, l.KeepDictionary(ctx, 7, []byte("not seven"))) // the first stays
		if b := must[[]byte](t)(l.Dictionary(ctx, 7)); string(b) != "seven" {
			t.Errorf("Dictionary = %q, want what was kept first", b)
		}
		if u := must[[]ledger.Record](t)(l.Undecided(ctx, 0, 10)); len(u) != 2 || u[0].Doc != one.Doc {
			t.Errorf("Undecided = %d records, want both, in their order", len(u))
		}
		ok(t, Settle(ctx, l, key(one), Registered()))
		ok(t, l.AwaitDictionary(ctx, key(two), 1<<32-1))
		ok(t, l.Check(ctx))
	})
}
