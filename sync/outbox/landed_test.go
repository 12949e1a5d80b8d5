package outbox

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
)

// TestFailedCommitLands: the flush of a commit's last page fails, and the commit
// is in the file all the same, as every later read of it shows. The outbox once
// went on from what it remembered, and wrote the next journal entries over
// those of the request that was there.
func TestFailedCommitLands(t *testing.T) {
	dir := t.TempDir()
	open := func() *Outbox {
		o, err := Open(t.Context(), dir, Options{Kiosk: "K-000001"})
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	draft := func(n byte) Draft {
		return Draft{Doc: Doc{n}, Service: "job-seeker", Lang: "tk", Sealed: []byte{n}, Claimed: time.Now()}
	}
	o := open()
	if _, err := o.Accept(t.Context(), draft(1)); err != nil {
		t.Fatal(err)
	}
	// The same commit that Accept makes, of which the writer hears that it failed.
	b, err := o.db.Begin(true)
	if err != nil {
		t.Fatal(err)
	}
	w, err := o.newTx(b)
	if err != nil {
		t.Fatal(err)
	}
	d := draft(2)
	if _, err := w.accept(&d, inMemory(o, d.Sealed), nil); err != nil {
		t.Fatal(err)
	}
	if err := b.Commit(); err != nil {
		t.Fatal(err)
	}

	if _, err := o.Accept(t.Context(), draft(3)); !errors.Is(err, ErrDamaged) {
		t.Errorf("Accept after a commit that failed and landed = %v, want ErrDamaged", err)
	}
	if a := o.Stats(t.Context()).Alarms; !slices.Contains(a, AlarmDamaged) {
		t.Errorf("alarms = %q, want %s", a, AlarmDamaged)
	}
	if err := o.Close(); err != nil {
		t.Errorf("Close = %v", err)
	}

	o = open() // what landed is there, and whole
	if a := o.Stats(t.Context()).Alarms; len(a) != 0 {
		t.Errorf("alarms after opening again = %q, want none", a)
	}
	if err := o.Check(t.Context()); err != nil {
		t.Errorf("Check = %v", err)
	}
	recs, err := o.Lease(t.Context(), 0, 0)
	if err != nil || len(recs) != 2 || recs[0].Doc != (Doc{1}) || recs[1].Doc != (Doc{2}) {
		t.Errorf("Lease = %d records, %v, want the first two", len(recs), err)
	}
	if _, err := o.Accept(t.Context(), draft(3)); err != nil {
		t.Errorf("Accept = %v", err)
	}
	if err := o.Close(); err != nil {
		t.Errorf("Close = %v", err)
	}
}

// TestFailedCommitOfALargeRequestLands: the request is in the file though its commit
// failed. Its own file was removed with what Accept had not taken, and the request
// waited without it for ever.
func TestFailedCommitOfALargeRequestLands(t *testing.T) {
	revives(t)
	ctx := t.Context()
	var fail atomic.Bool
	defer func(old func(*bolt.Tx) error) { commitTx = old }(commitTx)
	commitTx = func(b *bolt.Tx) error {
		err := b.Commit()
		if fail.Swap(false) {
			err = syscall.ENOSPC // of its last flush
		}
		return err
	}
	o, err := Open(ctx, t.TempDir(), Options{Kiosk: "K-000001"})
	if err != nil {
		t.Fatal(err)
	}
	d := mediumDraft(1)
	sealed := bytes.Repeat([]byte("large"), 20<<10)
	if d.Staged, err = o.Stage(ctx, func(w io.Writer) error { _, err := w.Write(sealed); return err }); err != nil {
		t.Fatal(err)
	}
	d.Sealed = nil
	fail.Store(true)
	if _, err := o.Accept(ctx, d); !errors.Is(err, ErrDamaged) || errors.Is(err, ErrFull) {
		t.Errorf("Accept = %v, want ErrDamaged: it is not true that nothing was stored", err)
	}
	d.Staged.Discard()
	if _, err := o.Accept(ctx, mediumDraft(2)); err != nil {
		t.Fatal(err)
	}
	rec, b, err := o.LeaseLarge(ctx, nil)
	if err != nil || rec.Doc != d.Doc {
		t.Fatalf("LeaseLarge = %x, %v, want what landed", rec.Doc[:4], err)
	}
	if err := errors.Join(b.Close(), o.Check(ctx), o.Close()); err != nil {
		t.Error(err)
	}
}
