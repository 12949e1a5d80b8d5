package outbox_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	bolt "go.etcd.io/bbolt"
	"golang.org/x/sys/unix"

	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/outbox/outboxtest"
)

// smallDisk is a file system of its own. room leaves so many bytes free on it, by
// page; below 0 there is plenty.
type smallDisk struct {
	t   *testing.T
	dir string
}

func newDisk(t *testing.T) *smallDisk {
	t.Helper()
	d := &smallDisk{t, t.TempDir()}
	if err := unix.Mount("tmpfs", d.dir, "tmpfs", 0, "size=256m"); err != nil {
		if os.Getenv("PENJIRE_PEERS") == "require" {
			t.Fatalf("mount a small file system: %v", err)
		}
		t.Skipf("full disks are left out: mount a small file system: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(d.dir, unix.MNT_DETACH); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	return d
}

func (d *smallDisk) room(left int64) {
	d.t.Helper()
	size := int64(256 << 20)
	if left >= 0 {
		var st unix.Statfs_t
		if err := unix.Statfs(d.dir, &st); err != nil {
			d.t.Fatal(err)
		}
		size = int64(st.Blocks-st.Bfree)*int64(st.Bsize) + left //nolint:gosec,unconvert // of a small disk; the sizes differ by processor
	}
	if err := unix.Mount("", d.dir, "", unix.MS_REMOUNT, fmt.Sprintf("size=%d", size)); err != nil {
		d.t.Fatal(err)
	}
}

// TestFullDisk: on a full disk nothing new is accepted, and that is said; what has a
// place in the file already is still written. A kiosk that starts on one opens its
// outbox: it was out of service until somebody made room. When there is, everything
// goes on, and the print that was cut short is unknown (OB-ROM-3, OB-ROM-4).
func TestFullDisk(t *testing.T) {
	d := newDisk(t)
	dir, ctx := filepath.Join(d.dir, "outbox"), t.Context()
	o := outboxtest.OpenDir(t, dir, outbox.Options{})
	first := outboxtest.Accept(t, o, outboxtest.Draft(1))
	job, ok, err := o.NextPrint(ctx)
	if err != nil || !ok {
		t.Fatalf("NextPrint = %v, %v", ok, err)
	}
	if err := o.StartPrint(ctx, job.ID); err != nil {
		t.Fatal(err)
	}
	d.room(16 << 10)
	if _, err := o.Accept(ctx, outboxtest.Draft(2)); !errors.Is(err, outbox.ErrFull) {
		t.Errorf("Accept on a full disk = %v, want ErrFull", err)
	}
	if again, err := o.Accept(ctx, outboxtest.Draft(1)); err != nil || again.Seq != first.Seq {
		t.Errorf("Accept of what is there = %d, %v, want %d", again.Seq, err, first.Seq)
	}
	if recs, err := o.Lease(ctx, 0, 0); err != nil || len(recs) != 1 {
		t.Errorf("Lease on a full disk = %d, %v, want 1: there is room for what it notes", len(recs), err)
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	d.room(-1)
	shrink(t, filepath.Join(dir, "outbox.db"))
	d.room(0)
	o = outboxtest.OpenDir(t, dir, outbox.Options{})
	if r, err := o.Get(ctx, first.Doc); err != nil || r.State != outbox.Sending {
		t.Errorf("on a full disk the request is %v, %v, want sending", r.State, err)
	}
	size := o.Stats(ctx).JournalSize
	if err := o.StartPrint(ctx, job.ID); !errors.Is(err, outbox.ErrFull) {
		t.Errorf("StartPrint on a full disk = %v, want ErrFull", err)
	}
	if now := o.Stats(ctx).JournalSize; now != size {
		t.Errorf("the journal has %d entries after a commit that failed, %d before", now, size)
	}
	d.room(-1)
	if err := o.StartPrint(ctx, job.ID); !errors.Is(err, outbox.ErrPrintState) && !errors.Is(err, outbox.ErrNotFound) {
		t.Errorf("StartPrint of what was cut short = %v, want an error: nobody knows what came out", err)
	}
	outboxtest.Accept(t, o, outboxtest.Draft(2))
	// Boot and the end of the print, and what the new request brings.
	if now := o.Stats(ctx).JournalSize; now < size+3 {
		t.Errorf("the journal has %d entries, want at least %d", now, size+3)
	}
}

// shrink gives back the pages of the file that hold nothing: a commit then needs pages
// of the disk.
func shrink(t *testing.T, file string) {
	t.Helper()
	db, err := bolt.Open(file, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	var free []int64
	err = db.View(func(tx *bolt.Tx) error {
		for id := 0; ; id++ {
			p, err := tx.Page(id)
			if err != nil || p == nil {
				return err
			}
			if p.Type == "free" {
				free = append(free, int64(id))
			}
		}
	})
	page := int64(db.Info().PageSize)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(file, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range free {
		if err := unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, id*page, page); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestMadeAnewWhenThereIsRoom: a file that has to be made anew is not on a full disk:
// it stays under its name, whole, and no names are left behind by the tries (OB-ROM-4).
func TestMadeAnewWhenThereIsRoom(t *testing.T) {
	d := newDisk(t)
	dir, ctx := filepath.Join(d.dir, "outbox"), t.Context()
	o := outboxtest.OpenDir(t, dir, outbox.Options{})
	outboxtest.Accept(t, o, outboxtest.Draft(1))
	if err := errors.Join(o.Renounce(ctx), o.Close()); err != nil {
		t.Fatal(err)
	}
	d.room(0)
	for range 3 {
		if _, err := outbox.Open(ctx, dir, outbox.Options{Kiosk: outboxtest.Kiosk}); !errors.Is(err, unix.ENOSPC) {
			t.Fatalf("Open on a full disk = %v, want ENOSPC", err)
		}
	}
	if aside, _ := filepath.Glob(filepath.Join(dir, "*.aside-*")); len(aside) > 0 {
		t.Errorf("%q are left behind", aside)
	}
	d.room(-1)
	o = outboxtest.OpenDir(t, dir, outbox.Options{})
	if st := o.Stats(ctx); st.Unsent != 1 || st.Alarms[0] != outbox.AlarmQuarantined {
		t.Errorf("with room again %d wait, alarms %q, want 1, %s", st.Unsent, st.Alarms, outbox.AlarmQuarantined)
	}
}

// TestLeaseOfNothingIsNoChange: who is told of a change leases again. With a request
// that nobody can send (its sealed bytes were on no copy), the uplink did so without
// end.
func TestLeaseOfNothingIsNoChange(t *testing.T) {
	o := outboxtest.Open(t)
	c := o.Changes()
	if recs, err := o.Lease(t.Context(), 0, 0); err != nil || len(recs) > 0 {
		t.Fatalf("Lease = %d, %v, want nothing", len(recs), err)
	}
	select {
	case <-c:
		t.Error("a lease of nothing is called a change")
	default:
	}
}
