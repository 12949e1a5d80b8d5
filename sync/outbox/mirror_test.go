package outbox_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/journal"
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
		outboxtest.Accept(t, o, d)
		recs, err := o.Lease(t.Context(), 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		var rs []outbox.Receipt
		for _, r := range recs {
			rs = append(rs, outbox.Receipt{Seq: r.Seq, Doc: r.Doc, Stage: outbox.Delivered, At: outboxtest.Day, Bytes: []byte("durable")})
		}
		if err := o.Receipted(t.Context(), rs); err != nil {
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
