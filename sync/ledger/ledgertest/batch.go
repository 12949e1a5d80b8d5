package ledgertest

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/ledger"
)

// batchOfReceipts has receipts made once for all that is new, forks of the same
// batch among them, and for nothing else.
func batchOfReceipts(t *testing.T, open Opener) {
	with(t, open, func(ctx context.Context, l ledger.Ledger) {
		var asked [][]ledger.Incoming
		sign := func(fresh []ledger.Incoming, at time.Time) ([][]byte, error) {
			asked = append(asked, fresh)
			return Receipt()(fresh, at)
		}
		a, b, f, c := Incoming(1), Incoming(2), Incoming(3), Incoming(4)
		f.Seq = 2
		first := must[[]ledger.Outcome](t)(l.Intake(ctx, Kiosk, start, []ledger.Incoming{a, b, f, a}, sign))
		if len(asked) != 1 || len(asked[0]) != 3 || asked[0][2].Fork == nil || *asked[0][2].Fork != b.Digest {
			t.Fatalf("receipts were asked for %+v, want once for three, the last a fork of the second", asked)
		}
		if !first[2].Fork || !bytes.Equal(first[0].Receipt, first[3].Receipt) {
			t.Errorf("Intake = %+v, want a fork, and one receipt for what came twice", first)
		}
		again := must[[]ledger.Outcome](t)(l.Intake(ctx, Kiosk, start, []ledger.Incoming{f, c, b}, sign))
		if len(asked) != 2 || len(asked[1]) != 1 || asked[1][0].Seq != c.Seq {
			t.Fatalf("receipts were asked for %+v, want only for the new one", asked)
		}
		if !bytes.Equal(again[0].Receipt, first[2].Receipt) || !bytes.Equal(again[2].Receipt, first[1].Receipt) || again[0].New || !again[0].Fork {
			t.Errorf("Intake again = %+v, want the receipts of the first time", again)
		}
		must[[]ledger.Outcome](t)(l.Intake(ctx, Kiosk, start, []ledger.Incoming{a, b, c}, sign))
		if len(asked) != 2 {
			t.Errorf("receipts were asked for where nothing was new: %+v", asked[2:])
		}
		few := func([]ledger.Incoming, time.Time) ([][]byte, error) { return [][]byte{{1}}, nil }
		if _, err := l.Intake(ctx, Kiosk, start, []ledger.Incoming{Incoming(8), Incoming(9)}, few); err == nil {
			t.Error("Intake with one receipt for two records: got nil, want an error")
		}
	})
}

// batchOfDecisions decides several records of a kiosk, some of them about one
// document, all or none.
func batchOfDecisions(t *testing.T, open Opener) {
	with(t, open, func(ctx context.Context, l ledger.Ledger) {
		a, again, other, bad := Incoming(1), Incoming(1), Incoming(3), Incoming(4)
		again.Epoch, again.Seq = ledger.Epoch{9}, 2 // the same bytes after a salvage
		other.Doc = a.Doc                           // names the document and does not hold it
		must[[]ledger.Outcome](t)(l.Intake(ctx, Kiosk, start, []ledger.Incoming{a, again, other, bad}, Receipt()))
		named := Refused("envelope.unreadable")
		named.Unproven = true
		all := []ledger.Verdict{
			{Key: key(a), Decision: Registered()},
			{Key: key(again), Decision: named},
			{Key: key(other), Decision: named},
			{Key: key(bad), Decision: Refused("signer.not_in_bundle")},
		}
		var asked []ledger.Decided
		sign := func(ds []ledger.Decided) ([][]byte, error) {
			asked = ds
			return Decided(ds)
		}
		err := l.Decide(ctx, append(all[:2:2], ledger.Verdict{Key: key(Incoming(9)), Decision: Registered()}), sign)
		if n := len(must[[]ledger.Record](t)(l.Undecided(ctx, 0, 10))); !errors.Is(err, ledger.ErrNotFound) || n != 4 {
			t.Errorf("Decide with a record that is not there = %v, %d are undecided, want ErrNotFound and all 4", err, n)
		}
		ok(t, l.Decide(ctx, append(all, all[0]), sign))
		want := []ledger.State{ledger.Registered, ledger.Registered, ledger.Refused, ledger.Refused}
		if len(asked) != len(want) {
			t.Fatalf("receipts were asked for %+v, want %d", asked, len(want))
		}
		its := must[[]ledger.Item](t)(l.Items(ctx, Kiosk, 0, 10))
		for i, d := range asked {
			if d.Key != all[i].Key || d.State != want[i] || (d.State == ledger.Refused) != (d.Reason != "") {
				t.Errorf("number %d became %+v, want %s", i, d, want[i])
			}
			if i >= len(its) || its[i].Stage != want[i] || its[i].Doc != d.Doc {
				t.Errorf("items = %+v, want the decisions in their order", its)
			}
		}
		asked = nil
		ok(t, l.Decide(ctx, all, sign))
		if asked != nil || len(must[[]ledger.Item](t)(l.Items(ctx, Kiosk, 0, 10))) != len(want) {
			t.Errorf("deciding again asked for receipts of %+v, want nothing", asked)
		}
	})
}

// orderOfDecisions: what one batch registers is walked in its order, and goes to the
// kiosk that the records are of.
func orderOfDecisions(t *testing.T, open Opener) {
	with(t, open, func(ctx context.Context, l ledger.Ledger) {
		var recs []ledger.Incoming
		var all []ledger.Verdict
		for seq := range uint64(10) {
			recs = append(recs, Incoming(seq+1))
			all = append(all, ledger.Verdict{Key: key(recs[seq]), Decision: Registered()})
		}
		must[[]ledger.Outcome](t)(l.Intake(ctx, Kiosk, start, recs, Receipt()))
		others := Incoming(11)
		must[[]ledger.Outcome](t)(l.Intake(ctx, "K-000002", start, []ledger.Incoming{others}, Receipt()))
		foreign := ledger.Verdict{Key: key(others), Decision: Registered()}
		foreign.Kiosk = "K-000002"
		if err := l.Decide(ctx, []ledger.Verdict{all[0], foreign}, Decided); err == nil {
			t.Error("Decide of two kiosks' records = nil, want an error: one would get the receipt of the other")
		}
		ok(t, l.Decide(ctx, all, Decided))
		docs := must[[]ledger.NumberedDoc](t)(l.DocsAfter(ctx, 0, 100))
		if !slices.EqualFunc(docs, recs, func(d ledger.NumberedDoc, r ledger.Incoming) bool { return d.Doc == r.Doc }) {
			t.Errorf("DocsAfter = %d documents, want the %d of the batch in its order", len(docs), len(recs))
		}
	})
}
