// Package stick carries a session between kiosk and portal in files, on a memory
// stick (DESIGN 7; sync/spec/wire.md, section 9). A file holds the frames of one
// direction, whole and one after the other; in front of them stands a signed
// header with the length and digest of each. So a copy that was cut short is
// noticed, its whole frames are still good, and nobody can add, change or swap
// one.
//
// It knows files and folders. What the frames mean is package uplink's and package
// portal's business: it is the same as over a network.
package stick

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/fxamacker/cbor/v2"

	"github.com/penjire/penjire/sync/edoc/cms"
	"github.com/penjire/penjire/sync/wire"
)

// Version is the version of the file's form that this package reads and writes.
const Version = 1

// Limits of a file (wire.md, section 9).
const (
	MaxFrames    = 4096      // in a file
	MaxFile      = 64 << 20  // bytes of all frames together
	maxHeader    = 256 << 10 // bytes of the header
	maxSignature = 16 << 10  // bytes of the signature
)

// Errors that reading a file wraps: the classes of failure of the vectors.
var (
	ErrOther   = errors.New("other file")        // no file of this kind at all
	ErrVersion = errors.New("version failure")   // made by newer software
	ErrCut     = errors.New("cut short")         // it ends too early
	ErrDamaged = errors.New("damaged")           // bytes are not those that were signed
	ErrSigned  = errors.New("signature failure") // the header is not signed by whom it should be
)

// Kind is which way a file goes. The numbers are in the file.
type Kind uint8

// The kinds of files.
const (
	Export Kind = 1 // from a kiosk to the portal
	Answer Kind = 2 // from the portal to a kiosk
)

// Header is what stands in front of the frames, signed.
type Header struct {
	Kind   Kind     `cbor:"1,keyasint"`
	Kiosk  string   `cbor:"2,keyasint"` // whose it is: from it, or for it
	Epoch  [16]byte `cbor:"3,keyasint"` // of the kiosk's outbox when it exported
	Number uint64   `cbor:"4,keyasint"` // of the export in that epoch; an answer has that of what it answers
	At     int64    `cbor:"5,keyasint"` // Unix seconds by the clock of whoever made it
	Cursor uint64   `cbor:"6,keyasint"` // the last item that the kiosk had stored when it exported
	Portal string   `cbor:"7,keyasint"` // of an answer: who confirms; empty in an export
	Frames []Entry  `cbor:"8,keyasint"`
}

// Entry says which bytes the next frame has.
type Entry struct {
	_      struct{} `cbor:",toarray"`
	Length uint32
	Digest [32]byte // SHA-256
}

// When returns At as a time.
func (h *Header) When() time.Time { return time.Unix(h.At, 0).UTC() }

// Name returns the name that a file with that header has on a stick:
// K-000001-0a1b2c3d-7.penjire, and of an answer
// K-000001-0a1b2c3d-7-answer-1795000000.penjire.
func (h *Header) Name() string {
	name := fmt.Sprintf("%s-%s-%d", h.Kiosk, hex.EncodeToString(h.Epoch[:4]), h.Number)
	if h.Kind == Answer {
		name += fmt.Sprintf("-answer-%d", h.At)
	}
	return name + Extension
}

// Extension ends the names of all files.
const Extension = ".penjire"

// magic begins a file; the version follows as one byte.
const magic = "PjStick"

func (h *Header) check() error {
	switch {
	case h.Kind != Export && h.Kind != Answer:
		return fmt.Errorf("kind %d", h.Kind)
	case h.Epoch == [16]byte{} || h.Number == 0 || h.At < 0:
		return fmt.Errorf("number %d at %d", h.Number, h.At)
	case h.Cursor > wire.MaxItem:
		return fmt.Errorf("cursor %d", h.Cursor)
	case !goodName(h.Kiosk) || (h.Kind == Answer) != (h.Portal != "") || h.Portal != "" && !goodName(h.Portal):
		return errors.New("a name that cannot be one")
	case len(h.Frames) > MaxFrames:
		return fmt.Errorf("%d frames, at most %d", len(h.Frames), MaxFrames)
	}
	sum := 0
	for i, e := range h.Frames {
		if e.Length == 0 || e.Length > wire.MaxMessage {
			return fmt.Errorf("frame %d of %d bytes", i, e.Length)
		}
		if sum += int(e.Length); sum > MaxFile {
			return fmt.Errorf("more than %d bytes of frames", MaxFile)
		}
	}
	return nil
}

// goodName accepts what goes into file names and logs as it is.
func goodName(s string) bool {
	if s == "" || len(s) > wire.MaxName {
		return false
	}
	for _, c := range []byte(s) {
		if c <= ' ' || c > '~' || c == '/' || c == '\\' || c == ':' {
			return false
		}
	}
	return s[0] != '.'
}

var (
	encMode = must(cbor.EncOptions{
		Sort: cbor.SortCoreDeterministic, IndefLength: cbor.IndefLengthForbidden, TagsMd: cbor.TagsForbidden,
		NilContainers: cbor.NilContainerAsEmpty,
	}.EncMode())
	decMode = must(cbor.DecOptions{
		DupMapKey: cbor.DupMapKeyEnforcedAPF, IndefLength: cbor.IndefLengthForbidden, TagsMd: cbor.TagsForbidden,
		ExtraReturnErrors: cbor.ExtraDecErrorUnknownField, MaxArrayElements: MaxFrames, MaxMapPairs: 16, MaxNestedLevels: 4,
	}.DecMode())
)

// must is for the two modes above: their options are constants.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// Pack returns the parts of a file, to be written one after the other: header and
// signature, then the frames, which are wire.Marshal's. It fills in h.Frames. The
// signature carries s's certificate.
func Pack(h Header, frames [][]byte, s cms.Signer) ([][]byte, error) {
	h.Frames = make([]Entry, len(frames))
	for i, f := range frames {
		h.Frames[i] = Entry{Length: uint32(min(len(f), wire.MaxMessage+1)), Digest: sha256.Sum256(f)} //nolint:gosec // bounded
	}
	if err := h.check(); err != nil {
		return nil, fmt.Errorf("stick: pack: %w", err)
	}
	b, err := encMode.Marshal(h)
	if err != nil {
		return nil, fmt.Errorf("stick: pack: %w", err)
	}
	if len(b) > maxHeader {
		return nil, fmt.Errorf("stick: pack: a header of %d bytes", len(b))
	}
	head := append([]byte(magic), Version)
	head = binary.BigEndian.AppendUint32(head, uint32(len(b))) //nolint:gosec // bounded
	head = append(head, b...)
	sig, err := cms.Sign(head, cms.Signer{Key: s.Key, Cert: s.Cert}, h.When())
	if err != nil {
		return nil, fmt.Errorf("stick: sign: %w", err)
	}
	head = binary.BigEndian.AppendUint32(head, uint32(len(sig))) //nolint:gosec // a few hundred bytes
	return append([][]byte{append(head, sig...)}, frames...), nil
}
