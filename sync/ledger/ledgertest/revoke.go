package ledgertest

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/penjire/penjire/sync/ledger"
)

// revoke takes back the seals of answers, each once.
func revoke(t *testing.T, open Opener) {
	first := ledger.Revocation{
		Seal: [16]byte{9}, Doc: Incoming(1).Doc, Agency: "employment-service", Reason: ledger.RevokedMistake, By: "NUSGA Myrat", At: start.AddDate(0, 0, 1),
	}
	with(t, open, func(ctx context.Context, l ledger.Ledger) {
		recs := []ledger.Incoming{Incoming(1), Incoming(2), Incoming(3)}
		must[[]ledger.Outcome](t)(l.Intake(ctx, Kiosk, start, recs, Receipt()))
		for _, r := range recs {
			ok(t, Settle(ctx, l, key(r), Registered()))
		}
		if err := l.RevokeSeal(ctx, first); !errors.Is(err, ledger.ErrNotFound) {
			t.Errorf("RevokeSeal of what is not answered = %v, want ErrNotFound", err)
		}
		a := ledger.Answer{State: ledger.Answered, At: start, Container: []byte("c"), Packet: []byte("p")}
		ok(t, l.Answer(ctx, recs[2].Doc, a))
		a.Seal, a.Check = "HTTPS://X/V/A", "K7M4P29QDX"
		a.ID = ledger.Doc{7, 7, 7, 7, 7, 7, 7, 7, 1}
		ok(t, l.Answer(ctx, recs[0].Doc, a))
		for _, c := range []struct {
			prefix []byte
			want   int
		}{{a.ID[:], 1}, {a.ID[:16], 1}, {a.ID[:8], 1}, {recs[0].Doc[:16], 0}, {[]byte{7, 7, 7, 7, 7, 7, 7, 8}, 0}} {
			got := must[[]ledger.Request](t)(l.ByAnswer(ctx, c.prefix))
			if len(got) != c.want || c.want == 1 && (got[0].Doc != recs[0].Doc || string(got[0].Answer.Container) != "c") {
				t.Errorf("ByAnswer(%x) = %d requests, want %d", c.prefix, len(got), c.want)
			}
		}
		if _, err := l.ByAnswer(ctx, a.ID[:7]); err == nil {
			t.Error("ByAnswer of 7 bytes = nil, want an error")
		}
		for what, change := range map[string]func(*ledger.Revocation){
			"an answer without a seal": func(r *ledger.Revocation) { r.Doc = recs[2].Doc },
			"another agency's":         func(r *ledger.Revocation) { r.Agency = "ombudsman" },
			"an unknown document":      func(r *ledger.Revocation) { r.Doc = ledger.Doc{1} },
		} {
			r := first
			change(&r)
			if err := l.RevokeSeal(ctx, r); !errors.Is(err, ledger.ErrNotFound) {
				t.Errorf("RevokeSeal of %s = %v, want ErrNotFound", what, err)
			}
		}
		for what, change := range map[string]func(*ledger.Revocation){
			"no reason": func(r *ledger.Revocation) { r.Reason = "" },
			"nobody":    func(r *ledger.Revocation) { r.By = "" },
		} {
			r := first
			change(&r)
			if err := l.RevokeSeal(ctx, r); err == nil {
				t.Errorf("RevokeSeal by or for %s = nil, want an error", what)
			}
		}
		if got := must[[]ledger.Revocation](t)(l.RevokedSeals(ctx)); len(got) != 0 {
			t.Errorf("RevokedSeals = %v, want none", got)
		}
		ok(t, l.RevokeSeal(ctx, first))
		again := first
		again.Reason, again.By = ledger.RevokedOrder, "NUSGA Ogulgerek"
		if err := l.RevokeSeal(ctx, again); !errors.Is(err, ledger.ErrRevoked) {
			t.Errorf("RevokeSeal again = %v, want ErrRevoked", err)
		}
	})
	with(t, open, func(ctx context.Context, l ledger.Ledger) { // after a restart
		got := must[[]ledger.Revocation](t)(l.RevokedSeals(ctx))
		for i := range got {
			got[i].At = got[i].At.UTC()
		}
		if want := []ledger.Revocation{first}; !slices.Equal(got, want) {
			t.Errorf("RevokedSeals = %v, want %v", got, want)
		}
	})
}
