package outbox_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/journal"
	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/outbox/outboxtest"
)

// checkEnv makes the test binary a check command; see TestMain.
const checkEnv = "PENJIRE_OUTBOX_CHECK"

func TestMain(m *testing.M) {
	switch {
	case os.Getenv(checkEnv) != "":
		os.Exit(outbox.CheckMain(context.Background(), os.Args[1:]))
	case os.Getenv(childEnv) != "":
		os.Exit(child(os.Getenv(childEnv)))
	}
	os.Exit(m.Run())
}

// day is when all tests happen.
var day = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

func TestAcceptedIsThereAfterReopen(t *testing.T) {
	dir := t.TempDir()
	o := outboxtest.OpenDir(t, dir, outbox.Options{})
	d := outboxtest.Draft(1)
	want, err := o.Accept(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	if want.Seq != 1 || want.State != outbox.Accepted || want.Receipt != outbox.Queued || want.TreeSize != want.Index+1 {
		t.Errorf("Accept = %+v", want)
	}
	if size, root := o.Head(); size != want.TreeSize || root != want.Root {
		t.Errorf("Head = %d, %x, want %d, %x", size, root, want.TreeSize, want.Root)
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	o = outboxtest.OpenDir(t, dir, outbox.Options{})
	got, err := o.Get(t.Context(), d.Doc)
	if err != nil {
		t.Fatal(err)
	}
	if got.SealedDigest != sha256.Sum256(d.Sealed) || got.Owner != d.Owner || !got.Due.Equal(d.Due) || got.Root != want.Root {
		t.Errorf("Get after reopening = %+v, want what Accept said: %+v", got, want)
	}
	if got.Code != "" {
		t.Errorf("Get gave the code %q away", got.Code)
	}
	byCode, err := o.ByCode(t.Context(), d.Code)
	if err != nil || byCode.Doc != d.Doc || byCode.Code != d.Code {
		t.Errorf("ByCode = %+v, %v", byCode, err)
	}
	if _, err := o.ByCode(t.Context(), "OTHER"); !errors.Is(err, outbox.ErrNotFound) {
		t.Errorf("ByCode of another code = %v, want ErrNotFound", err)
	}
	mine, err := o.Mine(t.Context(), d.Owner)
	if err != nil || len(mine) != 1 || mine[0].Doc != d.Doc {
		t.Errorf("Mine = %v, %v", mine, err)
	}
	j, ok, err := o.NextPrint(t.Context())
	if err != nil || !ok || j.Doc != d.Doc || j.Kind != outbox.PrintReceipt || j.Code != d.Code || j.Marked {
		t.Errorf("NextPrint = %+v, %v, %v", j, ok, err)
	}
	e, err := o.Entry(t.Context(), got.Index)
	if err != nil || e.Kind != journal.DocSigned || !bytes.Equal(e.Fields.Doc, d.Doc[:]) || e.Fields.Seq != 1 {
		t.Errorf("Entry(%d) = %+v, %v", got.Index, e, err)
	}
}

func TestAcceptAgainReturnsTheSame(t *testing.T) {
	o := outboxtest.Open(t)
	d := outboxtest.Draft(1)
	var wg sync.WaitGroup
	var first [8]outbox.Request
	for i := range first {
		wg.Go(func() {
			r, err := o.Accept(t.Context(), d)
			if err != nil {
				t.Error(err)
			}
			first[i] = r
		})
	}
	wg.Wait()
	for _, r := range first {
		if r.Seq != 1 || r.Index != first[0].Index {
			t.Errorf("Accept again = seq %d, index %d, want 1, %d", r.Seq, r.Index, first[0].Index)
		}
	}
	if s := o.Stats(t.Context()); s.ByState[outbox.Accepted] != 1 || s.Unsent != 1 || s.Prints != 1 {
		t.Errorf("Stats = %+v, want one of everything", s)
	}
}

func TestAcceptTogether(t *testing.T) {
	o := outboxtest.Open(t)
	const n = 100
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			if _, err := o.Accept(t.Context(), outboxtest.Draft(i)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	seen := map[uint64]bool{}
	recs, err := o.Lease(t.Context(), 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range recs {
		seen[r.Seq] = true
		if sha256.Sum256(r.Sealed) != r.SealedDigest {
			t.Errorf("request %d: sealed bytes are not its own", r.Seq)
		}
	}
	if len(recs) != n || len(seen) != n || !seen[1] || !seen[n] {
		t.Errorf("leased %d records with %d sequences, want %d from 1", len(recs), len(seen), n)
	}
}

func TestLeaseUntilReceipt(t *testing.T) {
	o := outboxtest.Open(t)
	ctx := t.Context()
	var reqs []outbox.Request
	for i := range 5 {
		d := outboxtest.Draft(i)
		d.Lane = 1
		if i == 3 {
			d.Lane = 0
		}
		reqs = append(reqs, outboxtest.Accept(t, o, d))
	}
	order := func(max, maxBytes int) (seqs []uint64) {
		t.Helper()
		recs, err := o.Lease(ctx, max, maxBytes)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range recs {
			seqs = append(seqs, r.Seq)
			if r.State != outbox.Sending {
				t.Errorf("leased request %d is %v, want sending", r.Seq, r.State)
			}
		}
		return seqs
	}
	for range 2 { // the same until a receipt comes
		if got := fmt.Sprint(order(3, 0)); got != "[4 1 2]" {
			t.Errorf("Lease of 3 = %v, want [4 1 2]: the urgent lane first", got)
		}
	}
	if got := order(0, 1); len(got) != 1 {
		t.Errorf("Lease of 1 byte = %v, want one request all the same", got)
	}
	size, _ := o.Head()
	order(3, 0)
	if again, _ := o.Head(); again != size {
		t.Errorf("leasing again grew the journal from %d to %d", size, again)
	}
	r := outbox.Receipt{Seq: 4, Doc: reqs[3].Doc, Stage: outbox.Delivered, At: day, Bytes: []byte("durable 4")}
	for range 2 { // twice is once
		if err := o.Receipted(ctx, []outbox.Receipt{r}); err != nil {
			t.Fatal(err)
		}
	}
	if after, _ := o.Head(); after != size+1 {
		t.Errorf("the same receipt twice made %d entries, want 1", after-size)
	}
	if err := o.Defer(ctx, reqs[0].Doc); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(order(0, 0)); got != "[2 3 5 1]" {
		t.Errorf("Lease = %v, want [2 3 5 1]: 4 is delivered, 1 deferred", got)
	}
	wrong := outbox.Receipt{Seq: 3, Doc: reqs[1].Doc, Stage: outbox.Delivered, At: day, Bytes: []byte("x")}
	if err := o.Receipted(ctx, []outbox.Receipt{wrong}); !errors.Is(err, outbox.ErrMismatch) {
		t.Errorf("receipt with another's sequence = %v, want ErrMismatch", err)
	}
	if err := o.Receipted(ctx, []outbox.Receipt{{Seq: 9, Doc: outbox.Doc{9}, Stage: outbox.Delivered, At: day, Bytes: []byte("x")}}); err != nil {
		t.Errorf("receipt for an unknown document = %v, want an alarm only", err)
	}
	if s := o.Stats(ctx); len(s.Alarms) != 1 || s.Alarms[0] != "outbox.receipt.unknown" || s.Unsent != 4 {
		t.Errorf("Stats = %+v", s)
	}
}

func TestReceiptsInAnyOrder(t *testing.T) {
	o := outboxtest.Open(t)
	ctx := t.Context()
	q := outboxtest.Accept(t, o, outboxtest.Draft(1))
	if _, err := o.Lease(ctx, 0, 0); err != nil {
		t.Fatal(err)
	}
	for _, r := range []outbox.Receipt{
		{Seq: q.Seq, Doc: q.Doc, Stage: outbox.Registered, At: day.Add(time.Hour), Bytes: []byte("decided")},
		{Seq: q.Seq, Doc: q.Doc, Stage: outbox.Delivered, At: day, Bytes: []byte("durable")},
		{Seq: q.Seq, Doc: q.Doc, Stage: outbox.Delivered, At: day, Bytes: []byte("durable, again and different")},
	} {
		if err := o.Receipted(ctx, []outbox.Receipt{r}); err != nil {
			t.Fatal(err)
		}
	}
	got, err := o.Get(ctx, q.Doc)
	if err != nil {
		t.Fatal(err)
	}
	if got.State != outbox.Registered || string(got.DurableReceipt) != "durable" || string(got.DecidedReceipt) != "decided" || !got.Receipted() {
		t.Errorf("Get = %+v, want registered with both receipts", got)
	}
	if recs, err := o.Lease(ctx, 0, 0); err != nil || len(recs) != 0 {
		t.Errorf("Lease = %v, %v, want none", recs, err)
	}
}

func TestSealedBytesGoInBatches(t *testing.T) {
	dir := t.TempDir()
	o := outboxtest.OpenDir(t, dir, outbox.Options{})
	ctx := t.Context()
	var rs []outbox.Receipt
	for i := range 200 {
		q := outboxtest.Accept(t, o, outboxtest.Draft(i))
		rs = append(rs, outbox.Receipt{Seq: q.Seq, Doc: q.Doc, Stage: outbox.Delivered, At: day, Bytes: []byte("r")})
	}
	if _, err := o.Lease(ctx, 0, 0); err != nil {
		t.Fatal(err)
	}
	free := o.Stats(ctx).FreeBytes
	if err := o.Receipted(ctx, rs[:150]); err != nil {
		t.Fatal(err)
	}
	if now := o.Stats(ctx).FreeBytes; now <= free {
		t.Errorf("150 receipts left %d bytes free, before them %d", now, free)
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	o = outboxtest.OpenDir(t, dir, outbox.Options{})
	recs, err := o.Lease(ctx, 0, 0)
	if err != nil || len(recs) != 50 || recs[0].Seq != 151 {
		t.Errorf("after reopening, Lease = %d records, %v, want the 50 from 151", len(recs), err)
	}
}

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

func TestProofs(t *testing.T) {
	o := outboxtest.Open(t)
	ctx := t.Context()
	var reqs []outbox.Request
	for i := range 40 {
		reqs = append(reqs, outboxtest.Accept(t, o, outboxtest.Draft(i)))
	}
	size, root := o.Head()
	for _, q := range reqs {
		e, err := o.Entry(ctx, q.Index)
		if err != nil {
			t.Fatal(err)
		}
		b, err := e.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		p, err := o.Inclusion(ctx, q.Index, size)
		if err != nil {
			t.Fatal(err)
		}
		if err := journal.CheckInclusion(p, q.Index, size, root, journal.LeafHash(b)); err != nil {
			t.Error(err)
		}
		p, err = o.Consistency(ctx, q.TreeSize, size)
		if err != nil {
			t.Fatal(err)
		}
		if err := journal.CheckConsistency(p, q.TreeSize, size, q.Root, root); err != nil {
			t.Errorf("the paper of request %d: %v", q.Seq, err)
		}
	}
	if _, err := o.Inclusion(ctx, 0, size+1); !errors.Is(err, outbox.ErrNotFound) {
		t.Errorf("Inclusion in a tree that is not there = %v, want ErrNotFound", err)
	}
	if _, err := o.Entry(ctx, size); !errors.Is(err, outbox.ErrNotFound) {
		t.Errorf("Entry(%d) = %v, want ErrNotFound", size, err)
	}
}

func TestFullKeepsRoomForReceipts(t *testing.T) {
	o := outboxtest.OpenDir(t, t.TempDir(), outbox.Options{MaxSize: 4 << 20})
	ctx := t.Context()
	var reqs []outbox.Request
	for i := 0; ; i++ {
		d := outboxtest.Draft(i)
		d.Sealed = bytes.Repeat([]byte{byte(i)}, 9000)
		r, err := o.Accept(ctx, d)
		if errors.Is(err, outbox.ErrFull) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if reqs = append(reqs, r); len(reqs) > 1000 {
			t.Fatal("a file of 4 MiB took 9 MB")
		}
	}
	if len(reqs) < 100 {
		t.Errorf("a file of 4 MiB took %d requests of 9 KB, want 100 or more", len(reqs))
	}
	if err := o.PutItem(ctx, outbox.Item{ID: 1, Bytes: make([]byte, 3<<20), At: day}); !errors.Is(err, outbox.ErrFull) || o.Cursor() != 0 {
		t.Errorf("PutItem into a full outbox = %v, cursor %d, want ErrFull and 0", err, o.Cursor())
	}
	for { // everything that is here can be finished
		recs, err := o.Lease(ctx, 10, 0)
		if err != nil {
			t.Fatal(err)
		}
		if len(recs) == 0 {
			break
		}
		for _, r := range recs {
			for _, stage := range []outbox.State{outbox.Delivered, outbox.Registered} {
				if err := o.Receipted(ctx, []outbox.Receipt{{Seq: r.Seq, Doc: r.Doc, Stage: stage, At: day, Bytes: make([]byte, 300)}}); err != nil {
					t.Fatalf("receipt for request %d in a full outbox: %v", r.Seq, err)
				}
			}
		}
	}
	for {
		j, ok, err := o.NextPrint(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			break
		}
		if err := errors.Join(o.StartPrint(ctx, j.ID), o.EndPrint(ctx, j.ID, outbox.Printed, "")); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := o.Accept(ctx, outboxtest.Draft(5000)); err != nil {
		t.Errorf("Accept after the backlog is gone: %v", err)
	}
}

func TestTooLargeAndMalformed(t *testing.T) {
	o := outboxtest.Open(t)
	d := outboxtest.Draft(1)
	d.Sealed = make([]byte, outbox.MaxSealed+1)
	if _, err := o.Accept(t.Context(), d); !errors.Is(err, outbox.ErrTooLarge) {
		t.Errorf("Accept of too much = %v, want ErrTooLarge", err)
	}
	for name, spoil := range map[string]func(*outbox.Draft){
		"no document": func(d *outbox.Draft) { d.Doc = outbox.Doc{} },
		"no bytes":    func(d *outbox.Draft) { d.Sealed = nil },
		"no time":     func(d *outbox.Draft) { d.Claimed = time.Time{} },
		"no service":  func(d *outbox.Draft) { d.Service = "" },
		"bad code":    func(d *outbox.Draft) { d.Code = "a b" },
	} {
		d := outboxtest.Draft(1)
		spoil(&d)
		if _, err := o.Accept(t.Context(), d); err == nil {
			t.Errorf("Accept with %s: no error", name)
		}
	}
	if s := o.Stats(t.Context()); s.Unsent != 0 || s.JournalSize != 1 {
		t.Errorf("Stats = %+v, want nothing but the boot entry", s)
	}
}

func TestChangesAreCoalesced(t *testing.T) {
	o := outboxtest.Open(t)
	a, b := o.Changes(), o.Changes()
	for i := range 3 {
		outboxtest.Accept(t, o, outboxtest.Draft(i))
	}
	for _, c := range []<-chan struct{}{a, b} {
		<-c
		select {
		case <-c:
			t.Error("three changes gave more than one value")
		default:
		}
	}
}

func TestOneProcessAtATime(t *testing.T) {
	dir := t.TempDir()
	outboxtest.OpenDir(t, dir, outbox.Options{})
	if _, err := outbox.Open(t.Context(), dir, outbox.Options{Kiosk: outboxtest.Kiosk}); !errors.Is(err, outbox.ErrLocked) {
		t.Errorf("second Open = %v, want ErrLocked", err)
	}
	if err := outbox.CheckFile(t.Context(), filepath.Join(dir, "outbox.db")); !errors.Is(err, outbox.ErrLocked) {
		t.Errorf("CheckFile of an open outbox = %v, want ErrLocked", err)
	}
}

func TestAnotherKiosksFileIsNotTouched(t *testing.T) {
	dir := t.TempDir()
	o := outboxtest.OpenDir(t, dir, outbox.Options{})
	outboxtest.Accept(t, o, outboxtest.Draft(1))
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := outbox.Open(t.Context(), dir, outbox.Options{Kiosk: "K-000002"}); err == nil || errors.Is(err, outbox.ErrDamaged) {
		t.Errorf("Open of another kiosk's outbox = %v, want a refusal that is not damage", err)
	}
	o = outboxtest.OpenDir(t, dir, outbox.Options{})
	if s := o.Stats(t.Context()); s.Unsent != 1 || len(s.Alarms) != 0 {
		t.Errorf("Stats = %+v, want the request still there", s)
	}
}

func TestClosedAndCancelled(t *testing.T) {
	o := outboxtest.Open(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := o.Mine(ctx, outbox.Owner{1}); err != nil {
		t.Errorf("Mine of nobody = %v", err)
	}
	if err := o.Check(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Check with a cancelled context = %v, want context.Canceled", err)
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Accept(t.Context(), outboxtest.Draft(1)); !errors.Is(err, outbox.ErrClosed) {
		t.Errorf("Accept after Close = %v, want ErrClosed", err)
	}
	if err := o.Check(t.Context()); !errors.Is(err, outbox.ErrClosed) {
		t.Errorf("Check after Close = %v, want ErrClosed", err)
	}
	if err := o.Close(); err != nil {
		t.Errorf("second Close = %v", err)
	}
}
