package outbox

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func TestSalvageTakesTheHighestRevision(t *testing.T) {
	mk := func(revision uint64, text string) []byte {
		return value{kind: kindItem, epoch: Epoch{1}, number: 5, revision: revision, payload: []byte(text)}.marshal()
	}
	path := filepath.Join(t.TempDir(), "raw")
	// The newest stands in the middle, one stands across the border of a
	// window of the scan, and one is damaged though newer.
	broken := mk(9, "broken")
	broken[len(broken)-1] ^= 1
	other := value{kind: kindItem, epoch: Epoch{1}, number: 6, revision: 1, payload: bytes.Repeat([]byte("x"), 5000)}.marshal()
	var raw []byte
	for _, b := range [][]byte{mk(3, "old"), []byte("PjObPjOb"), mk(8, "newest"), broken, mk(7, "older")} {
		raw = append(raw, b...)
	}
	raw = append(raw, make([]byte, 1<<20-len(raw)-20)...)
	raw = append(raw, other...)
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	found, err := scan(path)
	if err != nil {
		t.Fatal(err)
	}
	w, ok := found[id{kind: kindItem, epoch: Epoch{1}, number: 5}]
	if !ok || w.revision != 8 || len(found) != 2 {
		t.Errorf("scan found %+v of %d, want revision 8 of 2", w, len(found))
	}
	if w := found[id{kind: kindItem, epoch: Epoch{1}, number: 6}]; w.length != len(other) || w.offset != 1<<20-20 {
		t.Errorf("the value across two windows: %+v", w)
	}
}
