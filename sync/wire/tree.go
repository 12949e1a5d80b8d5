package wire

import (
	"fmt"
	"slices"

	"golang.org/x/mod/sumdb/tlog"
)

// The tree of a batch is that of RFC 6962, 2.1, over at most MaxRecords leaves. Of
// a batch that is only in part there, what is missing stands as the hashes of the
// largest subtrees without any of the leaves at hand, from left to right. For one
// leaf these are its inclusion proof in another order; for all there are none.

// maxPath is how many hashes an inclusion proof in such a tree has at most.
const maxPath = 6

func leafHash(leaf []byte) hash { return hash(tlog.RecordHash(leaf)) }

// span is the subtree over the leaves from lo up to, and without, hi.
type span struct{ lo, hi int }

// halves splits s as RFC 6962 does: the left one is the largest power of two of
// leaves that is smaller than s.
func (s span) halves() (left, right span) {
	k := 1
	for 2*k < s.hi-s.lo {
		k *= 2
	}
	return span{s.lo, s.lo + k}, span{s.lo + k, s.hi}
}

// tree is a tree of size leaves of which some subtrees are known.
type tree struct {
	size  int
	known map[span]hash
}

func newTree(size int) tree { return tree{size, map[span]hash{}} }

// fullTree returns the tree over all these leaves.
func fullTree(leaves []hash) tree {
	t := newTree(len(leaves))
	for i, h := range leaves {
		t.known[span{i, i + 1}] = h
	}
	t.fill(span{0, t.size})
	return t
}

// fill computes what follows from what is known below s, and says whether s does.
func (t tree) fill(s span) (hash, bool) {
	if h, ok := t.known[s]; ok {
		return h, true
	}
	if s.hi-s.lo == 1 {
		return hash{}, false
	}
	a, b := s.halves()
	left, okLeft := t.fill(a)
	right, okRight := t.fill(b)
	if !okLeft || !okRight {
		return hash{}, false
	}
	h := hash(tlog.NodeHash(tlog.Hash(left), tlog.Hash(right)))
	t.known[s] = h
	return h, true
}

func (t tree) root() hash { return t.known[span{0, t.size}] }

// path returns the inclusion proof of leaf i, from the leaf up.
func (t tree) path(i int) []hash {
	var out []hash
	for s := (span{0, t.size}); s.hi-s.lo > 1; {
		down, beside := s.halves()
		if i >= down.hi {
			down, beside = beside, down
		}
		out = append(out, t.known[beside])
		s = down
	}
	slices.Reverse(out)
	return out
}

// hang adds the hashes of an inclusion proof of leaf i.
func (t tree) hang(i int, leaf hash, path []hash) error {
	s, left := span{0, t.size}, path
	for s.hi-s.lo > 1 && len(left) > 0 {
		down, beside := s.halves()
		if i >= down.hi {
			down, beside = beside, down
		}
		t.known[beside] = left[len(left)-1]
		s, left = down, left[:len(left)-1]
	}
	if s.hi-s.lo != 1 || len(left) > 0 {
		return fmt.Errorf("a path of %d hashes to number %d of %d: %w", len(path), i, t.size, ErrValue)
	}
	t.known[s] = leaf
	return nil
}

// absent calls f for the largest subtrees below s without any leaf of at, which
// rises, from left to right, until f says no.
func absent(s span, at []int, f func(span) bool) bool {
	from, _ := slices.BinarySearch(at, s.lo)
	to, _ := slices.BinarySearch(at, s.hi)
	switch {
	case from == to:
		return f(s)
	case s.hi-s.lo == 1:
		return true
	}
	a, b := s.halves()
	return absent(a, at, f) && absent(b, at, f)
}
