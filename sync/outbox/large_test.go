package outbox_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/outbox/outboxtest"
)

func blobName(sealed []byte) string {
	d := sha256.Sum256(sealed)
	return filepath.Join("blob", hex.EncodeToString(d[:]))
}

// readBlob leases the next large request and returns what would travel.
func readBlob(t testing.TB, o *outbox.Outbox) (outbox.Record, []byte) {
	t.Helper()
	rec, b, err := o.LeaseLarge(t.Context(), nil)
	if err != nil {
		t.Fatalf("LeaseLarge: %v", err)
	}
	got, err := io.ReadAll(io.NewSectionReader(b, 0, int64(rec.Size)))
	if err := errors.Join(err, b.Close()); err != nil {
		t.Fatal(err)
	}
	return rec, got
}

func TestLargeRequest(t *testing.T) {
	dir := t.TempDir()
	o := outboxtest.OpenDir(t, dir, outbox.Options{})
	ctx := t.Context()
	d := outboxtest.Large(1, 3<<20)
	r := outboxtest.Accept(t, o, d)
	if again := outboxtest.Accept(t, o, d); again.Seq != r.Seq {
		t.Errorf("accepted again as %d, want %d", again.Seq, r.Seq)
	}
	small := outboxtest.Accept(t, o, outboxtest.Draft(2))
	recs, err := o.Lease(ctx, 0, 0)
	if err != nil || len(recs) != 1 || recs[0].Seq != small.Seq {
		t.Fatalf("Lease = %d records, %v, want the small one only", len(recs), err)
	}
	if s := o.Stats(ctx); s.Unsent != 2 || s.Large != 1 || s.LargeBytes != 3<<20 {
		t.Errorf("Stats = %d unsent, %d large of %d bytes", s.Unsent, s.Large, s.LargeBytes)
	}
	rec, got := readBlob(t, o)
	if rec.Doc != d.Doc || rec.State != outbox.Sending || !bytes.Equal(got, d.Sealed) {
		t.Errorf("leased %x, %v, %d bytes", rec.Doc[:4], rec.State, len(got))
	}
	if err := o.Withdraw(ctx, d.Doc); !errors.Is(err, outbox.ErrSent) {
		t.Errorf("Withdraw of what left = %v, want ErrSent", err)
	}
	if err := errors.Join(o.Sent(ctx, rec.SealedDigest, 1<<20), o.Check(ctx), o.Close()); err != nil {
		t.Fatal(err)
	}

	o = outboxtest.OpenDir(t, dir, outbox.Options{})
	if rec, got = readBlob(t, o); rec.Sent != 1<<20 || !bytes.Equal(got, d.Sealed) {
		t.Errorf("after a restart: sent %d, %d bytes", rec.Sent, len(got))
	}
	if _, _, err := o.LeaseLarge(ctx, func(outbox.Doc) bool { return true }); !errors.Is(err, outbox.ErrNotFound) {
		t.Errorf("LeaseLarge of what is passed by = %v, want ErrNotFound", err)
	}
	if err := o.Receipted(ctx, []outbox.Receipt{{Seq: r.Seq, Doc: r.Doc, Stage: outbox.Delivered, At: day, Bytes: []byte("durable")}}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, blobName(d.Sealed))); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file after its receipt: %v, want it gone", err)
	}
	if s := o.Stats(ctx); s.Large != 0 || s.LargeBytes != 0 {
		t.Errorf("Stats after the receipt = %d large of %d bytes", s.Large, s.LargeBytes)
	}
	w := outboxtest.Accept(t, o, outboxtest.Large(3, outbox.MaxInline+1))
	if err := o.Withdraw(ctx, w.Doc); err != nil {
		t.Fatal(err)
	}
	if files, err := os.ReadDir(filepath.Join(dir, "blob")); err != nil || len(files) != 0 {
		t.Errorf("files after the withdrawal: %v, %v", files, err)
	}
}

// TestLargeRequestsDamage: a file that is gone or not what it was raises an alarm,
// is never handed out, and holds up nobody.
func TestLargeRequestsDamage(t *testing.T) {
	for name, spoil := range map[string]func(t *testing.T, path string) error{
		"gone": func(_ *testing.T, path string) error { return os.Remove(path) },
		"cut":  func(_ *testing.T, path string) error { return os.Truncate(path, 100<<10) },
		"changed": func(t *testing.T, path string) error {
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			b[77777] ^= 1
			return os.WriteFile(path, b, 0o600)
		},
	} {
		for _, open := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, open %t", name, open), func(t *testing.T) {
				dir := t.TempDir()
				o := outboxtest.OpenDir(t, dir, outbox.Options{})
				bad, good := outboxtest.Large(1, 200<<10), outboxtest.Large(2, 150<<10)
				outboxtest.Accept(t, o, bad)
				outboxtest.Accept(t, o, good)
				if !open {
					if err := o.Close(); err != nil {
						t.Fatal(err)
					}
				}
				if err := spoil(t, filepath.Join(dir, blobName(bad.Sealed))); err != nil {
					t.Fatal(err)
				}
				if !open {
					if err := outbox.CheckFile(t.Context(), filepath.Join(dir, "outbox.db")); err == nil {
						t.Error("CheckFile says that all is well")
					}
					o = outboxtest.OpenDir(t, dir, outbox.Options{})
				}
				if err := o.Check(t.Context()); err == nil || errors.Is(err, outbox.ErrDamaged) {
					t.Errorf("Check = %v, want an error that sets nothing aside", err)
				}
				rec, got := readBlob(t, o)
				if rec.Doc != good.Doc || !bytes.Equal(got, good.Sealed) {
					t.Errorf("leased %x, %d bytes, want the good one", rec.Doc[:4], len(got))
				}
				if r, err := o.Get(t.Context(), bad.Doc); err != nil || r.State != outbox.Accepted {
					t.Errorf("the bad one is %v, %v, want accepted", r.State, err)
				}
				if st := o.Stats(t.Context()); st.Unsent != 2 || st.Lost != 1 || st.Large != 1 {
					t.Errorf("%d unsent, %d lost, %d large, want 2, 1, 1", st.Unsent, st.Lost, st.Large)
				}
				if a := o.Stats(t.Context()).Alarms; !slices.Contains(a, outbox.AlarmLost) {
					t.Errorf("alarms = %q, want %s", a, outbox.AlarmLost)
				}
				if err := os.MkdirAll(filepath.Join(dir, "blob"), 0o700); err != nil {
					t.Fatal(err)
				}
				// Somebody brings it back.
				if err := errors.Join(o.Close(), os.WriteFile(filepath.Join(dir, blobName(bad.Sealed)), bad.Sealed, 0o600)); err != nil {
					t.Fatal(err)
				}
				o = outboxtest.OpenDir(t, dir, outbox.Options{})
				if rec, got = readBlob(t, o); rec.Doc != bad.Doc || !bytes.Equal(got, bad.Sealed) {
					t.Errorf("leased %x, want the one that is back", rec.Doc[:4])
				}
			})
		}
	}
}

func TestLargeRequestsRoom(t *testing.T) {
	dir := t.TempDir()
	o := outboxtest.OpenDir(t, dir, outbox.Options{MaxBlobs: 4 << 20})
	ctx := t.Context()
	outboxtest.Accept(t, o, outboxtest.Large(1, 3<<20))
	if _, err := o.Accept(ctx, outboxtest.Large(2, 2<<20)); !errors.Is(err, outbox.ErrFull) {
		t.Errorf("Accept of more than there is room for = %v, want ErrFull", err)
	}
	if s := o.Stats(ctx); s.Unsent != 1 || s.FreeLarge != 1<<20 {
		t.Errorf("Stats = %d unsent, %d free, want 1 and 1 MiB", s.Unsent, s.FreeLarge)
	}
	outboxtest.Accept(t, o, outboxtest.Draft(3)) // a small one has its own
	if files, err := os.ReadDir(filepath.Join(dir, "blob")); err != nil || len(files) != 1 {
		t.Errorf("files after a refusal: %v, %v, want one", files, err)
	}
	if _, err := o.Stage(ctx, func(w io.Writer) error {
		_, err := w.Write(make([]byte, outbox.MaxSealed+1))
		return err
	}); !errors.Is(err, outbox.ErrTooLarge) {
		t.Errorf("Stage of too much = %v, want ErrTooLarge", err)
	}
}

func TestStage(t *testing.T) {
	dir := t.TempDir()
	o := outboxtest.OpenDir(t, dir, outbox.Options{})
	ctx := t.Context()
	stage := func(n, size int) (outbox.Draft, *outbox.Staged) {
		t.Helper()
		d := outboxtest.Large(n, size)
		s, err := o.Stage(ctx, func(w io.Writer) error {
			_, err := io.Copy(w, bytes.NewReader(d.Sealed))
			return err
		})
		if err != nil || s.Size() != int64(size) {
			t.Fatalf("Stage = %v, %v", s, err)
		}
		d.Sealed, d.Staged = nil, s
		return d, s
	}
	files := func() int {
		t.Helper()
		f, err := os.ReadDir(filepath.Join(dir, "blob"))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		return len(f)
	}
	small, _ := stage(1, 1000)
	if files() != 0 {
		t.Error("a small one is in a file")
	}
	outboxtest.Accept(t, o, small)
	d, s := stage(2, 100<<10)
	s.Discard()
	if files() != 0 {
		t.Error("what was discarded is there")
	}
	if _, err := o.Accept(ctx, d); err == nil {
		t.Error("what was discarded was accepted")
	}
	d, s = stage(3, 100<<10)
	outboxtest.Accept(t, o, d)
	outboxtest.Accept(t, o, d) // the same again
	s.Discard()
	other := outboxtest.Draft(4)
	other.Sealed, other.Staged = nil, s
	if _, err := o.Accept(ctx, other); err == nil {
		t.Error("one file was accepted for two documents")
	}
	if _, got := readBlob(t, o); len(got) != 100<<10 {
		t.Errorf("%d bytes are there", len(got))
	}
	_, _ = stage(5, 100<<10) // and then the power goes
	boom := errors.New("boom")
	if _, err := o.Stage(ctx, func(w io.Writer) error {
		_, _ = w.Write(make([]byte, 1<<20))
		return boom
	}); !errors.Is(err, boom) || files() != 2 {
		t.Errorf("Stage that fails = %v, %d files, want boom and 2", err, files())
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	o = outboxtest.OpenDir(t, dir, outbox.Options{})
	if files() != 1 {
		t.Errorf("%d files after the next start, want the one that was accepted", files())
	}
}

// TestLargeRequestsAreCopied: mirror and backup hold what a large request needs, and
// a restore from either, and a salvage in place, send it.
func TestLargeRequestsAreCopied(t *testing.T) {
	ctx := t.Context()
	dir, mirror := t.TempDir(), t.TempDir()
	o := outboxtest.OpenDir(t, dir, outbox.Options{Mirror: mirror})
	if err := o.Mirrored(ctx); err != nil {
		t.Fatal(err)
	}
	d := outboxtest.Large(1, 900<<10)
	outboxtest.Accept(t, o, d)
	outboxtest.Accept(t, o, outboxtest.Draft(2))
	if err := o.Mirrored(ctx); err != nil {
		t.Fatal(err)
	}
	backup := filepath.Join(t.TempDir(), "backup")
	var b bytes.Buffer
	if err := o.Backup(ctx, &b); err != nil {
		t.Fatal(err)
	}
	if _, err := outbox.CheckCopy(bytes.NewReader(b.Bytes())); err != nil {
		t.Error(err)
	}
	if err := errors.Join(os.WriteFile(backup, b.Bytes(), 0o600), o.Close()); err != nil {
		t.Fatal(err)
	}
	want := func(dir, from string) {
		t.Helper()
		o := outboxtest.OpenDir(t, dir, outbox.Options{})
		if rec, got := readBlob(t, o); rec.Doc != d.Doc || !bytes.Equal(got, d.Sealed) {
			t.Errorf("from %s: %x, %d bytes", from, rec.Doc[:4], len(got))
		}
		if err := errors.Join(o.Check(ctx), o.Close()); err != nil {
			t.Error(err)
		}
	}
	for _, from := range []string{mirror, backup} {
		to := t.TempDir()
		if res, err := outbox.Restore(ctx, to, outbox.Options{Kiosk: outboxtest.Kiosk}, from); err != nil || res.Waiting != 2 || res.Lost != 0 {
			t.Fatalf("Restore = %+v, %v, want two waiting", res, err)
		}
		want(to, from)
	}
	// The tree is gone; the file beside it is there.
	raw, err := os.ReadFile(filepath.Join(dir, "outbox.db"))
	if err != nil {
		t.Fatal(err)
	}
	clear(raw[:8192])
	if err := os.WriteFile(filepath.Join(dir, "outbox.db"), raw, 0o600); err != nil {
		t.Fatal(err)
	}
	want(dir, "a salvage")
	// And so is the file beside it: the mirror has it.
	clear(raw[:8192])
	if err := errors.Join(os.Remove(filepath.Join(dir, blobName(d.Sealed))), os.WriteFile(filepath.Join(dir, "outbox.db"), raw, 0o600)); err != nil {
		t.Fatal(err)
	}
	o = outboxtest.OpenDir(t, dir, outbox.Options{Mirror: mirror})
	if rec, got := readBlob(t, o); rec.Doc != d.Doc || !bytes.Equal(got, d.Sealed) {
		t.Errorf("from the mirror: %x, %d bytes", rec.Doc[:4], len(got))
	}
}

// TestOrphansOfALostOutbox: what no request names may be all that is left of one.
func TestOrphansOfALostOutbox(t *testing.T) {
	dir := t.TempDir()
	o := outboxtest.OpenDir(t, dir, outbox.Options{})
	d := outboxtest.Large(1, 100<<10)
	outboxtest.Accept(t, o, d)
	if err := errors.Join(o.Close(), os.Remove(filepath.Join(dir, "outbox.db"))); err != nil {
		t.Fatal(err)
	}
	for _, want := range []bool{true, true, false} {
		o, err := outbox.Open(context.Background(), dir, outbox.Options{Kiosk: outboxtest.Kiosk})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(filepath.Join(dir, blobName(d.Sealed))); (err == nil) != want {
			t.Errorf("the file is there: %t, want %t", err == nil, want)
		}
		if want { // the second time: dismissed
			if _, err := os.Stat(filepath.Join(dir, "seen")); err == nil {
				err = o.Dismiss(t.Context(), outbox.AlarmMissing)
				if err != nil {
					t.Fatal(err)
				}
			}
			if err := os.WriteFile(filepath.Join(dir, "seen"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := o.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestSalvagedLargeGoesWhenItsFileIsBack: the file of a large request was away when
// the outbox was salvaged. It was given up for ever then, and once the alarms were
// dismissed the file that had come back was removed as nobody's.
func TestSalvagedLargeGoesWhenItsFileIsBack(t *testing.T) {
	ctx := t.Context()
	dir := t.TempDir()
	o := outboxtest.OpenDir(t, dir, outbox.Options{})
	d := outboxtest.Large(1, 200<<10)
	outboxtest.Accept(t, o, d)
	file := filepath.Join(dir, blobName(d.Sealed))
	if err := errors.Join(o.Close(), os.Rename(file, file+"-away")); err != nil {
		t.Fatal(err)
	}
	spoilTree(t, dir)
	o = outboxtest.OpenDir(t, dir, outbox.Options{})
	if a := o.Stats(ctx).Alarms; !slices.Contains(a, outbox.AlarmLost) {
		t.Errorf("alarms %q, want %s", a, outbox.AlarmLost)
	}
	if _, _, err := o.LeaseLarge(ctx, nil); !errors.Is(err, outbox.ErrNotFound) {
		t.Errorf("LeaseLarge = %v, want ErrNotFound", err)
	}
	if err := errors.Join(o.Dismiss(ctx, outbox.AlarmLost), o.Dismiss(ctx, outbox.AlarmQuarantined), o.Close(), os.Rename(file+"-away", file)); err != nil {
		t.Fatal(err)
	}
	o = outboxtest.OpenDir(t, dir, outbox.Options{})
	if _, err := os.Stat(file); err != nil {
		t.Fatalf("the file that came back: %v", err)
	}
	if rec, got := readBlob(t, o); rec.Doc != d.Doc || !bytes.Equal(got, d.Sealed) {
		t.Errorf("leased %x, %d bytes, want the one whose file is back", rec.Doc[:4], len(got))
	}
	if err := o.Check(ctx); err != nil {
		t.Error(err)
	}
}

// TestOutboxMissingButForLarge: only the files of large requests are left of an
// outbox. They were taken for what a crash had left, and removed.
func TestOutboxMissingButForLarge(t *testing.T) {
	dir := t.TempDir()
	o := outboxtest.OpenDir(t, dir, outbox.Options{})
	d := outboxtest.Large(1, 100<<10)
	outboxtest.Accept(t, o, d)
	if err := errors.Join(o.Close(), os.Remove(filepath.Join(dir, "outbox.db")), os.Remove(filepath.Join(dir, "outbox.lock"))); err != nil {
		t.Fatal(err)
	}
	o = outboxtest.OpenDir(t, dir, outbox.Options{})
	if a := o.Stats(t.Context()).Alarms; !slices.Equal(a, []string{outbox.AlarmMissing}) {
		t.Errorf("alarms %q, want %s", a, outbox.AlarmMissing)
	}
	if _, err := os.Stat(filepath.Join(dir, blobName(d.Sealed))); err != nil {
		t.Errorf("the file of a large request: %v", err)
	}
}
