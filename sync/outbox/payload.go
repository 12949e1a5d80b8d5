package outbox

import (
	"bytes"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/fxamacker/cbor/v2"

	"github.com/penjire/penjire/sync/journal"
)

// The payloads of values (outbox.md, section 4): deterministic CBOR maps with
// integer keys, absent where zero; sealed bytes and journal entries as below.

var encMode, decMode = modes()

func modes() (cbor.EncMode, cbor.DecMode) {
	e, err := cbor.CoreDetEncOptions().EncMode()
	if err != nil {
		panic("outbox: CBOR encoding options: " + err.Error())
	}
	d, err := cbor.DecOptions{
		DupMapKey:         cbor.DupMapKeyEnforcedAPF,
		IndefLength:       cbor.IndefLengthForbidden,
		TagsMd:            cbor.TagsForbidden,
		ExtraReturnErrors: cbor.ExtraDecErrorUnknownField,
		UTF8:              cbor.UTF8RejectInvalid,
		MaxNestedLevels:   4,
		MaxMapPairs:       64,
		MaxArrayElements:  1 << 10,
	}.DecMode()
	if err != nil {
		panic("outbox: CBOR decoding options: " + err.Error())
	}
	return e, d
}

// decode reads the payload into w, which check then judges. A strict reading
// also wants the bytes to be the only encoding of what they say.
func decode(b []byte, w any, strict bool, check func() error) error {
	if err := decMode.Unmarshal(b, w); err != nil {
		return fmt.Errorf("outbox: read a payload: %w: %w", err, ErrDamaged)
	}
	if err := check(); err != nil {
		return fmt.Errorf("outbox: read a payload: %w: %w", err, ErrDamaged)
	}
	if !strict {
		return nil
	}
	again, err := encMode.Marshal(w)
	if err != nil {
		return fmt.Errorf("outbox: read a payload: %w: %w", err, ErrDamaged)
	}
	if !bytes.Equal(again, b) {
		return fmt.Errorf("outbox: read a payload: the encoding is not deterministic: %w", ErrDamaged)
	}
	return nil
}

func encode(w any) ([]byte, error) {
	b, err := encMode.Marshal(w)
	if err != nil {
		return nil, fmt.Errorf("outbox: encode a %T: %w", w, err)
	}
	return b, nil
}

// meta is the file's own record.
type meta struct {
	Kiosk   string   `cbor:"1,keyasint"`
	Created int64    `cbor:"2,keyasint"` // Unix milliseconds
	Cursor  uint64   `cbor:"3,keyasint,omitempty"`
	Alarms  []string `cbor:"4,keyasint,omitempty"`
}

func parseMeta(b []byte, strict bool) (meta, error) {
	var m meta
	err := decode(b, &m, strict, func() error {
		if !goodKiosk(m.Kiosk) {
			return fmt.Errorf("kiosk id is empty or not printable")
		}
		return nil
	})
	return m, err
}

// item is the stored form of Item.
type item struct {
	Kind  uint8  `cbor:"1,keyasint,omitempty"`
	Doc   []byte `cbor:"2,keyasint,omitempty"`
	Stage State  `cbor:"3,keyasint,omitempty"`
	At    int64  `cbor:"4,keyasint"`
	Bytes []byte `cbor:"5,keyasint"`
}

func parseItem(b []byte, strict bool) (item, error) {
	var i item
	return i, decode(b, &i, strict, func() error {
		switch {
		case len(i.Doc) != 0 && len(i.Doc) != 32:
			return fmt.Errorf("a digest is not 32 bytes")
		case !i.Stage.ofItem():
			return fmt.Errorf("item that makes a request %v", i.Stage)
		case len(i.Bytes) == 0 || len(i.Bytes) > MaxItem:
			return fmt.Errorf("item of %d bytes", len(i.Bytes))
		}
		return nil
	})
}

func (s State) ofItem() bool { return s == 0 || s == Answered || s == Refused || s == Returned }

// A sealed value's payload is the document's identity and the sealed bytes: it
// can be sent with nothing else left.

func marshalSealed(d Doc, sealed []byte) []byte {
	return append(append(make([]byte, 0, len(d)+len(sealed)), d[:]...), sealed...)
}

func parseSealed(b []byte) (Doc, []byte, error) {
	if len(b) <= len(Doc{}) || len(b) > len(Doc{})+MaxInline {
		return Doc{}, nil, fmt.Errorf("outbox: sealed value of %d bytes: %w", len(b), ErrDamaged)
	}
	return Doc(b), b[len(Doc{}):], nil
}

// A large value's payload names the file with the sealed bytes: the document's
// identity, their SHA-256, and how many they are.

func marshalLarge(d Doc, digest [32]byte, size int64) []byte {
	b := append(append(make([]byte, 0, largeLen), d[:]...), digest[:]...)
	return binary.BigEndian.AppendUint64(b, uint64(size)) //nolint:gosec // not below 0
}

const largeLen = 32 + 32 + 8

func parseLarge(b []byte) (d Doc, digest [32]byte, size int64, err error) {
	if len(b) != largeLen {
		return d, digest, 0, fmt.Errorf("outbox: name of a large request's file of %d bytes: %w", len(b), ErrDamaged)
	}
	n := binary.BigEndian.Uint64(b[64:])
	if n <= MaxInline || n > MaxSealed {
		return d, digest, 0, fmt.Errorf("outbox: a large request of %d bytes: %w", n, ErrDamaged)
	}
	return Doc(b), [32]byte(b[32:]), int64(n), nil //nolint:gosec // bounded
}

// A part's payload is the SHA-256 of the whole file and the bytes that begin at the
// value's number.

const partMost = 256 << 10

func marshalPart(digest [32]byte, part []byte) []byte {
	return append(append(make([]byte, 0, len(digest)+len(part)), digest[:]...), part...)
}

func parsePart(b []byte) (digest [32]byte, part []byte, err error) {
	if len(b) <= len(digest) || len(b) > len(digest)+partMost {
		return digest, nil, fmt.Errorf("outbox: part of a large request of %d bytes: %w", len(b), ErrDamaged)
	}
	return [32]byte(b), b[len(digest):], nil
}

// A journal value's payload is how many hashes the entry brought to the tree,
// those hashes, and the entry's encoding.

func marshalLeaf(hs []journal.Hash, entry []byte) []byte {
	return appendLeaf(make([]byte, 0, 1+32*len(hs)+len(entry)), hs, entry)
}

func appendLeaf(b []byte, hs []journal.Hash, entry []byte) []byte {
	b = append(b, byte(len(hs)))
	for _, h := range hs {
		b = append(b, h[:]...)
	}
	return append(b, entry...)
}

func parseLeaf(b []byte) (hs []journal.Hash, entry []byte, err error) {
	if len(b) < 1 || b[0] == 0 || b[0] > 64 || len(b) < 1+32*int(b[0])+1 {
		return nil, nil, fmt.Errorf("outbox: journal value is cut: %w", ErrDamaged)
	}
	n := int(b[0])
	for i := range n {
		hs = append(hs, journal.Hash(b[1+32*i:]))
	}
	entry = b[1+32*n:]
	if hs[0] != journal.LeafHash(entry) {
		return nil, nil, fmt.Errorf("outbox: journal value: the entry has another hash: %w", ErrDamaged)
	}
	return hs, entry, nil
}

const (
	maxService = 64
	maxLang    = 8
	maxCode    = 32
	maxKiosk   = 32
)

func printable(s string, least, most int) bool {
	if len(s) < least || len(s) > most {
		return false
	}
	for i := range len(s) {
		if s[i] <= 0x20 || s[i] > 0x7e {
			return false
		}
	}
	return true
}

func goodKiosk(s string) bool {
	return printable(s, 1, maxKiosk) && !bytes.ContainsAny([]byte(s), "+/")
}

func fromMilli(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

func toMilli(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// codeHash is under what a tracking code is found.
func codeHash(code string) []byte {
	h := sha256.Sum256([]byte("penjire outbox code\x00" + code))
	return h[:16]
}

// hardWork is about a sixth of a second on a kiosk's board, without memory.
const hardWork = 1 << 17

// hardHash is under what the code of a request without an owner is found: it
// opens the answer, so whoever has the file must not find it by trying all.
func hardHash(kiosk, code string) ([]byte, error) {
	h, err := pbkdf2.Key(sha256.New, code, []byte("penjire outbox code\x00"+kiosk), hardWork, 16)
	if err != nil {
		return nil, fmt.Errorf("outbox: hash a code: %w", err)
	}
	return h, nil
}

// codeHash is under what the request of the draft will be found; nil: by no code.
func (d *Draft) codeHash(kiosk string) ([]byte, error) {
	switch {
	case d.Code == "":
		return nil, nil
	case d.Owner == Owner{}:
		return hardHash(kiosk, d.Code)
	}
	return codeHash(d.Code), nil
}
