package outbox

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// Every stored value describes itself, so that it can be found and judged in
// the raw bytes of a file whose tree is broken (outbox.md, section 3):
//
//	 0  4  magic "PjOb"
//	 4  1  version of the form: 1
//	 5  1  kind
//	 6 16  epoch
//	22  8  number: sequence, journal index or item id; big-endian
//	30  8  revision: of several copies of one value the highest counts
//	38  4  length n of the payload
//	42  n  payload
//	42+n 4  CRC-32C of all bytes before it
const (
	valueMagic   = "PjOb"
	valueVersion = 1
	headLen      = 42
	tailLen      = 4
	maxPayload   = MaxItem + 1<<10
)

// kind is what a value holds; stored.
type kind uint8

const (
	kindMeta    kind = 1
	kindRequest kind = 2
	kindSealed  kind = 3
	kindJournal kind = 4
	kindPrint   kind = 5 // until 2026-11-29; not used again
	kindItem    kind = 6
	kindMark    kind = 7 // in copies only
	kindLarge   kind = 8 // in place of sealed: names a file
	kindPart    kind = 9 // in copies only: of such a file
)

var (
	crcTable = crc32.MakeTable(crc32.Castagnoli)
	errValue = errors.New("not a value of the outbox")
)

// value is a stored value, parsed. Its payload is part of the bytes it was
// parsed from.
type value struct {
	kind     kind
	epoch    Epoch
	number   uint64
	revision uint64
	payload  []byte
}

func (v value) marshal() []byte {
	return finish(append(v.begin(len(v.payload)), v.payload...))
}

// begin returns the value's head, with room for a payload of about n bytes, which
// is appended; finish makes a value of both.
func (v value) begin(n int) []byte {
	b := make([]byte, 0, headLen+n+tailLen)
	b = append(b, valueMagic...)
	b = append(b, valueVersion, byte(v.kind))
	b = append(b, v.epoch[:]...)
	b = binary.BigEndian.AppendUint64(b, v.number)
	b = binary.BigEndian.AppendUint64(b, v.revision)
	return append(b, 0, 0, 0, 0)
}

func finish(b []byte) []byte {
	binary.BigEndian.PutUint32(b[headLen-4:], uint32(len(b)-headLen))
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, crcTable))
}

// parseValue reads the value at the beginning of b and returns its length.
func parseValue(b []byte) (value, int, error) {
	n, err := valueLen(b)
	if err != nil {
		return value{}, 0, err
	}
	if len(b) < n {
		return value{}, 0, fmt.Errorf("outbox: value of %d bytes cut at %d: %w", n, len(b), errValue)
	}
	if got, want := crc32.Checksum(b[:n-tailLen], crcTable), binary.BigEndian.Uint32(b[n-tailLen:]); got != want {
		return value{}, 0, fmt.Errorf("outbox: value has checksum %08x, want %08x: %w", got, want, errValue)
	}
	return value{
		kind:     kind(b[5]),
		epoch:    Epoch(b[6:22]),
		number:   binary.BigEndian.Uint64(b[22:]),
		revision: binary.BigEndian.Uint64(b[30:]),
		payload:  b[headLen : n-tailLen : n-tailLen],
	}, n, nil
}

// valueLen reads how long the value is whose head b begins with.
func valueLen(b []byte) (int, error) {
	if len(b) < headLen || !bytes.HasPrefix(b, []byte(valueMagic)) {
		return 0, fmt.Errorf("outbox: value without a head: %w", errValue)
	}
	if b[4] != valueVersion {
		return 0, fmt.Errorf("outbox: value of version %d, want %d: %w", b[4], valueVersion, errValue)
	}
	if k := kind(b[5]); k < kindMeta || k > kindPart || k == kindPrint {
		return 0, fmt.Errorf("outbox: value of unknown kind %d: %w", b[5], errValue)
	}
	n := binary.BigEndian.Uint32(b[38:])
	if n > maxPayload {
		return 0, fmt.Errorf("outbox: value with a payload of %d bytes, at most %d: %w", n, maxPayload, errValue)
	}
	return headLen + int(n) + tailLen, nil
}

// wholeValue parses b, which is one value and nothing else, of that kind and
// number.
func wholeValue(b []byte, k kind, number uint64) (value, error) {
	v, n, err := parseValue(b)
	if err != nil {
		return value{}, fmt.Errorf("%w: %w", err, ErrDamaged)
	}
	if n != len(b) || v.kind != k || v.number != number {
		return value{}, fmt.Errorf("outbox: value kind %d number %d stands where kind %d number %d should: %w", v.kind, v.number, k, number, ErrDamaged)
	}
	return v, nil
}

// wholeSealed is wholeValue for what stands in the bucket sealed: the bytes, or the
// name of the file that holds them.
func wholeSealed(b []byte, number uint64) (value, error) {
	k := kindSealed
	if len(b) >= headLen && kind(b[5]) == kindLarge {
		k = kindLarge
	}
	return wholeValue(b, k, number)
}

// Keys. Requests, their sealed bytes and journal entries are under
// epoch ‖ number, items under their number alone. Few sealed bytes stand right
// behind their request, in its bucket: a commit that brings both changes one page
// and the way to it.

// besideMost is the most sealed bytes that stand beside their request.
const besideMost = 2 << 10

func besideKey(e Epoch, n uint64) []byte { return append(epochKey(e, n), 1) }

// beside reports whether it is a request's sealed bytes that stand in its bucket.
func (v value) beside() bool { return v.kind == kindSealed && len(v.payload) <= len(Doc{})+besideMost }

func epochKey(e Epoch, n uint64) []byte {
	return binary.BigEndian.AppendUint64(e[:len(e):len(e)], n)
}

func numberKey(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

func (v value) key() []byte {
	switch v.kind {
	case kindMeta:
		return metaKey
	case kindItem:
		return numberKey(v.number)
	case kindSealed:
		if v.beside() {
			return besideKey(v.epoch, v.number)
		}
	}
	return epochKey(v.epoch, v.number)
}
