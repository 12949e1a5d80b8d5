package outbox_test

import (
	"context"
	"testing"

	"github.com/penjire/penjire/sync/journal"
	"github.com/penjire/penjire/sync/outbox/outboxtest"
)

// TestCheckBesideWrites: a check while commits were under way called pages that
// had just been freed damaged, and an outbox in perfect order raised an alarm.
func TestCheckBesideWrites(t *testing.T) {
	o := outboxtest.Open(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			if _, err := o.Append(ctx, journal.Entry{Kind: journal.ClockStep}); err != nil && ctx.Err() == nil {
				t.Error(err)
				return
			}
		}
	}()
	for range 50 {
		if err := o.Check(t.Context()); err != nil {
			t.Errorf("Check = %v, want nil", err)
			break
		}
	}
	cancel()
	<-done
}
