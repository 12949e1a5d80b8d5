package flash

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
)

// marks are blocks that were written all over the room behind the image, each
// unlike every other. A counterfeit medium keeps none of what lies behind its true
// end, or keeps it in the place of something else; what it holds in its own memory
// for a while is gone after a whole image was written.
type marks struct {
	seed [16]byte
	at   []int64 // offsets, rising
}

// howMany marks are written beside the one at the very end: a medium that lies about
// a hundredth of its size is found.
const howMany = 128

func mark(to Target, from int64) (marks, error) {
	m := marks{}
	_, _ = rand.Read(m.seed[:]) // it never fails
	end := to.Size() - chunkUnit
	if end < from {
		return m, nil // the image fills it: all is compared
	}
	for i := int64(0); i <= howMany; i++ {
		at := from + (end-from)/howMany*i
		m.at = append(m.at, at&^(chunkUnit-1))
	}
	m.at = append(m.at, end)
	slices.Sort(m.at)
	m.at = slices.Compact(m.at)
	b := aligned(chunkUnit)
	for _, at := range m.at {
		m.fill(b, at)
		if _, err := to.WriteAt(b, at); err != nil {
			return m, fmt.Errorf("flash: write at byte %d, behind the image: %w: %w", at, ErrCapacity, err)
		}
	}
	return m, nil
}

// fill makes the mark for a place.
func (m marks) fill(b []byte, at int64) {
	for i := 0; i < len(b); i += sha256.Size {
		s := sha256.Sum256(binary.BigEndian.AppendUint64(m.seed[:len(m.seed):len(m.seed)], uint64(at)+uint64(i)))
		copy(b[i:], s[:])
	}
}

// check looks for every mark, and takes them away.
func (m marks) check(to Target, back []byte) error {
	b := aligned(chunkUnit)
	for _, at := range m.at {
		m.fill(b, at)
		if err := compare(to, at, b, back); err != nil {
			return fmt.Errorf("%w (%w): what was written at byte %d is not there", ErrCapacity, err, at)
		}
	}
	clear(b)
	for _, at := range m.at {
		if _, err := to.WriteAt(b, at); err != nil {
			return fmt.Errorf("flash: erase at byte %d: %w: %w", at, ErrBadMedium, err)
		}
	}
	return nil
}
