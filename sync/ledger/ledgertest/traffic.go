package ledgertest

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/ledger"
)

// traffic counts each record once, in the hour in which it first came.
func traffic(t *testing.T, open Opener) {
	with(t, open, func(ctx context.Context, l ledger.Ledger) {
		one := int64(len(Incoming(1).Sealed))
		take := func(kiosk string, at time.Time, seqs ...uint64) {
			t.Helper()
			var recs []ledger.Incoming
			for _, n := range seqs {
				recs = append(recs, Incoming(n))
			}
			must[[]ledger.Outcome](t)(l.Intake(ctx, kiosk, at, recs, Receipt()))
			ok(t, l.Visited(ctx, kiosk, ledger.Visit{Epoch: epoch, At: at}))
		}
		take("K-000002", start.Add(59*time.Minute), 1)
		take(Kiosk, start.Add(10*time.Minute), 1, 2)
		take(Kiosk, start.Add(50*time.Minute), 2, 3) // one of them again
		take(Kiosk, start.Add(3*time.Hour), 1, 2, 3) // all of them again
		take(Kiosk, start.Add(4*time.Hour), 4)
		all := []ledger.Traffic{
			{Kiosk: Kiosk, Hour: start, Records: 3, Bytes: 3 * one},
			{Kiosk: Kiosk, Hour: start.Add(4 * time.Hour), Records: 1, Bytes: one},
			{Kiosk: "K-000002", Hour: start, Records: 1, Bytes: one},
		}
		for _, c := range []struct {
			kiosk string
			since time.Time
			want  []ledger.Traffic
		}{
			{Kiosk, start.Add(30 * time.Minute), all[:2]},
			{Kiosk, start.Add(time.Hour), all[1:2]},
			{"K-000002", start, all[2:]},
			{"K-000003", start, nil},
			{"", start, all},
			{"", start.Add(5 * time.Hour), nil},
		} {
			if got := must[[]ledger.Traffic](t)(l.Traffic(ctx, c.kiosk, c.since)); !slices.Equal(got, c.want) {
				t.Errorf("Traffic(%q, %s) = %v, want %v", c.kiosk, c.since.Format(time.TimeOnly), got, c.want)
			}
		}
	})
}
