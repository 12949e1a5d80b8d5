package outbox_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/penjire/penjire/sync/journal"
	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/outbox/outboxtest"
)

func TestWithdraw(t *testing.T) {
	o := outboxtest.Open(t)
	ctx := t.Context()
	a, b := outboxtest.Accept(t, o, outboxtest.Draft(1)), outboxtest.Accept(t, o, outboxtest.Draft(2))
	for range 2 {
		if err := o.Withdraw(ctx, a.Doc); err != nil {
			t.Fatal(err)
		}
	}
	recs, err := o.Lease(ctx, 0, 0)
	if err != nil || len(recs) != 1 || recs[0].Doc != b.Doc {
		t.Fatalf("Lease = %v, %v, want the other request only", recs, err)
	}
	if err := o.Withdraw(ctx, b.Doc); !errors.Is(err, outbox.ErrSent) {
		t.Errorf("Withdraw after the lease = %v, want ErrSent", err)
	}
	if err := o.Withdraw(ctx, outbox.Doc{1}); !errors.Is(err, outbox.ErrNotFound) {
		t.Errorf("Withdraw of nothing = %v, want ErrNotFound", err)
	}
	j, ok, err := o.NextPrint(ctx)
	if err != nil || !ok || j.Doc != b.Doc {
		t.Errorf("NextPrint = %+v, %v, %v, want no receipt of what was withdrawn", j, ok, err)
	}
	if _, err := o.QueuePrint(ctx, a.Doc, outbox.PrintReceipt, true); !errors.Is(err, outbox.ErrWithdrawn) {
		t.Errorf("QueuePrint of a withdrawn request = %v, want ErrWithdrawn", err)
	}
}

func TestItems(t *testing.T) {
	dir := t.TempDir()
	o := outboxtest.OpenDir(t, dir, outbox.Options{})
	ctx := t.Context()
	q := outboxtest.Accept(t, o, outboxtest.Draft(1))
	if _, err := o.Item(ctx, q.Doc); !errors.Is(err, outbox.ErrNotFound) {
		t.Errorf("Item before it came = %v, want ErrNotFound", err)
	}
	if _, err := o.Lease(ctx, 0, 0); err != nil {
		t.Fatal(err)
	}
	put := func(it outbox.Item) {
		t.Helper()
		if err := o.PutItem(ctx, it); err != nil {
			t.Fatal(err)
		}
	}
	put(outbox.Item{ID: 3}) // a catalogue, kept elsewhere: the cursor only
	answer := outbox.Item{ID: 5, Kind: 2, Doc: q.Doc, Stage: outbox.Answered, At: day, Bytes: []byte("sealed answer")}
	put(answer)
	put(answer)
	put(outbox.Item{ID: 4, Kind: 2, Doc: q.Doc, Stage: outbox.Returned, At: day, Bytes: []byte("late")})
	stranger := outbox.Doc{7}
	put(outbox.Item{ID: 6, Kind: 2, Doc: stranger, Stage: outbox.Answered, At: day, Bytes: []byte("of a lost request")})
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	o = outboxtest.OpenDir(t, dir, outbox.Options{})
	if c := o.Cursor(); c != 6 {
		t.Errorf("Cursor = %d, want 6", c)
	}
	got, err := o.Item(ctx, q.Doc)
	if err != nil || string(got.Bytes) != "sealed answer" || got.Stage != outbox.Answered || got.ID != 5 || !got.At.Equal(day) {
		t.Errorf("Item = %+v, %v", got, err)
	}
	if got, err := o.Item(ctx, stranger); err != nil || got.ID != 6 {
		t.Errorf("Item of a request that is not here = %+v, %v", got, err)
	}
	r, err := o.Get(ctx, q.Doc)
	if err != nil || r.State != outbox.Answered || r.Item != 5 {
		t.Errorf("Get = %+v, %v, want answered", r, err)
	}
	// An answer is not a receipt: the request still goes out until one comes.
	if recs, err := o.Lease(ctx, 0, 0); err != nil || len(recs) != 1 || recs[0].State != outbox.Answered {
		t.Errorf("Lease of an answered request without receipt = %v, %v", recs, err)
	}
	if err := o.Receipted(ctx, []outbox.Receipt{{Seq: q.Seq, Doc: q.Doc, Stage: outbox.Delivered, At: day, Bytes: []byte("late receipt")}}); err != nil {
		t.Fatal(err)
	}
	if r, err := o.Get(ctx, q.Doc); err != nil || r.State != outbox.Answered || r.DurableReceipt == nil {
		t.Errorf("Get after a late receipt = %+v, %v, want answered still", r, err)
	}
}

func TestPrints(t *testing.T) {
	dir := t.TempDir()
	o := outboxtest.OpenDir(t, dir, outbox.Options{})
	ctx := t.Context()
	q := outboxtest.Accept(t, o, outboxtest.Draft(1))
	j, _, err := o.NextPrint(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := o.QueuePrint(ctx, q.Doc, outbox.PrintReceipt, false); err != nil || again.ID != j.ID {
		t.Errorf("QueuePrint while one is queued = %+v, %v, want that one", again, err)
	}
	if err := o.EndPrint(ctx, j.ID, outbox.Printed, ""); !errors.Is(err, outbox.ErrPrintState) {
		t.Errorf("EndPrint of a queued job = %v, want ErrPrintState", err)
	}
	if err := o.StartPrint(ctx, j.ID); err != nil {
		t.Fatal(err)
	}
	if err := o.StartPrint(ctx, j.ID); !errors.Is(err, outbox.ErrPrintState) {
		t.Errorf("StartPrint twice = %v, want ErrPrintState", err)
	}
	if err := o.EndPrint(ctx, j.ID, outbox.Failed, "printer.paper.out"); err != nil {
		t.Fatal(err)
	}
	j, err = o.QueuePrint(ctx, q.Doc, outbox.PrintReceipt, false)
	if err != nil {
		t.Fatalf("QueuePrint after nothing came out: %v", err)
	}
	if err := o.StartPrint(ctx, j.ID); err != nil {
		t.Fatal(err)
	}
	if err := o.Close(); err != nil { // in the middle of printing
		t.Fatal(err)
	}
	o = outboxtest.OpenDir(t, dir, outbox.Options{})
	if _, ok, err := o.NextPrint(ctx); ok || err != nil {
		t.Errorf("NextPrint after an interrupted print = %v, %v, want none: it must not run again by itself", ok, err)
	}
	r, err := o.Get(ctx, q.Doc)
	if err != nil || r.Receipt != outbox.Unknown || r.Copies != 1 {
		t.Errorf("Get = %+v, %v, want an unknown print", r, err)
	}
	if _, err := o.QueuePrint(ctx, q.Doc, outbox.PrintReceipt, false); !errors.Is(err, outbox.ErrMarked) {
		t.Errorf("unmarked QueuePrint after an unknown print = %v, want ErrMarked", err)
	}
	j, err = o.QueuePrint(ctx, q.Doc, outbox.PrintReceipt, true)
	if err != nil || !j.Marked {
		t.Fatalf("marked QueuePrint = %+v, %v", j, err)
	}
	if err := o.StartPrint(ctx, j.ID); err != nil {
		t.Fatal(err)
	}
	if err := o.EndPrint(ctx, j.ID, outbox.Failed, "printer.jam"); err != nil {
		t.Fatal(err)
	}
	if _, err := o.QueuePrint(ctx, q.Doc, outbox.PrintReceipt, false); !errors.Is(err, outbox.ErrMarked) {
		t.Errorf("unmarked QueuePrint after a failed marked one = %v, want ErrMarked: the first may have come out", err)
	}
	size, _ := o.Head()
	var outcomes []uint8
	for i := range size {
		e, err := o.Entry(ctx, i)
		if err != nil {
			t.Fatal(err)
		}
		if e.Kind == journal.Printed {
			outcomes = append(outcomes, e.Fields.Outcome)
		}
	}
	if got, want := fmt.Sprint(outcomes), "[5 4 5]"; got != want {
		t.Errorf("outcomes in the journal = %v, want %v", got, want)
	}
}

// TestOnePaperAtATime: somebody asked for a marked copy of a receipt that was just
// being printed; there were two open jobs for one paper then, the check at the next
// start took that for damage, and set the whole outbox aside.
func TestOnePaperAtATime(t *testing.T) {
	dir := t.TempDir()
	o := outboxtest.OpenDir(t, dir, outbox.Options{})
	d := outboxtest.Draft(1)
	outboxtest.Accept(t, o, d)
	job, ok, err := o.NextPrint(t.Context())
	if err != nil || !ok {
		t.Fatalf("NextPrint = %v, %v", ok, err)
	}
	if err := o.StartPrint(t.Context(), job.ID); err != nil {
		t.Fatal(err)
	}
	for _, marked := range []bool{false, true} {
		if _, err := o.QueuePrint(t.Context(), d.Doc, outbox.PrintReceipt, marked); !errors.Is(err, outbox.ErrPrintState) {
			t.Errorf("QueuePrint (marked: %t) while it is printed = %v, want ErrPrintState", marked, err)
		}
	}
	if err := o.Check(t.Context()); err != nil {
		t.Errorf("Check = %v", err)
	}
	if err := o.EndPrint(t.Context(), job.ID, outbox.Printed, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := o.QueuePrint(t.Context(), d.Doc, outbox.PrintReceipt, true); err != nil {
		t.Errorf("QueuePrint of a marked copy after it = %v", err)
	}
	if err := o.Check(t.Context()); err != nil {
		t.Errorf("Check = %v", err)
	}
}
