package ledgertest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/ledger"
)

func answer(t *testing.T, open Opener) {
	with(t, open, func(ctx context.Context, l ledger.Ledger) {
		in := Incoming(1)
		must[[]ledger.Outcome](t)(l.Intake(ctx, Kiosk, start, []ledger.Incoming{in}, Receipt()))
		a := ledger.Answer{State: ledger.Returned, ID: ledger.Doc{7}, By: "officer 1", At: start.Add(time.Hour), Container: []byte("c"), Packet: []byte("p"), Seal: "HTTPS://X/V/Y", Check: "K7M4P29QDX"}
		if err := l.Answer(ctx, in.Doc, a); !errors.Is(err, ledger.ErrNotFound) {
			t.Errorf("Answer before registration = %v, want ErrNotFound", err)
		}
		ok(t, Settle(ctx, l, key(in), Registered()))
		var wg sync.WaitGroup
		var mu sync.Mutex
		done, late := 0, 0
		for range 6 {
			wg.Go(func() {
				err := l.Answer(ctx, in.Doc, a)
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					done++
				case errors.Is(err, ledger.ErrAnswered):
					late++
				default:
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if done != 1 || late != 5 {
			t.Errorf("of six answers %d were taken and %d were late, want 1 and 5", done, late)
		}
		r := must[ledger.Request](t)(l.Get(ctx, in.Doc))
		if r.State != ledger.Returned || r.Answer == nil || r.Answer.By != a.By || string(r.Answer.Packet) != "p" || string(r.Answer.Container) != "c" ||
			r.Answer.Seal != a.Seal || r.Answer.Check != a.Check || r.Answer.ID != a.ID || !r.Answer.At.Equal(a.At) || r.Answer.State != a.State {
			t.Errorf("Get = %+v, want the answer", r)
		}
		its := must[[]ledger.Item](t)(l.Items(ctx, Kiosk, 0, 10))
		if len(its) != 2 || its[1].Kind != ledger.ItemAnswer || its[1].Stage != ledger.Returned || string(its[1].Bytes) != "p" {
			t.Errorf("Items = %+v, want the decision and the answer", its)
		}
		if err := l.Assign(ctx, in.Doc, "officer 2"); !errors.Is(err, ledger.ErrAnswered) {
			t.Errorf("Assign after the answer = %v, want ErrAnswered", err)
		}
	})
}

func list(t *testing.T, open Opener) {
	with(t, open, func(ctx context.Context, l ledger.Ledger) {
		var recs []ledger.Incoming
		for i := range uint64(4) {
			recs = append(recs, Incoming(i+1))
		}
		must[[]ledger.Outcome](t)(l.Intake(ctx, Kiosk, start, recs, Receipt()))
		for i := range 3 {
			d := Registered()
			d.Due = start.AddDate(0, 0, 3-i)
			if i == 0 {
				d.Agency = "ombudsman"
			}
			ok(t, Settle(ctx, l, key(recs[i]), d))
		}
		for _, c := range []struct {
			f    ledger.Filter
			want []uint64
		}{
			{ledger.Filter{}, []uint64{3, 2, 1, 4}},
			{ledger.Filter{Agency: "employment-service"}, []uint64{3, 2}},
			{ledger.Filter{Agency: "ombudsman", State: ledger.Registered}, []uint64{1}},
			{ledger.Filter{State: ledger.Received}, []uint64{4}},
			{ledger.Filter{State: ledger.Answered}, nil},
			{ledger.Filter{Text: "aýna"}, []uint64{3, 2, 1}},
			{ledger.Filter{Text: "code000002"}, []uint64{2}},
			{ledger.Filter{Text: "%"}, nil},
			{ledger.Filter{Max: 1}, []uint64{3}},
		} {
			var got []uint64
			for _, r := range must[[]ledger.Request](t)(l.List(ctx, c.f)) {
				got = append(got, r.Seq)
				if r.Container != nil {
					t.Errorf("List(%+v) brings containers", c.f)
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("List(%+v) = %v, want %v", c.f, got, c.want)
			}
		}
		if _, err := l.Get(ctx, ledger.Doc{1}); !errors.Is(err, ledger.ErrNotFound) {
			t.Errorf("Get of nothing = %v, want ErrNotFound", err)
		}
		if n := must[map[ledger.State]int](t)(l.Counts(ctx)); n[ledger.Received] != 1 || n[ledger.Registered] != 3 {
			t.Errorf("Counts = %v, want 1 received and 3 registered", n)
		}
	})
}
