package outbox_test

import (
	"testing"

	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/outbox/outboxtest"
)

// TestLeaseFitting: what is too large is passed by and can still be withdrawn.
func TestLeaseFitting(t *testing.T) {
	o := outboxtest.Open(t)
	d := outboxtest.Draft(0)
	d.Sealed = make([]byte, 10_000)
	large := outboxtest.Accept(t, o, d)
	small := outboxtest.Accept(t, o, outboxtest.Draft(1))
	for most, want := range map[int]int{-1: 0, 0: 0, 1: 0, small.Size: 1, 9999: 1} {
		recs, err := o.LeaseFitting(t.Context(), 0, most)
		if err != nil || len(recs) != want || want == 1 && recs[0].Seq != small.Seq {
			t.Errorf("LeaseFitting of %d bytes = %d records, %v, want %d", most, len(recs), err, want)
		}
	}
	if r, err := o.Get(t.Context(), large.Doc); err != nil || r.State != outbox.Accepted {
		t.Errorf("the large request is %v, %v, want accepted", r.State, err)
	}
	if recs, err := o.LeaseFitting(t.Context(), 0, 20_000); err != nil || len(recs) != 2 {
		t.Errorf("LeaseFitting of all = %d records, %v, want both", len(recs), err)
	}
}
