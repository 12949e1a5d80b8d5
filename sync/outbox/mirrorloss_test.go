package outbox_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/outbox/outboxtest"
)

// TestMirrorKeepsWhatTheOutboxLost: the file is gone, and a new one begins beside
// a mirror that has more. It is said, nothing is removed, and a restore puts both
// together.
func TestMirrorKeepsWhatTheOutboxLost(t *testing.T) {
	mirror, dir := t.TempDir(), t.TempDir()
	o := outboxtest.OpenDir(t, dir, outbox.Options{Mirror: mirror})
	lifeOf(t, o)
	mirrored(t, o)
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "outbox.db")); err != nil {
		t.Fatal(err)
	}
	o = outboxtest.OpenDir(t, dir, outbox.Options{Mirror: mirror})
	outboxtest.Accept(t, o, outboxtest.Draft(30))
	mirrored(t, o)
	if s := o.Mirror(); s.State != outbox.MirrorAhead {
		t.Errorf("Mirror = %+v", s)
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	if f := mirrorFiles(t, mirror); len(f) != 2 {
		t.Errorf("files %q", f)
	}
	res, err := outbox.Restore(t.Context(), dir, outbox.Options{Kiosk: outboxtest.Kiosk}, mirror)
	if err != nil || res.Requests != 25 || res.Waiting != 20 || res.Lost != 0 || res.Aside == "" {
		t.Fatalf("Restore = %+v, %v", res, err)
	}
	o = outboxtest.OpenDir(t, dir, outbox.Options{Mirror: mirror})
	mirrored(t, o)
	if s := o.Mirror(); s.State != outbox.MirrorGood {
		t.Errorf("Mirror after the restore = %+v", s)
	}
	if f := mirrorFiles(t, mirror); len(f) != 1 {
		t.Errorf("files after the restore %q", f)
	}
}

// TestMirrorShowsAnOlderCopy: an older copy of the file is put in its place. The
// mirror knows of later commits, so it takes nothing new; the next opening puts
// both together, and nothing that was accepted is lost.
func TestMirrorShowsAnOlderCopy(t *testing.T) {
	mirror, dir := t.TempDir(), t.TempDir()
	path := filepath.Join(dir, "outbox.db")
	o := outboxtest.OpenDir(t, dir, outbox.Options{Mirror: mirror})
	for i := range 5 {
		outboxtest.Accept(t, o, outboxtest.Draft(i))
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	o = outboxtest.OpenDir(t, dir, outbox.Options{Mirror: mirror})
	outboxtest.Accept(t, o, outboxtest.Draft(5))
	mirrored(t, o)
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, old, 0o600); err != nil {
		t.Fatal(err)
	}
	away := mirror + "-away" // the branch begins while the stick is elsewhere
	if err := os.Rename(mirror, away); err != nil {
		t.Fatal(err)
	}
	o = outboxtest.OpenDir(t, dir, outbox.Options{Mirror: mirror})
	if r := outboxtest.Accept(t, o, outboxtest.Draft(6)); r.Seq != 6 {
		t.Fatalf("sequence %d, want 6 a second time", r.Seq)
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(away, mirror); err != nil {
		t.Fatal(err)
	}
	o = outboxtest.OpenDir(t, dir, outbox.Options{Mirror: mirror})
	changes := o.Changes()
	for !slices.Contains(o.Stats(t.Context()).Alarms, outbox.AlarmRestored) {
		if s := o.Mirror().State; s == outbox.MirrorGood {
			t.Fatal("the mirror took an older copy for its own")
		}
		select {
		case <-changes:
		case <-t.Context().Done():
			t.Fatal("the older copy was not seen")
		}
	}
	if _, err := o.Accept(t.Context(), outboxtest.Draft(7)); !errors.Is(err, outbox.ErrRestored) {
		t.Errorf("Accept = %v, want ErrRestored", err)
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	o = outboxtest.OpenDir(t, dir, outbox.Options{Mirror: mirror})
	recs, err := o.Lease(t.Context(), 0, 0)
	if err != nil || len(recs) != 7 {
		t.Errorf("%d requests are sent, %v; want all 7 of both branches", len(recs), err)
	}
	outboxtest.Accept(t, o, outboxtest.Draft(7))
	mirrored(t, o)
	if s := o.Mirror(); s.State != outbox.MirrorGood {
		t.Errorf("Mirror = %+v", s)
	}
}

// TestSalvageTakesTheMirrorToo: what the damaged file lost comes from the mirror.
func TestSalvageTakesTheMirrorToo(t *testing.T) {
	mirror, dir := t.TempDir(), t.TempDir()
	o := outboxtest.OpenDir(t, dir, outbox.Options{Mirror: mirror})
	lifeOf(t, o)
	mirrored(t, o)
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "outbox.db"), []byte("nothing is left"), 0o600); err != nil {
		t.Fatal(err)
	}
	o = outboxtest.OpenDir(t, dir, outbox.Options{Mirror: mirror})
	if a := o.Stats(t.Context()).Alarms; !slices.Equal(a, []string{outbox.AlarmQuarantined}) {
		t.Errorf("alarms %q", a)
	}
	if recs, err := o.Lease(t.Context(), 0, 0); err != nil || len(recs) != 19 {
		t.Errorf("%d requests are sent, %v; want 19", len(recs), err)
	}
}

// TestMirrorIsBegunAnew: of what was receipted the mirror does not grow for ever.
func TestMirrorIsBegunAnew(t *testing.T) {
	mirror := t.TempDir()
	o := outboxtest.OpenDir(t, t.TempDir(), outbox.Options{Mirror: mirror})
	large := make([]byte, 512<<10)
	for i := range 70 {
		d := outboxtest.Draft(i)
		d.Sealed = append(slices.Clone(large), d.Sealed...)
		r := outboxtest.Accept(t, o, d)
		if err := o.Receipted(t.Context(), []outbox.Receipt{{Seq: r.Seq, Doc: r.Doc, Stage: outbox.Delivered, At: outboxtest.Day, Bytes: []byte("durable")}}); err != nil {
			t.Fatal(err)
		}
		mirrored(t, o)
	}
	outboxtest.Accept(t, o, outboxtest.Draft(99))
	mirrored(t, o)
	files := mirrorFiles(t, mirror)
	if len(files) != 1 || filepath.Ext(files[0]) != ".pjm" || files[0][len(files[0])-5] == '1' {
		t.Errorf("files %q, want one of a later generation", files)
	}
	if s := o.Mirror(); s.Bytes > 20<<20 {
		t.Errorf("the mirror has %d bytes", s.Bytes)
	}
	res, err := outbox.Restore(t.Context(), t.TempDir(), outbox.Options{Kiosk: outboxtest.Kiosk}, mirror)
	if err != nil || res.Requests != 71 || res.Waiting != 1 || res.Lost != 0 {
		t.Errorf("Restore = %+v, %v", res, err)
	}
}

// TestMirrorKeepsTheLostFile: the file of a large request is gone here, or is another;
// the mirror has it. A new generation of the mirror was begun without it, and the old
// one, the last that had it, was removed.
func TestMirrorKeepsTheLostFile(t *testing.T) {
	for name, spoil := range map[string]func(path string, b []byte) error{
		"gone":    func(path string, _ []byte) error { return os.Remove(path) },
		"changed": func(path string, b []byte) error { return os.WriteFile(path, b, 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			mirror, dir := t.TempDir(), t.TempDir()
			o := outboxtest.OpenDir(t, dir, outbox.Options{Mirror: mirror})
			d := outboxtest.Large(1000, 300<<10)
			outboxtest.Accept(t, o, d)
			mirrored(t, o)
			if err := o.Close(); err != nil {
				t.Fatal(err)
			}
			if err := spoil(filepath.Join(dir, blobName(d.Sealed)), make([]byte, 300<<10)); err != nil {
				t.Fatal(err)
			}
			o = outboxtest.OpenDir(t, dir, outbox.Options{Mirror: mirror})
			first := mirrorFiles(t, mirror)
			for i := 0; slices.Equal(mirrorFiles(t, mirror), first); i++ {
				if i == 100 {
					t.Fatal("no new generation was begun")
				}
				r := outboxtest.Accept(t, o, outboxtest.Large(i, 512<<10))
				if err := o.Receipted(t.Context(), []outbox.Receipt{{Seq: r.Seq, Doc: r.Doc, Stage: outbox.Delivered, At: outboxtest.Day, Bytes: []byte("durable")}}); err != nil {
					t.Fatal(err)
				}
				mirrored(t, o)
			}
			if err := o.Close(); err != nil {
				t.Fatal(err)
			}
			to := t.TempDir()
			if res, err := outbox.Restore(t.Context(), to, outbox.Options{Kiosk: outboxtest.Kiosk}, mirror); err != nil || res.Waiting != 1 || res.Lost != 0 {
				t.Fatalf("Restore = %+v, %v, want one waiting and none lost", res, err)
			}
			o = outboxtest.OpenDir(t, to, outbox.Options{})
			if rec, got := readBlob(t, o); rec.Doc != d.Doc || !bytes.Equal(got, d.Sealed) {
				t.Errorf("leased %x, %d bytes", rec.Doc[:4], len(got))
			}
		})
	}
}

// TestBadFileSpoilsNoCopy: a backup was made after the file of a large request had
// gone bad. Its bad parts took the place of the mirror's good ones in a restore from
// both.
func TestBadFileSpoilsNoCopy(t *testing.T) {
	ctx := t.Context()
	mirror, dir := t.TempDir(), t.TempDir()
	o := outboxtest.OpenDir(t, dir, outbox.Options{Mirror: mirror})
	d := outboxtest.Large(1, 300<<10)
	outboxtest.Accept(t, o, d)
	mirrored(t, o)
	if err := errors.Join(o.Close(), os.WriteFile(filepath.Join(dir, blobName(d.Sealed)), make([]byte, 300<<10), 0o600)); err != nil {
		t.Fatal(err)
	}
	o = outboxtest.OpenDir(t, dir, outbox.Options{})
	var b bytes.Buffer
	if err := o.Backup(ctx, &b); err != nil {
		t.Fatal(err)
	}
	if a := o.Stats(ctx).Alarms; !slices.Equal(a, []string{outbox.AlarmLost}) {
		t.Errorf("alarms %q, want %s", a, outbox.AlarmLost)
	}
	backup := filepath.Join(t.TempDir(), "backup")
	if err := errors.Join(o.Close(), os.WriteFile(backup, b.Bytes(), 0o600)); err != nil {
		t.Fatal(err)
	}
	to := t.TempDir()
	if res, err := outbox.Restore(ctx, to, outbox.Options{Kiosk: outboxtest.Kiosk}, mirror, backup); err != nil || res.Lost != 0 {
		t.Fatalf("Restore = %+v, %v, want none lost", res, err)
	}
	o = outboxtest.OpenDir(t, to, outbox.Options{})
	if rec, got := readBlob(t, o); rec.Doc != d.Doc || !bytes.Equal(got, d.Sealed) {
		t.Errorf("leased %x, %d bytes", rec.Doc[:4], len(got))
	}
}
