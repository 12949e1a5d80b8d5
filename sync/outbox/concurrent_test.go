package outbox_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/outbox/outboxtest"
)

// What concurrent clients saw of one request must be what they would have seen
// one after another, in some order that fits the times of their calls: then no
// answer was given of a state that never was. Requests do not see each other, so
// each is looked at by itself.

// call is what a client asked of a request.
type call struct {
	what string // accept, withdraw, lease, receipt, get, start, end
	doc  int
}

// seen is what it was told.
type seen struct {
	state outbox.State // of get
	print outbox.PrintState
	ok    bool // it was done; of lease: the request was among them
	sent  bool // of withdraw: too late
	none  bool // there is no such request
}

// one is the state of one request in the model; the zero value: not accepted.
type one struct {
	state outbox.State
	print outbox.PrintState
}

// step says whether a request in state s may answer so, and what it is then.
func step(s one, c call, got seen) (bool, one) {
	switch c.what {
	case "accept":
		if s.state == 0 {
			s = one{outbox.Accepted, outbox.Queued}
		}
		return got.ok, s
	case "withdraw":
		switch s.state {
		case 0:
			return got.none, s
		case outbox.Accepted:
			if s.print == outbox.Queued {
				s.print = outbox.Failed // nothing is printed of it any more
			}
			s.state = outbox.Withdrawn
			return got.ok, s
		case outbox.Withdrawn:
			return got.ok, s
		}
		return got.sent, s
	case "lease":
		waits := s.state == outbox.Accepted || s.state == outbox.Sending
		if waits {
			s.state = outbox.Sending
		}
		return got.ok == waits, s
	case "receipt":
		if s.state == outbox.Sending {
			s.state = outbox.Delivered
		}
		return got.ok && s.state == outbox.Delivered, s
	case "get":
		if s.state == 0 {
			return got.none, s
		}
		return !got.none && got.state == s.state && got.print == s.print, s
	case "start":
		if s.print != outbox.Queued {
			return !got.ok, s
		}
		s.print = outbox.Printing
		return got.ok, s
	case "end":
		s.print = outbox.Printed
		return got.ok, s
	}
	return false, s
}

var model = porcupine.Model{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		by := map[int][]porcupine.Operation{}
		for _, o := range history {
			n := o.Input.(call).doc
			by[n] = append(by[n], o)
		}
		var out [][]porcupine.Operation
		for _, h := range by {
			out = append(out, h)
		}
		return out
	},
	Init: func() any { return one{} },
	Step: func(s, in, out any) (bool, any) { return step(s.(one), in.(call), out.(seen)) },
	DescribeOperation: func(in, out any) string {
		return fmt.Sprintf("%+v: %+v", in, out)
	},
}

// recorder keeps what clients did, with the times.
type recorder struct {
	began time.Time
	mu    sync.Mutex
	ops   []porcupine.Operation
}

func (r *recorder) now() int64 { return int64(time.Since(r.began)) }

// did notes an operation that began at call and ends now.
func (r *recorder) did(client int, began int64, c call, s seen) {
	ended := r.now()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ops = append(r.ops, porcupine.Operation{ClientId: client, Input: c, Call: began, Output: s, Return: ended})
}

const (
	concurrentDocs    = 24
	concurrentClients = 8
)

func TestConcurrentClients(t *testing.T) {
	n := seed(t)
	o := outboxtest.Open(t)
	rec := &recorder{began: time.Now()}
	var clients, all sync.WaitGroup
	for c := range concurrentClients {
		clients.Go(func() {
			r := rand.New(rand.NewPCG(n, uint64(c)))
			for range 60 {
				if err := client(t.Context(), o, rec, c, r); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	// One uplink and one printer: that is how many a kiosk has.
	ended := make(chan struct{})
	during := func(what func() error) {
		for {
			select {
			case <-ended:
				return
			default:
			}
			if err := what(); err != nil {
				t.Error(err)
				return
			}
		}
	}
	all.Go(func() { during(func() error { return deliver(t.Context(), o, rec) }) })
	all.Go(func() { during(func() error { return printNext(t.Context(), o, rec) }) })
	clients.Wait()
	close(ended)
	all.Wait()
	kinds := map[string]int{}
	for _, op := range rec.ops {
		kinds[op.Input.(call).what]++
	}
	t.Logf("%d operations: %v", len(rec.ops), kinds)
	for _, k := range []string{"accept", "withdraw", "lease", "receipt", "get", "start", "end"} {
		if kinds[k] == 0 {
			t.Errorf("nobody did %s", k)
		}
	}
	if res := porcupine.CheckOperationsTimeout(model, rec.ops, time.Minute); res != porcupine.Ok {
		t.Errorf("what the clients saw can be told in no order: %v", res)
		for _, h := range model.Partition(rec.ops) {
			if porcupine.CheckOperations(model, h) {
				continue
			}
			slices.SortFunc(h, func(a, b porcupine.Operation) int { return cmp.Compare(a.Call, b.Call) })
			for _, op := range h {
				t.Logf("%9d to %9d, client %d: %s", op.Call, op.Return, op.ClientId, model.DescribeOperation(op.Input, op.Output))
			}
			break // one is enough to read
		}
	}
}

// client accepts, withdraws or looks at some request.
func client(ctx context.Context, o *outbox.Outbox, rec *recorder, id int, r *rand.Rand) error {
	n := r.IntN(concurrentDocs)
	d := outboxtest.Draft(n)
	began := rec.now()
	switch r.IntN(4) {
	case 0:
		_, err := o.Accept(ctx, d)
		rec.did(id, began, call{"accept", n}, seen{ok: err == nil})
		return err
	case 1:
		err := o.Withdraw(ctx, d.Doc)
		s := seen{ok: err == nil, sent: errors.Is(err, outbox.ErrSent), none: errors.Is(err, outbox.ErrNotFound)}
		rec.did(id, began, call{"withdraw", n}, s)
		if s == (seen{}) {
			return err
		}
	default:
		q, err := o.Get(ctx, d.Doc)
		s := seen{state: q.State, print: q.Receipt, none: errors.Is(err, outbox.ErrNotFound)}
		rec.did(id, began, call{"get", n}, s)
		if err != nil && !s.none {
			return err
		}
	}
	return nil
}

// deliver leases everything and stores receipts for a part of it.
func deliver(ctx context.Context, o *outbox.Outbox, rec *recorder) error {
	began := rec.now()
	recs, err := o.Lease(ctx, 0, 0)
	if err != nil {
		return err
	}
	leased := map[outbox.Doc]outbox.Record{}
	for _, r := range recs {
		leased[r.Doc] = r
	}
	for n := range concurrentDocs {
		_, ok := leased[outboxtest.Draft(n).Doc]
		rec.did(concurrentClients, began, call{"lease", n}, seen{ok: ok})
	}
	for n := range concurrentDocs {
		r, ok := leased[outboxtest.Draft(n).Doc]
		if !ok || n%3 == 0 {
			continue
		}
		began := rec.now()
		err := o.Receipted(ctx, []outbox.Receipt{{Seq: r.Seq, Doc: r.Doc, Stage: outbox.Delivered, At: outboxtest.Day, Bytes: []byte("durable")}})
		rec.did(concurrentClients, began, call{"receipt", n}, seen{ok: err == nil})
		if err != nil {
			return err
		}
	}
	return nil
}

// printNext prints what is next.
func printNext(ctx context.Context, o *outbox.Outbox, rec *recorder) error {
	j, ok, err := o.NextPrint(ctx)
	if err != nil || !ok {
		return err
	}
	n := 0
	for outboxtest.Draft(n).Doc != j.Doc {
		n++
	}
	began := rec.now()
	err = o.StartPrint(ctx, j.ID)
	rec.did(concurrentClients+1, began, call{"start", n}, seen{ok: err == nil})
	if err != nil {
		return nil // withdrawn meanwhile
	}
	began = rec.now()
	err = o.EndPrint(ctx, j.ID, outbox.Printed, "")
	rec.did(concurrentClients+1, began, call{"end", n}, seen{ok: err == nil})
	return err
}

// TestConcurrentSees: histories that must not be are seen.
func TestConcurrentSees(t *testing.T) {
	op := func(client int, c string, s seen, from, to int64) porcupine.Operation {
		return porcupine.Operation{ClientId: client, Input: call{c, 1}, Output: s, Call: from, Return: to}
	}
	accepted := op(0, "accept", seen{ok: true}, 0, 1)
	for name, h := range map[string][]porcupine.Operation{
		"accepted and not there":            {accepted, op(1, "get", seen{none: true}, 2, 3)},
		"withdrawn after it was leased":     {accepted, op(1, "lease", seen{ok: true}, 2, 3), op(2, "withdraw", seen{ok: true}, 4, 5)},
		"leased after it was withdrawn":     {accepted, op(1, "withdraw", seen{ok: true}, 2, 3), op(2, "lease", seen{ok: true}, 4, 5)},
		"receipted and leased again":        {accepted, op(1, "lease", seen{ok: true}, 2, 3), op(1, "receipt", seen{ok: true}, 4, 5), op(1, "lease", seen{ok: true}, 6, 7)},
		"printed twice":                     {accepted, op(1, "start", seen{ok: true}, 2, 3), op(1, "end", seen{ok: true}, 4, 5), op(2, "start", seen{ok: true}, 6, 7)},
		"printing, seen as queued later on": {accepted, op(1, "start", seen{ok: true}, 2, 3), op(2, "get", seen{state: outbox.Accepted, print: outbox.Queued}, 4, 5)},
	} {
		if porcupine.CheckOperations(model, h) {
			t.Errorf("%s: not seen", name)
		}
	}
	if !porcupine.CheckOperations(model, []porcupine.Operation{accepted, op(1, "lease", seen{ok: true}, 2, 9), op(2, "withdraw", seen{ok: true}, 3, 4)}) &&
		!porcupine.CheckOperations(model, []porcupine.Operation{accepted, op(1, "lease", seen{}, 2, 9), op(2, "withdraw", seen{ok: true}, 3, 4)}) {
		t.Error("a withdrawal while a lease was under way cannot be told either way")
	}
}

// TestAlarmWhileAccepting is for the race detector: an alarm is raised by who reads,
// and Accept looked at the alarms without a lock.
func TestAlarmWhileAccepting(t *testing.T) {
	o := outboxtest.Open(t)
	for i := range 20 {
		raised := make(chan struct{})
		go func() {
			defer close(raised)
			o.Raise(fmt.Sprint("test.", i))
		}()
		outboxtest.Accept(t, o, outboxtest.Draft(i))
		<-raised
	}
}
