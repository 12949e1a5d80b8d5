package portal

import (
	"context"
	"crypto/sha256"
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penjire/penjire/sync/catalog"
	"github.com/penjire/penjire/sync/catalog/packs"
	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/outbox"
)

// stuck is a ledger that cannot store the decisions on the first records, nor any
// that come with them.
type stuck struct {
	ledger.Ledger
	upTo    uint64
	decided []uint64
	batches int
}

func (s *stuck) Decide(ctx context.Context, vs []ledger.Verdict, sign func([]ledger.Decided) ([][]byte, error)) error {
	for _, v := range vs {
		if v.Seq <= s.upTo {
			return errors.New("this one does not work today")
		}
	}
	s.batches++
	return s.Ledger.Decide(ctx, vs, func(ds []ledger.Decided) ([][]byte, error) {
		for _, d := range ds {
			s.decided = append(s.decided, d.Seq)
		}
		return sign(ds)
	})
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
	if _, err := w.l.Intake(t.Context(), "K-000001", time.Now(), in, func(fresh []ledger.Incoming, _ time.Time) ([][]byte, error) {
		return slices.Repeat([][]byte{{1}}, len(fresh)), nil
	}); err != nil {
		t.Fatal(err)
	}
	s := &stuck{Ledger: w.l, upTo: 100}
	w.p.ledger = s
	if wait := w.p.decideAll(t.Context()); wait != retryDecide || len(s.decided) != 30 {
		t.Errorf("decided %v, again in %s; want 101 to 130, and again in %s", s.decided, wait, retryDecide)
	}
	s.upTo, s.batches = 0, 0
	if wait := w.p.decideAll(t.Context()); wait == retryDecide || len(s.decided) != 130 || s.decided[30] != 1 {
		t.Errorf("%d decided, again in %s, want all of them", len(s.decided), wait)
	}
	if s.batches != 2 {
		t.Errorf("100 records were decided in %d transactions, want 2", s.batches)
	}
}

// endless is a ledger to which a record comes in a second's time whenever somebody
// looks.
type endless struct {
	ledger.Ledger
	looks int
}

func (e *endless) Undecided(ctx context.Context, after int64, most int) ([]ledger.Record, error) {
	time.Sleep(time.Second)
	e.looks++
	sealed := []byte{byte(e.looks), byte(e.looks >> 8)}
	if _, err := e.Intake(ctx, "K-000001", time.Now(), []ledger.Incoming{{
		Epoch: ledger.Epoch{1}, Seq: uint64(e.looks), Doc: sha256.Sum256(sealed), Code: "C", Service: "s", Lang: "tk", Claimed: time.Now(),
		Channel: ledger.ChannelKiosk, Digest: sha256.Sum256(sealed), Sealed: sealed,
	}}, func([]ledger.Incoming, time.Time) ([][]byte, error) { return [][]byte{{1}}, nil }); err != nil {
		return nil, err
	}
	if e.looks > 200 {
		return nil, errors.New("it goes on and on")
	}
	return e.Ledger.Undecided(ctx, after, most)
}

// TestSteadyStream: while records come without a stop, one that could not be decided is
// tried again all the same.
func TestSteadyStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSilentWorld(t, filepath.Join(t.TempDir(), "ledger.db"))
		s := &stuck{Ledger: w.l, upTo: 1}
		e := &endless{Ledger: s}
		w.p.ledger = e
		if wait := w.p.decideAll(t.Context()); wait != 0 || e.looks > 70 {
			t.Fatalf("after %d looks again in %s, want at once after a minute of them", e.looks, wait)
		}
		s.upTo = 0
		w.p.decideAll(t.Context())
		if !slices.Contains(s.decided, 1) {
			t.Errorf("decided %v, want the first too", s.decided)
		}
		if n := w.count(ledger.Received); n > 1 {
			t.Errorf("%d are left, want at most the last", n)
		}
	})
}

// TestServiceLeft: a service that left the catalogue after a request for it was
// registered still gives its answer, and the kiosk takes it.
func TestServiceLeft(t *testing.T) {
	w := newWorld(t)
	k := w.kiosk()
	c := k.one("citizen-1")
	_, stop := k.run(k.uplinkConfig())
	k.untilState(c.ID(), outbox.Registered)
	stop()
	facts := w.residenceFacts()
	w.stop()
	cat, err := packs.Catalogue(9)
	if err != nil {
		t.Fatal(err)
	}
	cat.Services = slices.DeleteFunc(cat.Services, func(s catalog.Service) bool { return s.ID == "residence-certificate" })
	w.config.Catalogue = w.signCatalogue(t, cat)
	w.serve(w.PortalTLS.TLS())
	if _, ok := w.p.Catalogue().Service("residence-certificate"); ok {
		t.Fatal("the catalogue still has the service")
	}
	if _, err := w.p.Answer(t.Context(), "civil-registry", c.ID(), AnswerDraft{Decision: ledger.Answered, Facts: facts, By: "NUSGA"}); err != nil {
		t.Fatalf("Answer = %v, want nil", err)
	}
	k.run(k.uplinkConfig())
	k.untilState(c.ID(), outbox.Answered)
}
