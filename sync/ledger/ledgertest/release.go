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

// Release is a release of the suite.
func Release(build uint64) ledger.Release {
	return ledger.Release{
		Board: "vm", Build: build, Version: "0.6." + string(rune('0'+build%10)), SHA256: [32]byte{byte(build)}, Size: 400 << 20,
		Signed: []byte{1, 2, byte(build)}, Widest: 3, By: "builder", At: start,
	}
}

// releases lets releases out, and keeps what kiosks say.
func releases(t *testing.T, open Opener) {
	with(t, open, func(ctx context.Context, l ledger.Ledger) {
		ok(t, l.AddRelease(ctx, Release(1)))
		ok(t, l.AddRelease(ctx, Release(2)))
		ok(t, l.SetRelease(ctx, "vm", 2, 1, "", "operator", start.Add(time.Hour)))
		ok(t, l.AddRelease(ctx, Release(2))) // again: it stays as far as it was
		other := Release(2)
		other.Signed = []byte{9}
		if err := l.AddRelease(ctx, other); !errors.Is(err, ledger.ErrRelease) {
			t.Errorf("AddRelease of another under the same build = %v, want ErrRelease", err)
		}
		all := must[[]ledger.Release](t)(l.Releases(ctx))
		want := Release(2)
		want.Ring, want.By, want.At = 1, "operator", start.Add(time.Hour)
		if len(all) != 2 || all[0].Build != 2 || !bytes.Equal(all[0].Signed, want.Signed) || all[0].Ring != 1 || all[0].By != want.By ||
			!all[0].At.Equal(want.At) || all[0].SHA256 != want.SHA256 || all[1].Ring != 0 {
			t.Errorf("Releases = %+v, want builds 2 and 1", all)
		}
		ok(t, l.SetRelease(ctx, "vm", 2, 1, ledger.PausedByFailures, "portal", start))
		if got := must[[]ledger.Release](t)(l.Releases(ctx))[0].Paused; got != ledger.PausedByFailures {
			t.Errorf("Paused = %q, want failures", got)
		}
		if err := l.SetRelease(ctx, "vm", 3, 1, "", "operator", start); !errors.Is(err, ledger.ErrNotFound) {
			t.Errorf("SetRelease of none = %v, want ErrNotFound", err)
		}
	})
}

// software keeps what kiosks say, and in which ring they are.
func software(t *testing.T, open Opener) {
	with(t, open, func(ctx context.Context, l ledger.Ledger) {
		say := func(kiosk, code string, build uint64, at time.Time) ledger.Software {
			var e *ledger.Ended
			if code != "" {
				e = &ledger.Ended{Kiosk: kiosk, Board: "vm", Build: build, Code: code, At: at}
			}
			return must[ledger.Software](t)(l.Reported(ctx, ledger.Software{Kiosk: kiosk, At: at, OwnRing: 3, Report: []byte(`{}`)}, e))
		}
		ok(t, l.AssignRing(ctx, "K-000002", 1, "operator", start))
		if got := say(Kiosk, "", 0, start).Ring(); got != 3 {
			t.Errorf("ring of a kiosk that nobody assigned = %d, want its own", got)
		}
		if got := say("K-000002", "update.boot", 2, start).Ring(); got != 1 {
			t.Errorf("ring of an assigned kiosk = %d, want 1", got)
		}
		say("K-000002", "update.boot", 2, start.Add(time.Hour)) // said again
		say(Kiosk, "update.good", 2, start)
		all := must[[]ledger.Ended](t)(l.Ended(ctx))
		want := []ledger.Ended{
			{Kiosk: Kiosk, Board: "vm", Build: 2, Ring: 3, Code: "update.good", At: start},
			{Kiosk: "K-000002", Board: "vm", Build: 2, Ring: 1, Code: "update.boot", At: start},
		}
		if !slices.Equal(all, want) {
			t.Errorf("Ended = %+v, want %+v", all, want)
		}
		say("K-000002", "update.good", 2, start.Add(2*time.Hour)) // somebody tried again
		if got := must[[]ledger.Ended](t)(l.Ended(ctx))[1]; got.Code != "update.good" || !got.At.Equal(start.Add(2*time.Hour)) {
			t.Errorf("Ended after another try = %+v, want good", got)
		}
		ok(t, l.AssignRing(ctx, "K-000003", 2, "operator", start))
		ok(t, l.AssignRing(ctx, "K-000002", 0, "operator", start))
		fleet := must[[]ledger.Software](t)(l.Software(ctx))
		if len(fleet) != 3 || fleet[1].Ring() != 3 || fleet[2].Ring() != 2 || fleet[2].Report != nil || string(fleet[0].Report) != `{}` {
			t.Errorf("Software = %+v, want three kiosks, the last without a report", fleet)
		}
	})
}
