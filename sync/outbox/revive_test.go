package outbox

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
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
