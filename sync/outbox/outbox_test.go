package outbox_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"os"
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
	nobody := outboxtest.Draft(99)
	nobody.Owner = outbox.Owner{}
	if _, err := o.Accept(t.Context(), nobody); err != nil {
		t.Fatal(err)
	}
	if r, err := o.ByCode(t.Context(), nobody.Code); err != nil || r.Doc != nobody.Doc || r.Code != nobody.Code {
		t.Errorf("ByCode of a request without owner = %+v, %v", r, err)
	}
	mine, err := o.Mine(t.Context(), d.Owner)
	if err != nil || len(mine) != 1 || mine[0].Doc != d.Doc {
		t.Errorf("Mine = %v, %v", mine, err)
	}
	j, ok, err := o.NextPrint(t.Context())
	if err != nil || !ok || j.Doc != d.Doc || j.Kind != outbox.PrintReceipt || j.Marked {
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
