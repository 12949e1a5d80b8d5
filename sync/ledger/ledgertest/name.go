package ledgertest

import (
	"context"
	"testing"

	"github.com/penjire/penjire/sync/citizen"
	"github.com/penjire/penjire/sync/ledger"
)

// anyName: the name in a document may hold any character there is. Its request must
// not wait for ever because a database does not know one of them.
func anyName(t *testing.T, open Opener) {
	with(t, open, func(ctx context.Context, l ledger.Ledger) {
		in, d := Incoming(1), Registered()
		d.Signer = citizen.NewText("NUSGA\x00ÝEWA AÝNA 😀")
		must[[]ledger.Outcome](t)(l.Intake(ctx, Kiosk, start, []ledger.Incoming{in}, Receipt()))
		ok(t, Settle(ctx, l, key(in), d))
		if r := must[ledger.Request](t)(l.Get(ctx, in.Doc)); r.Signer.Reveal() != "NUSGA\uFFFDÝEWA AÝNA 😀" {
			t.Errorf("the signer became %q, want the zero character as one that is not known", r.Signer.Reveal())
		}
	})
}
