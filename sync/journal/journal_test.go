package journal_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/penjire/penjire/sync/journal"
)

// reader is a tree in memory.
type reader map[string]journal.Hash

func (r reader) ReadHash(level int, n int64) (journal.Hash, error) {
	h, ok := r[fmt.Sprint(level, n)]
	if !ok {
		return h, fmt.Errorf("no hash %d, %d", level, n)
	}
	return h, nil
}

func (r reader) add(e *journal.Edge, entry []byte) []journal.Hash {
	i := e.Size()
	hs := e.Add(journal.LeafHash(entry))
	for level, h := range hs {
		r[fmt.Sprint(level, (i+1)>>level-1)] = h
	}
	return hs
}

func equal(a, b []journal.Hash) bool { return slices.Equal(a, b) }

func TestEdgeIsTheTree(t *testing.T) {
	r := reader{}
	var e journal.Edge
	for i := range int64(200) {
		r.add(&e, fmt.Append(nil, i))
		want, err := journal.Root(i+1, r)
		if err != nil || e.Root() != want {
			t.Fatalf("Edge.Root after %d = %x, Root = %x, %v", i+1, e.Root(), want, err)
		}
		read, err := journal.ReadEdge(i+1, r)
		if err != nil || read.Root() != want || read.Size() != i+1 {
			t.Fatalf("ReadEdge(%d) = root %x, %v, want %x", i+1, read.Root(), err, want)
		}
		c := read.Clone()
		c.Add(journal.Hash{1})
		if read.Root() != want {
			t.Fatalf("growing a clone changed the original at %d", i+1)
		}
	}
	if _, err := journal.ReadEdge(201, r); err == nil {
		t.Error("ReadEdge of a tree that is not there: no error")
	}
}

// A journal from which an entry is left out, or in which two change places,
// cannot continue a head that somebody has seen.
func TestTamperingShows(t *testing.T) {
	build := func(order []int) (reader, journal.Edge) {
		r := reader{}
		var e journal.Edge
		for _, i := range order {
			r.add(&e, fmt.Append(nil, i))
		}
		return r, e
	}
	var honest []int
	for i := range 100 {
		honest = append(honest, i)
	}
	_, seen := build(honest[:50])
	dropped := slices.Delete(slices.Clone(honest), 7, 8)
	swapped := slices.Clone(honest)
	swapped[7], swapped[8] = swapped[8], swapped[7]
	for name, order := range map[string][]int{"honest": honest, "dropped": dropped, "swapped": swapped} {
		r, e := build(order)
		p, err := journal.Consistency(50, e.Size(), r)
		if err != nil {
			t.Fatal(err)
		}
		err = journal.CheckConsistency(p, 50, e.Size(), seen.Root(), e.Root())
		if (err == nil) != (name == "honest") || err != nil && !errors.Is(err, journal.ErrProof) {
			t.Errorf("%s: CheckConsistency = %v", name, err)
		}
		p, err = journal.Inclusion(20, 50, r)
		if err != nil {
			t.Fatal(err)
		}
		err = journal.CheckInclusion(p, 20, 50, seen.Root(), journal.LeafHash([]byte("20")))
		if (err == nil) != (name == "honest") {
			t.Errorf("%s: CheckInclusion = %v", name, err)
		}
	}
	var empty journal.Edge
	if err := journal.CheckConsistency(nil, 0, 50, empty.Root(), seen.Root()); err != nil {
		t.Errorf("every tree continues the empty one: %v", err)
	}
	if err := journal.CheckConsistency(nil, 0, 50, seen.Root(), seen.Root()); !errors.Is(err, journal.ErrProof) {
		t.Errorf("an empty tree with a root = %v, want ErrProof", err)
	}
}

func TestBadCheckpoints(t *testing.T) {
	for _, bad := range []journal.Checkpoint{
		{Origin: "", Size: 1}, {Origin: "a b", Size: 1}, {Origin: "a", Size: -1}, {Origin: "a"}, {Origin: strings.Repeat("a", 129), Size: 1},
	} {
		if _, err := bad.Marshal(); !errors.Is(err, journal.ErrCheckpoint) {
			t.Errorf("Marshal of %+v = %v, want ErrCheckpoint", bad, err)
		}
	}
}
