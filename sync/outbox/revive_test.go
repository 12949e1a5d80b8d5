package outbox

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"
)

// revives lets a file be opened again at once, for the test.
func revives(t *testing.T) {
	old := reviveEvery
	reviveEvery = 0
	t.Cleanup(func() { reviveEvery = old })
}

// TestFailedCommitIsOpenedAgain: after a commit that failed and landed the next
// write finds the outbox open again, and all of it.
func TestFailedCommitIsOpenedAgain(t *testing.T) {
	revives(t)
	o, err := Open(t.Context(), t.TempDir(), Options{Kiosk: "K-000001"})
	if err != nil {
		t.Fatal(err)
	}
	b, err := o.db.Begin(true)
	if err != nil {
		t.Fatal(err)
	}
	w, err := o.newTx(b)
	if err != nil {
		t.Fatal(err)
	}
	d := mediumDraft(2)
	if _, err := w.accept(&d, inMemory(o, d.Sealed), nil); err != nil {
		t.Fatal(err)
	}
	if err := b.Commit(); err != nil {
		t.Fatal(err)
	}
	epoch := o.epoch()
	if _, err := o.Accept(t.Context(), mediumDraft(3)); !errors.Is(err, ErrDamaged) {
		t.Errorf("Accept = %v, want ErrDamaged", err)
	}
	if r, err := o.Accept(t.Context(), mediumDraft(3)); err != nil || r.Seq != 2 {
		t.Errorf("Accept again = %d, %v", r.Seq, err)
	}
	if s := o.Stats(t.Context()); s.Epoch != epoch || !slices.Contains(s.Alarms, AlarmDamaged) || s.Unsent != 2 {
		t.Errorf("Stats = %+v", s)
	}
	if err := errors.Join(o.Check(t.Context()), o.Dismiss(t.Context(), AlarmDamaged), o.Close()); err != nil {
		t.Error(err)
	}
	if a := o.Stats(t.Context()).Alarms; len(a) != 0 {
		t.Errorf("alarms after they were dismissed: %q", a)
	}
}

// TestDamagedWhileOpen: values and pages go bad under an open outbox. Who meets
// that hears of it; the next one finds a new epoch that has all that could be
// saved, with the mirror all.
func TestDamagedWhileOpen(t *testing.T) {
	for name, damage := range map[string]func(b []byte){
		"a value": func(b []byte) {
			d := mediumDraft(2)
			whole := append(d.Doc[:], d.Sealed...)
			for at := bytes.Index(b, whole); at >= 0; at = bytes.Index(b, whole) {
				b[at+33] ^= 1 // also where it stood before
			}
		},
		"the pages": func(b []byte) {
			for i := 2 * 4096; i < len(b); i += 4096 {
				clear(b[i : i+64])
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			revives(t)
			dir, mirror := t.TempDir(), t.TempDir()
			o, err := Open(t.Context(), dir, Options{Kiosk: "K-000001", Mirror: mirror})
			if err != nil {
				t.Fatal(err)
			}
			for i := range 5 {
				if _, err := o.Accept(t.Context(), mediumDraft(byte(i+1))); err != nil {
					t.Fatal(err)
				}
			}
			if err := o.Mirrored(t.Context()); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, fileName)
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			damage(b)
			f, err := os.OpenFile(path, os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := f.WriteAt(b, 0); err != nil {
				t.Fatal(err)
			}
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
			if recs, err := o.Lease(t.Context(), 0, 0); !errors.Is(err, ErrDamaged) {
				t.Errorf("Lease = %d, %v, want ErrDamaged", len(recs), err)
			}
			var recs []Record
			for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
				if recs, err = o.Lease(t.Context(), 0, 0); err == nil {
					break
				}
			}
			if err != nil || len(recs) != 5 {
				t.Errorf("Lease again = %d, %v, want 5", len(recs), err)
			}
			if _, err := o.Accept(t.Context(), mediumDraft(9)); err != nil {
				t.Errorf("Accept = %v", err)
			}
			s := o.Stats(t.Context())
			if !slices.Contains(s.Alarms, AlarmDamaged) || !slices.Contains(s.Alarms, AlarmQuarantined) || slices.Contains(s.Alarms, AlarmLost) {
				t.Errorf("alarms %q", s.Alarms)
			}
			if err := errors.Join(o.Mirrored(t.Context()), o.Check(t.Context()), o.Close()); err != nil {
				t.Error(err)
			}
			if n := inMirror(t, mirror); n != 6 {
				t.Errorf("%d requests are on the mirror, want 6", n)
			}
		})
	}
}

// TestLeaseLargeWhileOpenedAgain: the file is opened again, without one request,
// between the moment when a large one is chosen and that when it is leased. It was
// looked for where it had been, which is another's place or nobody's.
func TestLeaseLargeWhileOpenedAgain(t *testing.T) {
	revives(t)
	ctx, dir := t.Context(), t.TempDir()
	o, err := Open(ctx, dir, Options{Kiosk: "K-000001"})
	if err != nil {
		t.Fatal(err)
	}
	bad, first, second := mediumDraft(1), mediumDraft(2), mediumDraft(3)
	first.Sealed, second.Sealed = bytes.Repeat([]byte("first"), 20<<10), bytes.Repeat([]byte("other"), 20<<10)
	for _, d := range []Draft{bad, first, second} {
		if _, err := o.Accept(ctx, d); err != nil {
			t.Fatal(err)
		}
	}
	epoch := o.epoch()
	loseOne := func() {
		path := filepath.Join(dir, fileName)
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for at := bytes.Index(b, bad.Doc[:]); at >= 0; at = bytes.Index(b, bad.Doc[:]) {
			b[at] ^= 1
		}
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteAt(b, 0); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := o.Get(ctx, bad.Doc); !errors.Is(err, ErrDamaged) {
			t.Fatalf("Get = %v, want ErrDamaged", err)
		}
		for o.epoch() == epoch {
			if err := ctx.Err(); err != nil {
				t.Fatal(err)
			}
			runtime.Gosched()
		}
	}
	rec, blob, err := o.LeaseLarge(ctx, func(d Doc) bool {
		if o.epoch() == epoch {
			loseOne()
		}
		return false
	})
	if err != nil || rec.Doc != first.Doc {
		t.Fatalf("LeaseLarge = %x, %v, want the first", rec.Doc[:4], err)
	}
	got := make([]byte, len(first.Sealed))
	if _, err := blob.ReadAt(got, 0); err != nil || !bytes.Equal(got, first.Sealed) {
		t.Errorf("its bytes begin with %q, %v", got[:5], err)
	}
	if err := errors.Join(blob.Close(), o.Check(ctx), o.Close()); err != nil {
		t.Error(err)
	}
}

// TestPrintingWhenOpenedAgain: how a print ended could not be stored, since the file
// took no writes. Opened again under the same epoch it stayed printing until the
// next start, and nobody could have the paper printed again.
func TestPrintingWhenOpenedAgain(t *testing.T) {
	revives(t)
	ctx := t.Context()
	o, err := Open(ctx, t.TempDir(), Options{Kiosk: "K-000001"})
	if err != nil {
		t.Fatal(err)
	}
	d := mediumDraft(1)
	if _, err := o.Accept(ctx, d); err != nil {
		t.Fatal(err)
	}
	job, _, err := o.NextPrint(ctx)
	if err := errors.Join(err, o.StartPrint(ctx, job.ID)); err != nil {
		t.Fatal(err)
	}
	epoch := o.epoch()
	o.doubt()
	for r := (Request{}); r.Receipt != Unknown; {
		if r, err = o.Get(ctx, d.Doc); err != nil {
			t.Fatal(err)
		}
		runtime.Gosched()
	}
	if err := o.EndPrint(ctx, job.ID, Printed, ""); !errors.Is(err, ErrNotFound) {
		t.Errorf("EndPrint = %v, want ErrNotFound", err)
	}
	if _, err := o.QueuePrint(ctx, d.Doc, PrintReceipt, false); !errors.Is(err, ErrMarked) {
		t.Errorf("QueuePrint without a mark = %v, want ErrMarked", err)
	}
	if _, err := o.QueuePrint(ctx, d.Doc, PrintReceipt, true); err != nil {
		t.Errorf("QueuePrint with a mark = %v", err)
	}
	if o.epoch() != epoch {
		t.Error("a new epoch for a file that is whole")
	}
	if err := errors.Join(o.Check(ctx), o.Close()); err != nil {
		t.Error(err)
	}
}
