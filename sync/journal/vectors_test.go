package journal_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/penjire/penjire/sync/journal"
)

// forEach hands the vectors of one kind on; none is a failure.
func forEach(t testing.TB, kind string, fn func(name, expect string, body []byte)) {
	t.Helper()
	files, err := filepath.Glob("../spec/vectors/outbox/*.vector")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		head, body, _ := strings.Cut(string(b), "\n\n")
		if !strings.Contains(head+"\n", "\nkind: "+kind+"\n") {
			continue
		}
		n++
		expect, _, _ := strings.Cut(strings.TrimPrefix(head, "expect: "), "\n")
		raw := []byte(body)
		if kind != "tree" {
			if raw, err = hex.DecodeString(strings.Join(strings.Fields(body), "")); err != nil {
				t.Fatalf("%s: %v", f, err)
			}
		}
		fn(filepath.Base(f), expect, raw)
	}
	if n == 0 {
		t.Fatalf("no vectors of kind %s", kind)
	}
}

func TestEntryVectors(t *testing.T) {
	kinds := map[journal.Kind]bool{}
	forEach(t, "entry", func(name, expect string, body []byte) {
		e, err := journal.ParseEntry(body)
		if (err == nil) != (expect == "ok") {
			t.Errorf("%s: %v, want %s", name, err, expect)
		}
		if err != nil {
			if !errors.Is(err, journal.ErrEntry) {
				t.Errorf("%s: %v, want ErrEntry", name, err)
			}
			return
		}
		kinds[e.Kind] = true
		if again, err := e.Marshal(); err != nil || !bytes.Equal(again, body) {
			t.Errorf("%s: parse then marshal: %x, %v", name, again, err)
		}
	})
	for k := journal.DocSigned; k <= journal.Quarantine; k++ {
		if !kinds[k] {
			t.Errorf("no vector of kind %v", k)
		}
	}
}

func TestCheckpointVectors(t *testing.T) {
	forEach(t, "checkpoint", func(name, expect string, body []byte) {
		c, err := journal.ParseCheckpoint(body)
		if (err == nil) != (expect == "ok") {
			t.Errorf("%s: %v, want %s", name, err, expect)
		}
		if err != nil {
			if !errors.Is(err, journal.ErrCheckpoint) {
				t.Errorf("%s: %v, want ErrCheckpoint", name, err)
			}
			return
		}
		if again, err := c.Marshal(); err != nil || !bytes.Equal(again, body) {
			t.Errorf("%s: parse then marshal: %q, %v", name, again, err)
		}
	})
}

// naive is the root as RFC 6962, section 2.1 defines it.
func naive(entries [][]byte) [32]byte {
	switch len(entries) {
	case 0:
		return sha256.Sum256(nil)
	case 1:
		return sha256.Sum256(append([]byte{0}, entries[0]...))
	}
	k := 1
	for k*2 < len(entries) {
		k *= 2
	}
	l, r := naive(entries[:k]), naive(entries[k:])
	return sha256.Sum256(append(append([]byte{1}, l[:]...), r[:]...))
}

func TestTreeVectors(t *testing.T) {
	unhex := func(s string) []byte {
		b, err := hex.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	hashes := func(ss []string) (out []journal.Hash) {
		for _, s := range ss {
			out = append(out, journal.Hash(unhex(s)))
		}
		return out
	}
	forEach(t, "tree", func(name, _ string, body []byte) {
		var v struct {
			Entries, Roots []string
			Hashes         [][]string
			Inclusion      []struct {
				Index, Size int64
				Hashes      []string
			}
			Consistency []struct {
				Old, Size int64
				Hashes    []string
			}
		}
		if err := json.Unmarshal(body, &v); err != nil {
			t.Fatal(err)
		}
		var entries [][]byte
		var edge journal.Edge
		r := reader{}
		roots := hashes(v.Roots)
		if edge.Root() != roots[0] {
			t.Errorf("%s: root of nothing = %x, want %x", name, edge.Root(), roots[0])
		}
		for i, s := range v.Entries {
			b := unhex(s)
			entries = append(entries, b)
			got := r.add(&edge, b)
			if want := hashes(v.Hashes[i]); !equal(got, want) {
				t.Errorf("%s: entry %d brings %x, want %x", name, i, got, want)
			}
			want := roots[i+1]
			if edge.Root() != want || naive(entries) != want {
				t.Errorf("%s: root of %d = %x, by the definition %x, want %x", name, i+1, edge.Root(), naive(entries), want)
			}
			if got, err := journal.Root(int64(i+1), r); err != nil || got != want {
				t.Errorf("%s: Root(%d) = %x, %v, want %x", name, i+1, got, err, want)
			}
		}
		for _, p := range v.Inclusion {
			got, err := journal.Inclusion(p.Index, p.Size, r)
			if err != nil || !equal(got, hashes(p.Hashes)) {
				t.Errorf("%s: Inclusion(%d, %d) = %x, %v", name, p.Index, p.Size, got, err)
			}
			if err := journal.CheckInclusion(hashes(p.Hashes), p.Index, p.Size, roots[p.Size], journal.LeafHash(entries[p.Index])); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		for _, p := range v.Consistency {
			got, err := journal.Consistency(p.Old, p.Size, r)
			if err != nil || !equal(got, hashes(p.Hashes)) {
				t.Errorf("%s: Consistency(%d, %d) = %x, %v", name, p.Old, p.Size, got, err)
			}
			if err := journal.CheckConsistency(hashes(p.Hashes), p.Old, p.Size, roots[p.Old], roots[p.Size]); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func FuzzEntry(f *testing.F) {
	forEach(f, "entry", func(_, _ string, body []byte) { f.Add(body) })
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := journal.ParseEntry(b)
		if err != nil {
			return
		}
		if again, err := e.Marshal(); err != nil || !bytes.Equal(again, b) {
			t.Fatalf("parse then marshal: got %x, %v, want %x", again, err, b)
		}
	})
}

func FuzzCheckpoint(f *testing.F) {
	forEach(f, "checkpoint", func(_, _ string, body []byte) { f.Add(body) })
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := journal.ParseCheckpoint(b)
		if err != nil {
			return
		}
		if again, err := c.Marshal(); err != nil || !bytes.Equal(again, b) {
			t.Fatalf("parse then marshal: got %q, %v, want %q", again, err, b)
		}
	})
}
