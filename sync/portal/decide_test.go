package portal

import (
	"context"
	"crypto/sha256"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/ledger"
)

// stuck is a ledger that cannot store the decision on the first records.
type stuck struct {
	ledger.Ledger
	upTo    uint64
	decided []uint64
}

func (s *stuck) Decide(ctx context.Context, k ledger.Key, d ledger.Decision) error {
	if k.Seq <= s.upTo {
		return errors.New("this one does not work today")
	}
	s.decided = append(s.decided, k.Seq)
	return s.Ledger.Decide(ctx, k, d)
}

// TestStuckRecords: records that cannot be decided, be it a whole batch of them, do
// not hold up those behind them, and are tried again.
func TestStuckRecords(t *testing.T) {
	w := newSilentWorld(t, filepath.Join(t.TempDir(), "ledger.db"))
	var in []ledger.Incoming
	for n := range byte(130) {
		sealed := []byte{n, 1}
		in = append(in, ledger.Incoming{
			Epoch: ledger.Epoch{1}, Seq: uint64(n) + 1, Doc: ledger.Doc{n + 1}, Code: "C", Service: "s", Lang: "tk", Claimed: time.Now(),
			Channel: ledger.ChannelKiosk, Digest: sha256.Sum256(sealed), Sealed: sealed,
		})
	}
	if _, err := w.l.Intake(t.Context(), "K-000001", time.Now(), in, func(ledger.Incoming, time.Time) ([]byte, error) { return []byte{1}, nil }); err != nil {
		t.Fatal(err)
	}
	s := &stuck{Ledger: w.l, upTo: 100}
	w.p.ledger = s
	if wait := w.p.decideAll(t.Context()); wait != retryDecide || len(s.decided) != 30 {
		t.Errorf("decided %v, again in %s; want 101 to 130, and again in %s", s.decided, wait, retryDecide)
	}
	s.upTo = 0
	if wait := w.p.decideAll(t.Context()); wait == retryDecide || len(s.decided) != 130 || s.decided[30] != 1 {
		t.Errorf("%d decided, again in %s, want all of them", len(s.decided), wait)
	}
}
