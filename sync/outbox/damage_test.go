package outbox_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	bolt "go.etcd.io/bbolt"

	"github.com/penjire/penjire/sync/journal"
	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/outbox/outboxtest"
)

// mixed is Draft with some that take several pages.
func mixed(i int) outbox.Draft {
	d := outboxtest.Draft(i)
	if i%7 == 0 {
		d.Sealed = bytes.Repeat(d.Sealed, 20)
	}
	return d
}

// filled makes an outbox in which every kind of value is, in most states, and
// returns its file, closed.
func filled(t *testing.T, dir string) string {
	t.Helper()
	ctx := t.Context()
	o := outboxtest.OpenDir(t, dir, outbox.Options{})
	var reqs []outbox.Request
	for i := range 30 {
		reqs = append(reqs, outboxtest.Accept(t, o, mixed(i)))
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(o.Withdraw(ctx, reqs[29].Doc))
	if _, err := o.Lease(ctx, 10, 0); err != nil {
		t.Fatal(err)
	}
	for _, q := range reqs[:4] {
		must(o.Receipted(ctx, []outbox.Receipt{{Seq: q.Seq, Doc: q.Doc, Stage: outbox.Delivered, At: day, Bytes: []byte("receipt")}}))
	}
	must(o.PutItem(ctx, outbox.Item{ID: 1, Doc: reqs[0].Doc, Stage: outbox.Answered, At: day, Bytes: []byte("answer")}))
	must(o.StartPrint(ctx, 1))
	must(o.EndPrint(ctx, 1, outbox.Printed, ""))
	must(o.StartPrint(ctx, 2))
	must(o.Check(ctx))
	must(o.Close())
	return filepath.Join(dir, "outbox.db")
}

// edit changes the closed file through bbolt, so that only the outbox's own
// rules can notice.
func edit(t *testing.T, path string, fn func(*bolt.Tx) error) {
	t.Helper()
	db, err := bolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Update(fn), db.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestCheckSeesDamage(t *testing.T) {
	whole, err := os.ReadFile(filled(t, t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	kinds := []string{"meta", "request", "sealed", "journal", "item"}
	faults := map[string]func(*bolt.Tx) error{}
	for _, name := range kinds {
		faults["one bit of a value in "+name] = func(b *bolt.Tx) error {
			k, v := b.Bucket([]byte(name)).Cursor().Last()
			v = bytes.Clone(v)
			v[len(v)/2] ^= 1
			return b.Bucket([]byte(name)).Put(bytes.Clone(k), v)
		}
		faults["no bucket "+name] = func(b *bolt.Tx) error { return b.DeleteBucket([]byte(name)) }
		faults["something that is no value in "+name] = func(b *bolt.Tx) error {
			return b.Bucket([]byte(name)).Put([]byte("outbox"), []byte("x"))
		}
	}
	for _, name := range []string{"request", "sealed", "journal", "item"} {
		faults["a value missing in "+name] = func(b *bolt.Tx) error {
			// The fifth of 30 requests is sending; the second entry accepts the
			// first request; there is one item.
			c := b.Bucket([]byte(name)).Cursor()
			k, _ := c.First()
			if name == "request" || name == "journal" {
				k, _ = c.Next()
			}
			if name == "sealed" {
				k, _ = c.Last()
			}
			return b.Bucket([]byte(name)).Delete(bytes.Clone(k))
		}
		if name == "item" {
			continue
		}
		faults["two values exchanged in "+name] = func(b *bolt.Tx) error {
			c := b.Bucket([]byte(name)).Cursor()
			k1, v1 := c.First()
			k2, v2 := c.Next()
			k1, v1, k2, v2 = bytes.Clone(k1), bytes.Clone(v1), bytes.Clone(k2), bytes.Clone(v2)
			return errors.Join(b.Bucket([]byte(name)).Put(k1, v2), b.Bucket([]byte(name)).Put(k2, v1))
		}
	}
	beside := func(fn func(b *bolt.Bucket, key []byte) error) func(*bolt.Tx) error {
		return func(b *bolt.Tx) error { // the last but one is accepted, the last withdrawn
			in := b.Bucket([]byte("request"))
			c := in.Cursor()
			for k, _ := c.Last(); k != nil; k, _ = c.Prev() {
				if len(k) == 25 {
					return fn(in, bytes.Clone(k))
				}
			}
			return errors.New("no sealed bytes beside a request")
		}
	}
	faults["sealed bytes missing beside a request"] = beside(func(in *bolt.Bucket, k []byte) error { return in.Delete(k) })
	faults["one bit of sealed bytes beside a request"] = beside(func(in *bolt.Bucket, k []byte) error {
		v := bytes.Clone(in.Get(k))
		v[len(v)/2] ^= 1
		return in.Put(k, v)
	})
	faults["sealed bytes under another key"] = beside(func(in *bolt.Bucket, k []byte) error {
		v := bytes.Clone(in.Get(k))
		k2 := bytes.Clone(k)
		k2[24] = 2
		return errors.Join(in.Delete(k), in.Put(k2, v))
	})
	faults["sealed bytes beside another request"] = beside(func(in *bolt.Bucket, k []byte) error {
		v := bytes.Clone(in.Get(k))
		k2 := bytes.Clone(k)
		k2[23]++
		return errors.Join(in.Delete(k), in.Put(k2, v))
	})
	faults["sealed bytes in the other bucket"] = beside(func(in *bolt.Bucket, k []byte) error {
		v := bytes.Clone(in.Get(k))
		return errors.Join(in.Delete(k), in.Tx().Bucket([]byte("sealed")).Put(k[:24], v))
	})
	faults["a print job whose id was never given"] = func(b *bolt.Tx) error { return b.Bucket([]byte("journal")).SetSequence(0) }
	dir := t.TempDir()
	path := filepath.Join(dir, "outbox.db")
	for name, fn := range faults {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(path, whole, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := outbox.CheckFile(t.Context(), path); err != nil {
				t.Fatalf("CheckFile before the damage = %v", err)
			}
			edit(t, path, fn)
			if err := outbox.CheckFile(t.Context(), path); !errors.Is(err, outbox.ErrDamaged) {
				t.Errorf("CheckFile = %v, want ErrDamaged", err)
			}
		})
	}
}

// TestZeroedPages zeroes each page of a file in turn. Whatever was on it, the
// outbox opens, and every request whose sealed bytes are still somewhere in
// the file is still sent.
func TestZeroedPages(t *testing.T) {
	t.Setenv(checkEnv, "1")
	whole, err := os.ReadFile(filled(t, t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	const page = 4096
	aside := 0
	for at := 0; at < len(whole); at += page {
		if !slices.ContainsFunc(whole[at:min(at+page, len(whole))], func(b byte) bool { return b != 0 }) {
			continue
		}
		damaged := bytes.Clone(whole)
		clear(damaged[at:min(at+page, len(whole))])
		if openDamaged(t, whole, damaged, false, fmt.Sprintf("page %d zeroed", at/page)) {
			aside++
		}
		if t.Failed() {
			return
		}
	}
	if aside < 10 {
		t.Errorf("%d zeroed pages were noticed, want most", aside)
	}
}

func TestGarbageFiles(t *testing.T) {
	t.Setenv(checkEnv, "1")
	whole, err := os.ReadFile(filled(t, t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(seed(t), 3))
	noise := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		return b
	}
	for name, b := range map[string][]byte{
		"empty":                         {},
		"a few bytes":                   []byte("hello"),
		"noise":                         noise(100_000),
		"cut short":                     whole[:10*4096],
		"cut after the metas":           whole[:8192],
		"both metas overwritten":        append(noise(8192), whole[8192:]...),
		"all but the metas overwritten": append(bytes.Clone(whole[:8192]), noise(len(whole)-8192)...),
		"bytes of it shifted":           append(noise(1000), whole...),
	} {
		if !openDamaged(t, whole, b, true, name) {
			t.Errorf("%s: not noticed", name)
		}
	}
	for i := range 20 {
		b := bytes.Clone(whole)
		for range 3 {
			at := r.IntN(len(b) / 4) // the later part is empty
			b[at] ^= byte(1 + r.IntN(255))
		}
		openDamaged(t, whole, b, true, fmt.Sprintf("three bytes changed, %d", i))
	}
}

// intact reports whether the draft's sealed value is in the damaged file as it
// was in the whole one.
func intact(whole, damaged []byte, d outbox.Draft) bool {
	sealed := append(bytes.Clone(d.Doc[:]), d.Sealed...)
	const head, tail = 42, 4
	at := bytes.Index(whole, sealed)
	return at >= 0 && bytes.Contains(damaged, whole[at-head:at+len(sealed)+tail])
}

// openDamaged opens a damaged file and returns whether it was set aside. Heavy
// damage may take every word of the withdrawal and leave the sealed bytes.
func openDamaged(t *testing.T, whole, damaged []byte, heavy bool, name string) bool {
	t.Helper()
	ctx := context.Background()
	dir := t.TempDir()
	path := filepath.Join(dir, "outbox.db")
	if err := os.WriteFile(path, damaged, 0o600); err != nil {
		t.Fatal(err)
	}
	o, err := outbox.Open(ctx, dir, outbox.Options{Kiosk: outboxtest.Kiosk, CheckCommand: []string{os.Args[0]}})
	if err != nil {
		t.Errorf("%s: Open = %v", name, err)
		return false
	}
	defer func() {
		if err := o.Close(); err != nil {
			t.Errorf("%s: Close = %v", name, err)
		}
	}()
	if err := o.Check(ctx); err != nil {
		t.Errorf("%s: Check = %v", name, err)
	}
	recs, err := o.Lease(ctx, 0, 0)
	if err != nil {
		t.Errorf("%s: Lease = %v", name, err)
	}
	sent := map[outbox.Doc]bool{}
	for _, r := range recs {
		sent[r.Doc] = true
	}
	for i := 4; i < 29; i++ { // the first four are receipted, the last one withdrawn
		if d := mixed(i); !sent[d.Doc] && intact(whole, damaged, d) {
			t.Errorf("%s: request %d is still in the file and not sent", name, i+1)
		}
	}
	if sent[outboxtest.Draft(29).Doc] && !heavy {
		t.Errorf("%s: the withdrawn request is sent", name)
	}
	found, err := filepath.Glob(path + ".aside-*")
	if err != nil {
		t.Fatal(err)
	}
	s := o.Stats(ctx)
	if alarm := slices.Contains(s.Alarms, "outbox.quarantined"); alarm != (len(found) == 1) {
		t.Errorf("%s: %d files set aside, alarms %v", name, len(found), s.Alarms)
	}
	if len(found) == 0 {
		return false
	}
	if kept, err := os.ReadFile(found[0]); err != nil || !bytes.Equal(kept, damaged) {
		t.Errorf("%s: the file set aside is not what was found (%v)", name, err)
	}
	if e, err := o.Entry(ctx, 0); err != nil || e.Kind != journal.Quarantine {
		t.Errorf("%s: first journal entry = %v, %v, want quarantine", name, e.Kind, err)
	}
	for _, q := range recs {
		if q.State == outbox.Accepted || q.Receipt == outbox.Queued || q.Receipt == outbox.Printing || q.Epoch == s.Epoch {
			t.Errorf("%s: salvaged request = %+v, want sending, no print by itself, and its old epoch", name, q.Request)
		}
	}
	if q, err := o.Accept(ctx, outboxtest.Draft(1000)); err != nil || q.Seq != 1 || q.Epoch != s.Epoch {
		t.Errorf("%s: first request of the new epoch = %d, %v, want 1", name, q.Seq, err)
	}
	return true
}

func TestSalvagedOutboxOpensAgain(t *testing.T) {
	dir := t.TempDir()
	path := filled(t, dir)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	copy(b[:8192], make([]byte, 8192))
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	o := outboxtest.OpenDir(t, dir, outbox.Options{})
	before := o.Stats(ctx)
	recs, err := o.Lease(ctx, 0, 0)
	if err != nil || len(recs) != 25 {
		t.Fatalf("Lease = %d records, %v, want all 25 that wait", len(recs), err)
	}
	// The portal answers under the identity they were sent with.
	for _, q := range recs {
		if err := o.Receipted(ctx, []outbox.Receipt{{Seq: q.Seq, Doc: q.Doc, Stage: outbox.Delivered, At: day, Bytes: []byte("r")}}); err != nil {
			t.Fatal(err)
		}
	}
	// It sends again what it sent; nothing is there twice.
	if got, err := o.Item(ctx, outboxtest.Draft(0).Doc); err != nil || string(got.Bytes) != "answer" || o.Cursor() != 0 {
		t.Errorf("Item = %+v, %v, cursor %d, want the answer and 0", got, err, o.Cursor())
	}
	if err := o.PutItem(ctx, outbox.Item{ID: 1, Doc: outboxtest.Draft(0).Doc, Stage: outbox.Answered, At: day, Bytes: []byte("answer")}); err != nil {
		t.Fatal(err)
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	o = outboxtest.OpenDir(t, dir, outbox.Options{})
	after := o.Stats(ctx)
	if after.Epoch != before.Epoch || after.Unsent != 0 || !slices.Equal(after.Alarms, before.Alarms) {
		t.Errorf("Stats after reopening = %+v, before %+v", after, before)
	}
}

func TestMissingFileIsAnAlarm(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "outbox.db.aside-20260101T000000Z"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	o := outboxtest.OpenDir(t, dir, outbox.Options{})
	if s := o.Stats(t.Context()); fmt.Sprint(s.Alarms) != "[outbox.missing]" {
		t.Errorf("alarms = %v, want [outbox.missing]", s.Alarms)
	}
}

// TestDeletedFileIsAnAlarm: a folder whose file somebody deleted never starts
// silently empty; one that was never used does not alarm.
func TestDeletedFileIsAnAlarm(t *testing.T) {
	dir := t.TempDir()
	for i, want := range []string{"[]", "[]", "[outbox.missing]"} {
		if i == 2 {
			if err := os.Remove(filepath.Join(dir, "outbox.db")); err != nil {
				t.Fatal(err)
			}
		}
		o := outboxtest.OpenDir(t, dir, outbox.Options{})
		if got := fmt.Sprint(o.Stats(t.Context()).Alarms); got != want {
			t.Errorf("alarms = %s, want %s", got, want)
		}
		if err := o.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestCheckCommand(t *testing.T) {
	dir := t.TempDir()
	filled(t, dir)
	open := func(argv ...string) error {
		o, err := outbox.Open(t.Context(), dir, outbox.Options{Kiosk: outboxtest.Kiosk, CheckCommand: argv})
		if err == nil {
			err = o.Close()
		}
		return err
	}
	asides := func() int {
		found, err := filepath.Glob(filepath.Join(dir, "*.aside-*"))
		if err != nil {
			t.Fatal(err)
		}
		return len(found)
	}
	if err := open("/nowhere/check"); err == nil || errors.Is(err, outbox.ErrDamaged) || asides() != 0 {
		t.Errorf("a check that does not run = %v, %d files set aside, want an error and 0", err, asides())
	}
	if err := open("/bin/sh", "-c", "exit 4"); !errors.Is(err, outbox.ErrLocked) || asides() != 0 {
		t.Errorf("a busy check = %v, want ErrLocked", err)
	}
	if err := open("/bin/sh", "-c", "exit 0"); err != nil || asides() != 0 {
		t.Errorf("a good check = %v, %d files set aside", err, asides())
	}
	// Killed by a signal, as by a page that cannot be read: the file goes, once,
	// and what comes in its place is refused too.
	if err := open("/bin/sh", "-c", "kill -SEGV $$"); !errors.Is(err, outbox.ErrDamaged) || asides() != 1 {
		t.Errorf("a check that always dies = %v, %d files set aside, want ErrDamaged and 1", err, asides())
	}
	t.Setenv(checkEnv, "1")
	o := outboxtest.OpenDir(t, dir, outbox.Options{CheckCommand: []string{os.Args[0]}})
	if s := o.Stats(t.Context()); s.Unsent != 25 {
		t.Errorf("%d requests wait after all that, want 25", s.Unsent)
	}
}

func TestCompactsWhenMostIsFree(t *testing.T) {
	dir := t.TempDir()
	ctx := t.Context()
	o := outboxtest.OpenDir(t, dir, outbox.Options{})
	var rs []outbox.Receipt
	for i := range 200 {
		d := outboxtest.Draft(i)
		d.Sealed = bytes.Repeat(d.Sealed, 100)
		q := outboxtest.Accept(t, o, d)
		rs = append(rs, outbox.Receipt{Seq: q.Seq, Doc: q.Doc, Stage: outbox.Delivered, At: day, Bytes: []byte("r")})
	}
	if _, err := o.Lease(ctx, 0, 0); err != nil {
		t.Fatal(err)
	}
	if err := o.Receipted(ctx, rs[:199]); err != nil {
		t.Fatal(err)
	}
	large := o.Stats(ctx)
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	o = outboxtest.OpenDir(t, dir, outbox.Options{})
	if s := o.Stats(ctx); s.FileBytes > 7<<20 {
		t.Errorf("file of %d bytes is %d after reopening, though two thirds were free", large.FileBytes, s.FileBytes)
	}
	if err := o.Close(); err != nil { // what the first Open removed, the second makes use of
		t.Fatal(err)
	}
	o = outboxtest.OpenDir(t, dir, outbox.Options{})
	small := o.Stats(ctx)
	if large.FileBytes < 10<<20 || small.FileBytes > 2<<20 || small.Epoch != large.Epoch || small.Unsent != 1 {
		t.Errorf("file of %d bytes is %d after reopening, %+v", large.FileBytes, small.FileBytes, small)
	}
	d := outboxtest.Draft(900)
	if q := outboxtest.Accept(t, o, d); q.Seq != 201 {
		t.Errorf("the next sequence after compacting is %d, want 201", q.Seq)
	}
	if recs, err := o.Lease(ctx, 0, 0); err != nil || len(recs) != 2 {
		t.Errorf("Lease = %d records, %v, want 2", len(recs), err)
	}
}

// spoilTree leaves of the file only what a salvage finds by itself.
func spoilTree(t *testing.T, dir string) {
	t.Helper()
	path := filepath.Join(dir, "outbox.db")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	clear(b[:8192])
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestSalvagedCannotBeTakenBack: what a salvage finds accepted may have left, and
// is sending before anybody leases it.
func TestSalvagedCannotBeTakenBack(t *testing.T) {
	dir := t.TempDir()
	o := outboxtest.OpenDir(t, dir, outbox.Options{})
	r := outboxtest.Accept(t, o, outboxtest.Draft(1))
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	spoilTree(t, dir)
	o = outboxtest.OpenDir(t, dir, outbox.Options{})
	if got, err := o.Get(t.Context(), r.Doc); err != nil || got.State != outbox.Sending {
		t.Errorf("the salvaged request is %v, %v, want sending", got.State, err)
	}
	if err := o.Withdraw(t.Context(), r.Doc); !errors.Is(err, outbox.ErrSent) {
		t.Errorf("Withdraw of it = %v, want ErrSent", err)
	}
	if recs, err := o.Lease(t.Context(), 0, 0); err != nil || len(recs) != 1 {
		t.Errorf("Lease = %d records, %v, want it", len(recs), err)
	}
}
