package outbox_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/outbox/outboxtest"
)

// mirrored waits until everything is on the mirror.
func mirrored(t *testing.T, o *outbox.Outbox) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := o.Mirrored(ctx); err != nil {
		t.Fatalf("Mirrored = %v", err)
	}
}

// settled waits until the mirror is something else than stale.
func settled(t *testing.T, o *outbox.Outbox) outbox.MirrorState {
	t.Helper()
	for t.Context().Err() == nil {
		if s := o.Mirror().State; s != outbox.MirrorStale {
			return s
		}
		runtime.Gosched()
	}
	return ""
}

func mirrorFiles(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "mirror-*.pjm"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// lifeOf makes requests in many states: of 24, four receipted, one withdrawn.
func lifeOf(t *testing.T, o *outbox.Outbox) {
	t.Helper()
	for i := range 20 {
		outboxtest.Accept(t, o, outboxtest.Draft(i))
	}
	recs, err := o.Lease(t.Context(), 6, 0)
	if err != nil {
		t.Fatal(err)
	}
	var rs []outbox.Receipt
	for _, r := range recs[:4] {
		rs = append(rs, outbox.Receipt{Seq: r.Seq, Doc: r.Doc, Stage: outbox.Delivered, At: outboxtest.Day, Bytes: []byte("durable")})
	}
	if err := o.Receipted(t.Context(), rs); err != nil {
		t.Fatal(err)
	}
	for i := 20; i < 24; i++ {
		outboxtest.Accept(t, o, outboxtest.Draft(i))
	}
	if err := o.Withdraw(t.Context(), outboxtest.Draft(23).Doc); err != nil {
		t.Fatal(err)
	}
	j, _, err := o.NextPrint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := o.StartPrint(t.Context(), j.ID); err != nil {
		t.Fatal(err)
	}
	if err := o.PutItem(t.Context(), outbox.Item{ID: 9, Kind: 1, Doc: recs[0].Doc, Stage: outbox.Answered, At: outboxtest.Day, Bytes: []byte("answer")}); err != nil {
		t.Fatal(err)
	}
}

// wantLife says what is not as lifeOf left it.
func wantLife(t *testing.T, o *outbox.Outbox) {
	t.Helper()
	recs, err := o.Lease(t.Context(), 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	if len(recs) != 19 {
		t.Errorf("%d requests are sent, want 19", len(recs))
	}
	for _, r := range recs {
		i := slices.IndexFunc(drafts(24), func(d outbox.Draft) bool { return d.Doc == r.Doc })
		if i < 0 || !bytes.Equal(outboxtest.Draft(i).Sealed, r.Sealed) || r.Seq != uint64(i+1) || r.State != outbox.Sending {
			t.Errorf("request %d, draft %d, is %v or has other bytes", r.Seq, i, r.State)
		}
	}
	for i := range 24 {
		r, err := o.Get(t.Context(), outboxtest.Draft(i).Doc)
		if err != nil {
			t.Errorf("request %d: %v", i+1, err)
			continue
		}
		if i < 4 && !r.Receipted() || i == 23 && r.State != outbox.Withdrawn || i == 0 && r.Receipt != outbox.Unknown {
			t.Errorf("request %d is %v, its print %v", i+1, r.State, r.Receipt)
		}
	}
	if c := o.Cursor(); c != 0 {
		t.Errorf("cursor %d, want 0", c)
	}
	if it, err := o.Item(t.Context(), outboxtest.Draft(0).Doc); err != nil || string(it.Bytes) != "answer" {
		t.Errorf("item = %q, %v", it.Bytes, err)
	}
	if a := o.Stats(t.Context()).Alarms; !slices.Contains(a, outbox.AlarmRecovered) {
		t.Errorf("alarms %q, want %s", a, outbox.AlarmRecovered)
	}
}

func drafts(n int) []outbox.Draft {
	out := make([]outbox.Draft, n)
	for i := range out {
		out[i] = outboxtest.Draft(i)
	}
	return out
}

// TestMirrorHasEverything: when Accept returned with a good mirror, the request is
// on it; the outbox's own medium may be gone then.
func TestMirrorHasEverything(t *testing.T) {
	mirror := t.TempDir()
	o := outboxtest.OpenDir(t, t.TempDir(), outbox.Options{Mirror: mirror, MirrorWait: time.Minute})
	mirrored(t, o)
	lifeOf(t, o)
	mirrored(t, o)
	if s := o.Mirror(); s.State != outbox.MirrorGood || !s.Same || s.Bytes == 0 || s.Err != nil {
		t.Errorf("Mirror = %+v", s)
	}
	outboxtest.Accept(t, o, outboxtest.Draft(24))
	// No wait here: Accept did. What is on the mirror at this moment is enough.
	dir := t.TempDir()
	res, err := outbox.Restore(t.Context(), dir, outbox.Options{Kiosk: outboxtest.Kiosk}, mirror)
	if err != nil || res.Requests != 25 || res.Waiting != 20 || res.Lost != 0 || len(res.Torn) != 0 {
		t.Fatalf("Restore = %+v, %v", res, err)
	}
	if err := o.Withdraw(t.Context(), outboxtest.Draft(24).Doc); err != nil {
		t.Fatal(err)
	}
	mirrored(t, o)
	if _, err := outbox.Restore(t.Context(), dir, outbox.Options{Kiosk: outboxtest.Kiosk}, mirror); err != nil {
		t.Fatal(err)
	}
	wantLife(t, outboxtest.OpenDir(t, dir, outbox.Options{}))
}

// TestMirrorComesAndGoes: the medium is not there, comes, is taken away and comes
// back with a torn end.
func TestMirrorComesAndGoes(t *testing.T) {
	mirror := filepath.Join(t.TempDir(), "stick")
	dir := t.TempDir()
	opts := outbox.Options{Kiosk: outboxtest.Kiosk, Mirror: mirror}
	open := func() *outbox.Outbox {
		o, err := outbox.Open(t.Context(), dir, opts)
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	o := open()
	outboxtest.Accept(t, o, outboxtest.Draft(0))
	if s := settled(t, o); s != outbox.MirrorGone {
		t.Fatalf("without a medium: %s", s)
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(mirror, 0o700); err != nil {
		t.Fatal(err)
	}
	o = open()
	lifeOf2 := func(from, to int) {
		for i := from; i < to; i++ {
			outboxtest.Accept(t, o, outboxtest.Draft(i))
		}
	}
	lifeOf2(1, 5)
	mirrored(t, o)
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	f := mirrorFiles(t, mirror)
	if len(f) != 1 {
		t.Fatalf("files %q", f)
	}
	b, err := os.ReadFile(f[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(f[0], b[:len(b)-100], 0o600); err != nil {
		t.Fatal(err)
	}
	o = open()
	lifeOf2(5, 8)
	mirrored(t, o)
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	if f2 := mirrorFiles(t, mirror); len(f2) != 1 || f2[0] != f[0] {
		t.Errorf("files %q, want %q gone on with", f2, f)
	}
	res, err := outbox.Restore(t.Context(), t.TempDir(), outbox.Options{Kiosk: outboxtest.Kiosk}, mirror)
	if err != nil || res.Requests != 8 || res.Waiting != 8 || res.Lost != 0 {
		t.Errorf("Restore = %+v, %v", res, err)
	}
}

// TestMirrorOfAnotherKiosk is refused, left as it is, and said.
func TestMirrorOfAnotherKiosk(t *testing.T) {
	mirror := t.TempDir()
	o := outboxtest.OpenDir(t, t.TempDir(), outbox.Options{Kiosk: "K-000002", Mirror: mirror})
	outboxtest.Accept(t, o, outboxtest.Draft(0))
	mirrored(t, o)
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(mirrorFiles(t, mirror)[0])
	if err != nil {
		t.Fatal(err)
	}
	o = outboxtest.OpenDir(t, t.TempDir(), outbox.Options{Mirror: mirror, MirrorWait: time.Hour})
	outboxtest.Accept(t, o, outboxtest.Draft(1))
	if s := settled(t, o); s != outbox.MirrorForeign {
		t.Errorf("Mirror = %s", s)
	}
	if after, err := os.ReadFile(mirrorFiles(t, mirror)[0]); err != nil || !bytes.Equal(after, before) || len(mirrorFiles(t, mirror)) != 1 {
		t.Errorf("another kiosk's mirror was touched: %v", err)
	}
	if _, err := outbox.Restore(t.Context(), t.TempDir(), outbox.Options{Kiosk: outboxtest.Kiosk}, mirror); err == nil {
		t.Error("another kiosk's mirror was restored from")
	}
}
