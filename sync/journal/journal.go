// Package journal is the kiosk's record of what it did, which nobody can
// change afterwards without being noticed: an RFC 6962 Merkle tree of small
// entries, with the proofs and the checkpoints that others check.
//
// It computes and encodes; it stores nothing. The outbox keeps entries and
// hashes in the same file and the same commit as the requests they speak of
// (sync/spec/outbox.md, sections 6 and 7).
//
// # Reference
//
// RFC 6962, section 2.1 (tree, inclusion and consistency proofs), as
// golang.org/x/mod/sumdb/tlog implements it; C2SP tlog-checkpoint and
// signed-note (checkpoints).
package journal

import (
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// Hash is a SHA-256 value of the tree.
type Hash = [32]byte

// ErrProof is wrapped by the errors of the Check functions: the proof does not
// prove what it should.
var ErrProof = errors.New("proof does not verify")

// Reader gives the stored hash of a complete subtree: level 0 are the entries'
// own hashes, and (level, n) covers entries n<<level up to (n+1)<<level - 1.
type Reader interface {
	ReadHash(level int, n int64) (Hash, error)
}

// reader makes a tlog.HashReader of a Reader.
type reader struct{ Reader }

func (r reader) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		level, n := tlog.SplitStoredHashIndex(x)
		h, err := r.ReadHash(level, n)
		if err != nil {
			return nil, err
		}
		out[i] = h
	}
	return out, nil
}

// LeafHash returns the hash under which the encoded entry stands in the tree.
func LeafHash(entry []byte) Hash { return Hash(tlog.RecordHash(entry)) }

// Root returns the root of the tree of the first size entries. The root of the
// empty tree is SHA-256 of nothing.
func Root(size int64, r Reader) (Hash, error) {
	h, err := tlog.TreeHash(size, reader{r})
	if err != nil {
		return Hash{}, fmt.Errorf("journal: root of %d entries: %w", size, err)
	}
	return Hash(h), nil
}

// Inclusion proves that entry number index is in the tree of the first size
// entries.
func Inclusion(index, size int64, r Reader) ([]Hash, error) {
	if index < 0 || index >= size {
		return nil, fmt.Errorf("journal: prove entry %d of %d: no such entry", index, size)
	}
	p, err := tlog.ProveRecord(size, index, reader{r})
	if err != nil {
		return nil, fmt.Errorf("journal: prove entry %d of %d: %w", index, size, err)
	}
	return hashes(p), nil
}

// Consistency proves that the tree of the first old entries is the beginning
// of the tree of the first size entries. It is empty where old is 0.
func Consistency(old, size int64, r Reader) ([]Hash, error) {
	if old < 0 || old > size {
		return nil, fmt.Errorf("journal: prove that %d entries begin %d: the tree is smaller", old, size)
	}
	if old == 0 {
		return nil, nil
	}
	p, err := tlog.ProveTree(size, old, reader{r})
	if err != nil {
		return nil, fmt.Errorf("journal: prove that %d entries begin %d: %w", old, size, err)
	}
	return hashes(p), nil
}

// CheckInclusion verifies that the entry with this leaf hash is number index
// of the tree of that size and root.
func CheckInclusion(proof []Hash, index, size int64, root, leaf Hash) error {
	if err := tlog.CheckRecord(tlog.RecordProof(tlogHashes(proof)), size, tlog.Hash(root), index, tlog.Hash(leaf)); err != nil {
		return fmt.Errorf("journal: inclusion of entry %d in %d: %w: %w", index, size, err, ErrProof)
	}
	return nil
}

// CheckConsistency verifies that the tree (old, oldRoot) is the beginning of
// the tree (size, root). Every tree continues the empty one.
func CheckConsistency(proof []Hash, old, size int64, oldRoot, root Hash) error {
	if old == 0 {
		if len(proof) != 0 || oldRoot != EmptyRoot {
			return fmt.Errorf("journal: consistency of 0 with %d: %w", size, ErrProof)
		}
		return nil
	}
	if err := tlog.CheckTree(tlog.TreeProof(tlogHashes(proof)), size, tlog.Hash(root), old, tlog.Hash(oldRoot)); err != nil {
		return fmt.Errorf("journal: consistency of %d with %d: %w: %w", old, size, err, ErrProof)
	}
	return nil
}

func hashes(p []tlog.Hash) []Hash {
	out := make([]Hash, len(p))
	for i, h := range p {
		out[i] = Hash(h)
	}
	return out
}

func tlogHashes(p []Hash) []tlog.Hash {
	out := make([]tlog.Hash, len(p))
	for i, h := range p {
		out[i] = tlog.Hash(h)
	}
	return out
}
