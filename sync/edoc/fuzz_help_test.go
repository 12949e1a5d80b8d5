package edoc_test

import (
	"bytes"
	"runtime/metrics"
	"testing"

	"github.com/penjire/penjire/sync/edoc"
)

// seeds gives the bodies of the vectors of those kinds to a fuzz test. None is
// a failure.
func seeds(f *testing.F, kinds ...string) {
	f.Helper()
	n := 0
	for _, v := range vectors(f) {
		for _, k := range kinds {
			if v.header["kind"] == k {
				f.Add(v.body)
				n++
			}
		}
	}
	if n == 0 {
		f.Fatalf("no vectors of kinds %v", kinds)
	}
}

// What a hostile input of a size may have a reader allocate.
const (
	smallInput = 64 << 10
	smallAlloc = 64 << 20
)

// bounded runs read, and fails if an input of at most 64 KiB made it allocate
// more than most bytes: whoever sends such inputs must not fill our memory.
func bounded(t *testing.T, input []byte, most uint64, read func()) {
	t.Helper()
	before := allocated()
	read()
	if n := allocated() - before; len(input) <= smallInput && n > most {
		t.Errorf("an input of %d bytes: %d bytes allocated, want at most %d", len(input), n, most)
	}
}

func allocated() uint64 {
	s := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}

// known is what the vectors' world really signed: an input that is accepted is
// one of these, or a forgery. Inputs kept from another world's vectors are of
// strangers here, and so never accepted.
type known struct {
	*vectorWorld
	documents map[edoc.ID][]byte // document.json by id
}

func knownWorld(f *testing.F) known {
	f.Helper()
	w, err := readWorld(vectorsDir)
	if err != nil {
		f.Fatal(err)
	}
	k := known{w, map[edoc.ID][]byte{}}
	for _, v := range vectors(f) {
		if v.header["kind"] != "container" {
			continue
		}
		if c, err := edoc.Parse(v.body); err == nil && c.Verify(w.bundle, now).Whole.Verdict == edoc.Yes {
			k.documents[c.ID()] = c.DocumentBytes()
		}
	}
	if len(k.documents) == 0 {
		f.Fatal("no vector is whole: nothing could be told from a forgery")
	}
	return k
}

// forged reports whether c, found in order, is not what was signed.
func (k known) forged(c *edoc.Container) bool {
	doc, ok := k.documents[c.ID()]
	return !ok || !bytes.Equal(doc, c.DocumentBytes())
}
