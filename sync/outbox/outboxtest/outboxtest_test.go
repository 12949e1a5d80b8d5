package outboxtest_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/outbox/outboxtest"
)

// recorder is a test that remembers its failures instead of failing.
type recorder struct {
	testing.TB
	failures []string
	cleanups []func()
}

func (r *recorder) Cleanup(fn func()) { r.cleanups = append(r.cleanups, fn) }

func (r *recorder) Errorf(format string, _ ...any) { r.failures = append(r.failures, format) }

func TestTheCheckAtTheEndCanFail(t *testing.T) {
	for _, damage := range []bool{false, true} {
		r := &recorder{TB: t}
		dir := t.TempDir()
		o := outboxtest.OpenDir(r, dir, outbox.Options{})
		d := outboxtest.Draft(1)
		outboxtest.Accept(t, o, d)
		if damage {
			path := filepath.Join(dir, "outbox.db")
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			at := bytes.Index(b, d.Sealed)
			f, err := os.OpenFile(path, os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := f.WriteAt([]byte{d.Sealed[9] ^ 1}, int64(at+9)); err != nil {
				t.Fatal(err)
			}
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
		}
		for _, fn := range r.cleanups {
			fn()
		}
		failed := len(r.failures) == 1 && strings.HasPrefix(r.failures[0], "check of the outbox")
		if failed != damage || len(r.failures) > 1 {
			t.Errorf("damage %t: failures %q", damage, r.failures)
		}
	}
}

func TestDraftsDiffer(t *testing.T) {
	a, again, b := outboxtest.Draft(1), outboxtest.Draft(1), outboxtest.Draft(2)
	if a.Doc != again.Doc || !bytes.Equal(a.Sealed, again.Sealed) {
		t.Error("one number gives two drafts")
	}
	if a.Doc == b.Doc || a.Code == b.Code || a.Owner == b.Owner {
		t.Error("two numbers give one draft")
	}
}
