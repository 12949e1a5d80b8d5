package postgres

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/ledger/ledgertest"
	"github.com/penjire/penjire/sync/ledger/postgrestest"
)

// Several portals take in, decide and read the same few records at once. Whatever
// they saw of a record must have an order that explains it: it was stored once,
// with one receipt that everyone got, and decided once.

type op struct {
	kind string // intake, decide, get
	seq  uint64
	by   string // what this caller's receipt or decision would be
}

type seen struct {
	receipt string // of intake
	isNew   bool
	state   ledger.State // of get; empty: not found
	reason  string
}

// truth is what a record is.
type truth struct {
	receipt, reason string
	state           ledger.State
}

var oneRecord = porcupine.Model{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		by := map[uint64][]porcupine.Operation{}
		for _, o := range history {
			by[o.Input.(op).seq] = append(by[o.Input.(op).seq], o)
		}
		var out [][]porcupine.Operation
		for _, p := range by {
			out = append(out, p)
		}
		return out
	},
	Init: func() any { return truth{} },
	Step: func(state, input, output any) (bool, any) {
		is, in, got := state.(truth), input.(op), output.(seen)
		switch in.kind {
		case "intake":
			if is.receipt == "" {
				return got.isNew && got.receipt == in.by, truth{receipt: in.by, state: ledger.Received}
			}
			return !got.isNew && got.receipt == is.receipt, is
		case "decide":
			if is.state == ledger.Received {
				is.state, is.reason = ledger.Refused, in.by
			}
			return true, is
		default:
			return got.state == is.state && got.reason == is.reason, is
		}
	},
}

func TestLinearizable(t *testing.T) {
	server := postgrestest.Start(t)
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("PENJIRE_SEED"); s != "" {
		var err error
		if seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("seed: PENJIRE_SEED=%d", seed)
	url := server.Database(t)
	portals := []*DB{open(t, url), open(t, url), open(t, url)}
	history := play(t, portals, seed, 9, 60, 12)
	if !porcupine.CheckOperations(oneRecord, history) {
		t.Error("no order of what was done explains what was seen")
	}
	t.Logf("%d operations", len(history))
	for _, d := range portals {
		closed(t, d)
	}
}

// TestNotLinearizable shows that the model can say no: to a second receipt, to two
// who both were first, and to a decision that changes.
func TestNotLinearizable(t *testing.T) {
	o := func(kind, by string, got seen, from, to int64) porcupine.Operation {
		return porcupine.Operation{Input: op{kind, 1, by}, Output: got, Call: from, Return: to}
	}
	first := o("intake", "a", seen{receipt: "a", isNew: true}, 0, 10)
	for name, h := range map[string][]porcupine.Operation{
		"another receipt": {first, o("intake", "b", seen{receipt: "b"}, 20, 30)},
		"first twice":     {first, o("intake", "b", seen{receipt: "b", isNew: true}, 5, 30)},
		"lost":            {first, o("get", "", seen{}, 20, 30)},
		"decided again": {
			first,
			o("decide", "a", seen{}, 20, 30), o("get", "", seen{state: ledger.Refused, reason: "a"}, 40, 50),
			o("decide", "b", seen{}, 60, 70), o("get", "", seen{state: ledger.Refused, reason: "b"}, 80, 90),
		},
	} {
		if porcupine.CheckOperations(oneRecord, h) {
			t.Errorf("%s: an order was found, want none", name)
		}
	}
}

// play has clients do things, each a number of them, to a few records.
func play(t *testing.T, portals []*DB, seed uint64, clients, each, records int) []porcupine.Operation {
	t.Helper()
	begin := time.Now()
	var mu sync.Mutex
	var history []porcupine.Operation
	var wg sync.WaitGroup
	for c := range clients {
		r := rand.New(rand.NewPCG(seed, uint64(c)))
		d := portals[c%len(portals)]
		wg.Go(func() {
			for i := range each {
				in := op{[]string{"intake", "intake", "decide", "get"}[r.IntN(4)], uint64(1 + r.IntN(records)), fmt.Sprintf("%d.%d", c, i)}
				call := time.Since(begin).Nanoseconds()
				got, err := do(t.Context(), d, in)
				back := time.Since(begin).Nanoseconds()
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				history = append(history, porcupine.Operation{ClientId: c, Input: in, Output: got, Call: call, Return: back})
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return history
}

func do(ctx context.Context, d *DB, in op) (seen, error) {
	r := ledgertest.Incoming(in.seq)
	switch in.kind {
	case "intake":
		out, err := d.Intake(ctx, ledgertest.Kiosk, time.Now(), []ledger.Incoming{r}, ledgertest.Signed(in.by))
		if err != nil {
			return seen{}, err
		}
		return seen{receipt: string(out[0].Receipt), isNew: out[0].New}, nil
	case "decide":
		err := settle(ctx, d, r, ledgertest.Refused(in.by))
		if errors.Is(err, ledger.ErrNotFound) {
			err = nil // it did nothing
		}
		return seen{}, err
	default:
		q, err := d.Get(ctx, r.Doc)
		if errors.Is(err, ledger.ErrNotFound) {
			return seen{}, nil
		}
		return seen{state: q.State, reason: q.Reason}, err
	}
}

func settle(ctx context.Context, d *DB, r ledger.Incoming, dec ledger.Decision) error {
	return ledgertest.Settle(ctx, d, ledger.Key{Kiosk: ledgertest.Kiosk, Epoch: r.Epoch, Seq: r.Seq, Digest: r.Digest, Doc: r.Doc}, dec)
}

// TestOneRegistration has portals register the same records, and documents that
// came twice, all at once.
func TestOneRegistration(t *testing.T) {
	server, ctx := postgrestest.Start(t), t.Context()
	url := server.Database(t)
	portals := []*DB{open(t, url), open(t, url), open(t, url)}
	const n = 24
	var recs []ledger.Incoming
	for i := range uint64(n) {
		a := ledgertest.Incoming(i + 1)
		b := a
		b.Epoch = ledger.Epoch{9}
		recs = append(recs, a, b)
	}
	if _, err := portals[0].Intake(ctx, ledgertest.Kiosk, time.Now(), recs, ledgertest.Receipt()); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i, d := range portals {
		wg.Go(func() {
			for j := range recs {
				r := recs[(j*(2*i+1)+i)%len(recs)]
				if err := settle(ctx, d, r, ledgertest.Registered()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	docs, err := portals[1].DocsAfter(ctx, 0, 1000)
	if err != nil || len(docs) != n {
		t.Errorf("%d documents are registered, %v, want %d", len(docs), err, n)
	}
	its, err := portals[2].Items(ctx, ledgertest.Kiosk, 0, 1000)
	if err != nil || len(its) != 2*n {
		t.Errorf("%d decisions for the kiosk, %v, want %d", len(its), err, 2*n)
	}
	for _, d := range portals {
		closed(t, d)
	}
}

// TestItemsRise has portals store items for one kiosk, and for all, while it reads:
// what it reads with an ID has everything below it.
func TestItemsRise(t *testing.T) {
	server, ctx := postgrestest.Start(t), t.Context()
	url := server.Database(t)
	portals := []*DB{open(t, url), open(t, url), open(t, url)}
	const n = 40
	var recs []ledger.Incoming
	for i := range uint64(2 * n) {
		recs = append(recs, ledgertest.Incoming(i+1))
	}
	if _, err := portals[0].Intake(ctx, ledgertest.Kiosk, time.Now(), recs, ledgertest.Receipt()); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i, d := range portals[:2] {
		wg.Go(func() {
			for j := range n {
				if err := settle(ctx, d, recs[2*j+i], ledgertest.Refused("x")); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Go(func() {
		for v := range uint64(10) {
			if err := portals[2].Broadcast(ctx, ledger.ItemTrust, v+1, time.Now(), []byte("trust")); err != nil {
				t.Error(err)
			}
		}
	})
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	got := map[ledger.Doc]bool{}
	var cursor uint64
	for last := false; ; {
		its, err := portals[2].Items(ctx, ledgertest.Kiosk, cursor, 3)
		if err != nil {
			t.Fatal(err)
		}
		for _, it := range its {
			cursor = it.ID
			if it.Kind == ledger.ItemDecided {
				got[it.Doc] = true
			}
		}
		if len(its) > 0 {
			continue
		}
		if last {
			break
		}
		select {
		case <-done:
			last = true
		default:
		}
	}
	if len(got) != 2*n {
		t.Errorf("the kiosk was given %d decisions, want %d: an item came below one that it had", len(got), 2*n)
	}
	for _, d := range portals {
		closed(t, d)
	}
}
