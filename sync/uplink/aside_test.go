package uplink

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penjire/penjire/sync/edoc/trust"
)

// TestAsksAgainInALongSession: what was left out was asked for with a hello only, and
// never in a session that lasted for weeks (WIRE-SES-11).
func TestAsksAgainInALongSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := &Uplink{aside: new(aside)}
		bundle := &trust.Bundle{Version: 1}
		u.c.Now, u.c.Trust = time.Now, func() *trust.Bundle { return bundle }
		if err := u.aside.put(7, 6, 1, time.Now()); err != nil {
			t.Fatal(err)
		}
		asks := func() time.Duration {
			start := time.Now()
			ctx, end := context.WithCancelCause(t.Context())
			u.ask(ctx, end)
			if err := context.Cause(ctx); !errors.Is(err, errAside) {
				t.Errorf("the session ends for %v, want %v", err, errAside)
			}
			if c, err := u.aside.cursor(9, bundle.Version, time.Now()); c != 6 || err != nil {
				t.Errorf("the next hello has cursor %d, %v, want 6", c, err)
			}
			return time.Since(start)
		}
		for range 2 {
			if got := asks(); got != askAgain {
				t.Errorf("the session ended after %v, want %v", got, askAgain)
			}
		}
		bundle = &trust.Bundle{Version: 2}
		if got := asks(); got != askEvery {
			t.Errorf("under another bundle the session ended after %v, want %v", got, askEvery)
		}
	})
}
