package outbox_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/outbox/outboxtest"
)

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
