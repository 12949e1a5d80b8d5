package journal

import (
	"crypto/sha256"
	"fmt"
	"math/bits"
	"slices"
)

// Edge is the right edge of a tree: the roots of its complete subtrees, the
// largest first. It is all that growing the tree and computing its root take,
// so that neither reads what is stored. The zero Edge is the empty tree's.
type Edge struct {
	size  int64
	roots []Hash
}

// ReadEdge reads the edge of the tree of the first size entries.
func ReadEdge(size int64, r Reader) (Edge, error) {
	if size < 0 {
		return Edge{}, fmt.Errorf("journal: edge of a tree of %d entries", size)
	}
	e := Edge{size: size}
	at := int64(0)
	for level := bits.Len64(uint64(size)) - 1; level >= 0; level-- {
		if size&(1<<level) == 0 {
			continue
		}
		h, err := r.ReadHash(level, at>>level)
		if err != nil {
			return Edge{}, fmt.Errorf("journal: edge of a tree of %d entries: %w", size, err)
		}
		e.roots = append(e.roots, h)
		at += 1 << level
	}
	return e, nil
}

// Clone returns a copy that grows by itself.
func (e *Edge) Clone() Edge { return Edge{size: e.size, roots: slices.Clone(e.roots)} }

// Size returns how many entries the tree has.
func (e *Edge) Size() int64 { return e.size }

// Add adds the entry with this leaf hash and returns the hashes it brings:
// those of the complete subtrees that end with it, level 0 first.
func (e *Edge) Add(leaf Hash) []Hash {
	out := make([]Hash, 1, 1+bits.TrailingZeros64(^uint64(e.size)))
	out[0] = leaf
	h := leaf
	for n := e.size; n&1 == 1; n >>= 1 {
		h = node(e.roots[len(e.roots)-1], h)
		e.roots = e.roots[:len(e.roots)-1]
		out = append(out, h)
	}
	e.roots = append(e.roots, h)
	e.size++
	return out
}

// Root returns the root of the tree.
func (e *Edge) Root() Hash {
	if len(e.roots) == 0 {
		return EmptyRoot
	}
	h := e.roots[len(e.roots)-1]
	for i := len(e.roots) - 2; i >= 0; i-- {
		h = node(e.roots[i], h)
	}
	return h
}

// node is the hash of an inner node (RFC 6962, section 2.1).
func node(l, r Hash) Hash {
	var b [65]byte
	b[0] = 1
	copy(b[1:], l[:])
	copy(b[33:], r[:])
	return sha256.Sum256(b[:])
}
