package journal

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/klauspost/compress/zstd"
)

// A packed head begins with a byte that says what it is compressed against
// (wire.md, section 6.1).
const (
	packedHead = 1 // always there
	packedSame = 2 // these are signatures of the head that the reader itself has sent
	packedBase = 4 // with the base, a head that both ends keep
)

// frameHead is how a zstd frame begins; every one does, so it is left out.
const frameHead = "\x28\xb5\x2f\xfd"

// ErrBase is wrapped by the error of Unpack where a head is packed against one
// that is not at hand.
var ErrBase = errors.New("the head that it is packed against is not at hand")

// Packed says whether a head is packed, and whether against a base. One that is
// not is a note, which begins with a letter.
func Packed(b []byte) (packed, based bool) {
	packed = len(b) > 0 && b[0] < ' '
	return packed, packed && b[0]&packedBase != 0
}

// Digest is what names a head as the base of a packed one: the first 8 bytes of
// the SHA-256 of its root and signatures.
func (h *Head) Digest() [8]byte {
	sum := sha256.Sum256(h.known())
	return [8]byte(sum[:])
}

// known returns what somebody who has the head knows of the next one.
func (h *Head) known() []byte {
	sorted := &Head{Checkpoint: h.Checkpoint, text: h.text, lines: slices.SortedFunc(slices.Values(h.lines), func(a, b line) int { return cmp.Compare(a.name, b.name) })}
	return append(h.Root[:], sorted.packLines()...)
}

// packLines returns the signatures in binary.
func (h *Head) packLines() []byte {
	var b []byte
	for _, l := range h.lines {
		der := l.sig.Bytes()
		b = append(append(b, byte(len(l.name))), l.name...) // goodName: at most 64
		b = binary.BigEndian.AppendUint32(b, l.hash)
		b = append(binary.AppendUvarint(b, uint64(len(der))), der...)
	}
	return b
}

// dictionary is what both ends know before a head is unpacked.
func dictionary(text []byte, base, same *Head) []byte {
	var d []byte
	for _, h := range []*Head{base, same} {
		if h != nil {
			d = append(d, h.known()...)
		}
	}
	sum := sha256.Sum256(text) // signatures name it
	return append(d, sum[:]...)
}

// Pack returns the head in few bytes for somebody who has the same base, and, if
// same is not nil, who has sent that one: the same checkpoint. Either may be nil.
func (h *Head) Pack(base, same *Head) ([]byte, error) {
	b := []byte{packedHead}
	if base != nil {
		b[0] |= packedBase
	}
	if same != nil {
		b[0] |= packedSame
	} else {
		b = binary.AppendUvarint(b, uint64(h.Size)) //nolint:gosec // valid has refused a negative one
		b = binary.AppendUvarint(b, h.Counter)
		b = append(b, h.Root[:]...)
	}
	z, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true),
		zstd.WithSingleSegment(true), zstd.WithEncoderCRC(false), zstd.WithEncoderDictRaw(0, dictionary(h.text, base, same)))
	if err != nil {
		return nil, fmt.Errorf("journal: pack a head: %w", err)
	}
	return append(b, z.EncodeAll(h.packLines(), nil)[len(frameHead):]...), z.Close()
}

// Unpack reads what Pack wrote, of a journal with that origin. base and same are
// what the reader has; nil: nothing. It checks no signature.
func Unpack(b []byte, origin string, base, same *Head) (*Head, error) {
	h, err := unpack(b, origin, base, same)
	if err != nil {
		return nil, fmt.Errorf("journal: unpack a head: %w: %w", err, ErrHead)
	}
	return h, nil
}

func unpack(b []byte, origin string, base, same *Head) (*Head, error) {
	if len(b) == 0 || len(b) > MaxHead || b[0]&packedHead == 0 || b[0] > packedHead|packedSame|packedBase {
		return nil, errors.New("it is in no form that is known")
	}
	if b[0]&packedBase == 0 {
		base = nil
	} else if base == nil {
		return nil, ErrBase
	}
	c := Checkpoint{Origin: origin}
	if b[0]&packedSame == 0 {
		same = nil
		var err error
		if b, err = c.unpack(b[1:]); err != nil {
			return nil, err
		}
	} else {
		if same == nil {
			return nil, ErrBase
		}
		c, b = same.Checkpoint, b[1:]
	}
	text, err := c.Marshal()
	if err != nil {
		return nil, err
	}
	lines, err := unpackLines(b, dictionary(text, base, same))
	if err != nil {
		return nil, err
	}
	return ParseHead(slices.Concat(text, []byte("\n"), lines))
}

// unpack reads size, counter and root, and returns the rest.
func (c *Checkpoint) unpack(b []byte) ([]byte, error) {
	size, n := binary.Uvarint(b)
	if n <= 0 || size > 1<<62 {
		return nil, errCutHead
	}
	counter, m := binary.Uvarint(b[n:])
	if m <= 0 || len(b) < n+m+len(c.Root) {
		return nil, errCutHead
	}
	c.Size, c.Counter = int64(size), counter //nolint:gosec // looked at above
	b = b[n+m:]
	return b[copy(c.Root[:], b):], nil
}

var errCutHead = errors.New("it is cut off")

// unpackLines returns signatures as the lines of a note.
func unpackLines(frame, dict []byte) ([]byte, error) {
	z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxMemory(MaxHead), zstd.WithDecoderDictRaw(0, dict))
	if err != nil {
		return nil, err
	}
	defer z.Close()
	b, err := z.DecodeAll(append([]byte(frameHead), frame...), nil)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	for len(b) > 0 {
		n := 1 + int(b[0])
		if len(b) < n+4 {
			return nil, errCutHead
		}
		name, hash := b[1:n], b[n:n+4]
		size, m := binary.Uvarint(b[n+4:])
		if b = b[min(len(b), n+4+max(m, 0)):]; m <= 0 || size > uint64(len(b)) {
			return nil, errCutHead
		}
		writeLine(&out, string(name), binary.BigEndian.Uint32(hash), b[:size])
		b = b[size:]
	}
	return out.Bytes(), nil
}
