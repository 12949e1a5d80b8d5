package outbox_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/journal"
	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/outbox/outboxtest"
)

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

func TestDismiss(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "outbox.db.aside-20260101T000000Z"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"[outbox.missing]", "[]"} {
		o := outboxtest.OpenDir(t, dir, outbox.Options{})
		if got := fmt.Sprint(o.Stats(t.Context()).Alarms); got != want {
			t.Errorf("alarms = %s, want %s", got, want)
		}
		for range 2 {
			if err := o.Dismiss(t.Context(), outbox.AlarmMissing); err != nil {
				t.Fatal(err)
			}
		}
		if s := o.Stats(t.Context()); len(s.Alarms) != 0 {
			t.Errorf("alarms after Dismiss = %v", s.Alarms)
		}
		if err := o.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
