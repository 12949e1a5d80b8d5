package ledgertest

import (
	"context"
	"slices"
	"testing"

	"github.com/penjire/penjire/sync/ledger"
)

// checkNumber finds printed copies by the number typed from the paper.
func checkNumber(t *testing.T, open Opener) {
	const number, other = "K7M4P29QDX", "0000000000"
	with(t, open, func(ctx context.Context, l ledger.Ledger) {
		recs := []ledger.Incoming{Incoming(1), Incoming(2), Incoming(3)}
		must[[]ledger.Outcome](t)(l.Intake(ctx, Kiosk, start, recs, Receipt()))
		for _, r := range recs {
			ok(t, Settle(ctx, l, key(r), Registered()))
		}
		a := ledger.Answer{State: ledger.Answered, At: start, Container: []byte("c"), Packet: []byte("p"), Seal: "HTTPS://X/V/A"}
		if err := l.Answer(ctx, recs[0].Doc, a); err == nil {
			t.Error("Answer with a seal and no check number = nil, want an error")
		}
		if got := must[[]string](t)(l.ByCheckNumber(ctx, number)); len(got) != 0 {
			t.Errorf("ByCheckNumber before the answer = %q, want none", got)
		}
		a.Check = number
		ok(t, l.Answer(ctx, recs[0].Doc, a))
		ok(t, l.Answer(ctx, recs[1].Doc, ledger.Answer{State: ledger.Refused, At: start, Container: []byte("c"), Packet: []byte("p")}))
	})
	with(t, open, func(ctx context.Context, l ledger.Ledger) { // after a restart
		for _, x := range []struct {
			number string
			want   []string
		}{{number, []string{"HTTPS://X/V/A"}}, {other, nil}, {"", nil}} {
			if got := must[[]string](t)(l.ByCheckNumber(ctx, x.number)); !slices.Equal(got, x.want) {
				t.Errorf("ByCheckNumber(%q) = %q, want %q", x.number, got, x.want)
			}
		}
		// 45 bits are few enough for two copies to share a number one day.
		ok(t, l.Answer(ctx, Incoming(3).Doc, ledger.Answer{
			State: ledger.Answered, At: start.AddDate(1, 0, 0), Container: []byte("c"), Packet: []byte("p"), Seal: "HTTPS://X/V/B", Check: number,
		}))
		if got := must[[]string](t)(l.ByCheckNumber(ctx, number)); !slices.Equal(got, []string{"HTTPS://X/V/A", "HTTPS://X/V/B"}) {
			t.Errorf("ByCheckNumber of two copies = %q, want both", got)
		}
	})
}
