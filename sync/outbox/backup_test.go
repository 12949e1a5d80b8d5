package outbox_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/penjire/penjire/sync/journal"
	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/outbox/outboxtest"
)

// TestBackup: a backup made while requests come in has all that was accepted
// before it, is whole, and gives an outbox that goes on.
func TestBackup(t *testing.T) {
	o := outboxtest.Open(t)
	lifeOf(t, o)
	file := filepath.Join(t.TempDir(), "backup")
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for i := 100; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			if _, err := o.Accept(context.Background(), outboxtest.Draft(i)); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	err = o.Backup(t.Context(), f)
	close(stop)
	<-ended
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if k, err := outbox.CheckCopy(bytes.NewReader(b)); err != nil || k != outboxtest.Kiosk {
		t.Errorf("CheckCopy = %q, %v", k, err)
	}
	for _, n := range []int{0, 30, len(b) / 2, len(b) - 1} {
		if _, err := outbox.CheckCopy(bytes.NewReader(b[:n])); !errors.Is(err, outbox.ErrDamaged) {
			t.Errorf("CheckCopy of %d bytes of %d = %v, want ErrDamaged", n, len(b), err)
		}
	}
	dir := t.TempDir()
	res, err := outbox.Restore(t.Context(), dir, outbox.Options{Kiosk: outboxtest.Kiosk}, file)
	if err != nil || res.Lost != 0 || len(res.Torn) != 0 || res.Epoch == o.Stats(t.Context()).Epoch {
		t.Fatalf("Restore = %+v, %v", res, err)
	}
	r := outboxtest.OpenDir(t, dir, outbox.Options{})
	for i := range 24 {
		if _, err := r.Get(t.Context(), outboxtest.Draft(i).Doc); err != nil {
			t.Errorf("request %d: %v", i+1, err)
		}
	}
	e, err := r.Entry(t.Context(), 0)
	if old := o.Stats(t.Context()).Epoch; err != nil || e.Kind != journal.Quarantine || e.Fields.Reason != outbox.AlarmRecovered || !bytes.Equal(e.Fields.Epoch, old[:]) {
		t.Errorf("the new journal begins with %+v, %v", e, err)
	}
	if q := outboxtest.Accept(t, r, outboxtest.Draft(50)); q.Seq != 1 || q.Epoch != res.Epoch {
		t.Errorf("the first request of the new epoch is %x %d", q.Epoch, q.Seq)
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestRestoreTakesTheLifeBack: of a quiet outbox everything comes back.
func TestRestoreTakesTheLifeBack(t *testing.T) {
	o := outboxtest.Open(t)
	lifeOf(t, o)
	file := backup(t, o)
	dir := t.TempDir()
	if _, err := outbox.Restore(t.Context(), dir, outbox.Options{Kiosk: outboxtest.Kiosk}, file); err != nil {
		t.Fatal(err)
	}
	wantLife(t, outboxtest.OpenDir(t, dir, outbox.Options{}))
}

func backup(t *testing.T, o *outbox.Outbox) string {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "backup"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(o.Backup(t.Context(), f), f.Close()); err != nil {
		t.Fatal(err)
	}
	return f.Name()
}

// TestRestoreOverANewerOutbox puts both together: what is newer stays.
func TestRestoreOverANewerOutbox(t *testing.T) {
	dir := t.TempDir()
	o := outboxtest.OpenDir(t, dir, outbox.Options{})
	for i := range 5 {
		outboxtest.Accept(t, o, outboxtest.Draft(i))
	}
	file := backup(t, o)
	if err := o.Withdraw(t.Context(), outboxtest.Draft(4).Doc); err != nil {
		t.Fatal(err)
	}
	outboxtest.Accept(t, o, outboxtest.Draft(5))
	opts := outbox.Options{Kiosk: outboxtest.Kiosk}
	if _, err := outbox.Restore(t.Context(), dir, opts, file); !errors.Is(err, outbox.ErrLocked) {
		t.Errorf("Restore while it is open = %v, want ErrLocked", err)
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := outbox.Restore(t.Context(), dir, outbox.Options{Kiosk: "K-000002"}, file); err == nil {
		t.Error("another kiosk's backup was restored")
	}
	res, err := outbox.Restore(t.Context(), dir, opts, file)
	if err != nil || res.Requests != 6 || res.Waiting != 5 || res.Aside == "" {
		t.Fatalf("Restore = %+v, %v", res, err)
	}
	o = outboxtest.OpenDir(t, dir, opts)
	if r, err := o.Get(t.Context(), outboxtest.Draft(4).Doc); err != nil || r.State != outbox.Withdrawn {
		t.Errorf("the request that was withdrawn after the backup is %v, %v", r.State, err)
	}
}

// TestRestoredCopyIsMarked: the certified copy came out after the backup was made.
// The restored outbox knew nothing of it and took a second one without a mark.
func TestRestoredCopyIsMarked(t *testing.T) {
	ctx := t.Context()
	dir := t.TempDir()
	o := outboxtest.OpenDir(t, dir, outbox.Options{})
	r := outboxtest.Accept(t, o, outboxtest.Draft(1))
	var b bytes.Buffer
	if err := o.Backup(ctx, &b); err != nil {
		t.Fatal(err)
	}
	j, err := o.QueuePrint(ctx, r.Doc, outbox.PrintCopy, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(o.StartPrint(ctx, j.ID), o.EndPrint(ctx, j.ID, outbox.Printed, ""), o.Close()); err != nil {
		t.Fatal(err)
	}
	backup, to := filepath.Join(t.TempDir(), "backup"), t.TempDir()
	if err := os.WriteFile(backup, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := outbox.Restore(ctx, to, outbox.Options{Kiosk: outboxtest.Kiosk}, backup); err != nil {
		t.Fatal(err)
	}
	o = outboxtest.OpenDir(t, to, outbox.Options{})
	for _, kind := range []uint8{outbox.PrintReceipt, outbox.PrintCopy} {
		if _, err := o.QueuePrint(ctx, r.Doc, kind, false); !errors.Is(err, outbox.ErrMarked) {
			t.Errorf("QueuePrint %d without a mark = %v, want ErrMarked", kind, err)
		}
	}
}
