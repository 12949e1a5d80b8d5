package envelope

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // for the skeleton
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"filippo.io/age"
	"github.com/klauspost/compress/zstd"
)

// skeleton is what e-documents have in common: three of made-up people, with
// everything cut out that another would not have. It is part of the format: it
// never changes, another one gets another name (edoc.md, section 10).
//
//go:embed skeleton.bin
var skeleton []byte

// maxDictionary is the most that a dictionary has.
const maxDictionary = 32 << 10

// ErrDictionary is found in the error of Open when the envelope was compressed
// with a dictionary that is not at hand. What is in it is not lost: whoever has
// the catalogue of the time can open it.
var ErrDictionary = errors.New("its dictionary is not at hand")

// Dictionary is what sealer and opener both have, and an envelope therefore need
// not carry. Without one a request of 600 bytes is sealed in 2 KiB, with one in
// less than half.
type Dictionary struct {
	id      uint32
	content []byte
}

// NewDictionary returns the dictionary for requests under a catalogue whose
// texts (catalog.Catalogue.Dictionary) are given. Without any it is the
// dictionary that everyone has: of what is opened years later, somewhere else.
func NewDictionary(texts []byte) *Dictionary {
	texts = texts[max(0, len(texts)+len(skeleton)-maxDictionary):]
	return dictionaryOf(slices.Concat(texts, skeleton))
}

// ParseDictionary returns the dictionary that Bytes gave.
func ParseDictionary(b []byte) (*Dictionary, error) {
	if len(b) < 8 || len(b) > maxDictionary {
		return nil, fmt.Errorf("envelope: read dictionary: got %d bytes, want 8 to %d", len(b), maxDictionary)
	}
	return dictionaryOf(slices.Clone(b)), nil
}

func dictionaryOf(content []byte) *Dictionary {
	sum := sha256.Sum256(content)
	// The numbers below 2^15 and from 2^31 on are reserved (RFC 8878, 5).
	return &Dictionary{binary.BigEndian.Uint32(sum[:])&(1<<30-1) | 1<<30, content}
}

// ID returns the number by which an envelope names its dictionary: the last 30
// bits of the first 32 of the SHA-256 of its bytes, and a one before them.
func (d *Dictionary) ID() uint32 { return d.id }

// Bytes returns what the dictionary holds, which is not secret.
func (d *Dictionary) Bytes() []byte { return slices.Clone(d.content) }

// Dictionaries finds a dictionary by its number. It returns nil for one that it
// does not know; an error is its own trouble.
type Dictionaries func(id uint32) (*Dictionary, error)

// common is the dictionary without any catalogue.
var common = NewDictionary(nil)

// Seal is the function Seal with the dictionary.
func (d *Dictionary) Seal(plain []byte, recipients ...string) ([]byte, error) {
	list, err := parseRecipients(recipients)
	if err != nil {
		return nil, err
	}
	return d.seal(plain, list)
}

func (d *Dictionary) seal(plain []byte, to []age.Recipient) ([]byte, error) {
	if len(plain) == 0 || len(plain) > MaxPlain {
		return nil, fmt.Errorf("envelope: seal: got %d bytes, want 1 to %d", len(plain), MaxPlain)
	}
	packed, err := d.compress(plain)
	if err != nil {
		return nil, fmt.Errorf("envelope: seal: %w", err)
	}
	var out bytes.Buffer
	out.Grow(len(packed) + 512*len(to))
	w, err := age.Encrypt(&out, to...)
	if err != nil {
		return nil, fmt.Errorf("envelope: seal: %w", err)
	}
	if _, err := w.Write(packed); err != nil {
		return nil, fmt.Errorf("envelope: seal: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("envelope: seal: %w", err)
	}
	return out.Bytes(), nil
}

// window is how far back the compressor looks: a kiosk has little memory, and
// what is large here is pictures.
const window = 128 << 10

func (d *Dictionary) compress(plain []byte) ([]byte, error) {
	z, err := zstd.NewWriter(nil,
		zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true),
		zstd.WithWindowSize(window), zstd.WithSingleSegment(len(plain) <= window), zstd.WithEncoderCRC(false),
		zstd.WithEncoderDictRaw(d.id, d.content))
	if err != nil {
		return nil, err
	}
	packed := z.EncodeAll(plain, nil)
	return packed, z.Close()
}

// Open is the function Open for what was sealed with a dictionary that find
// finds, or with none, or with the one that everyone has. ErrDictionary says
// that find does not know it.
func (find Dictionaries) Open(sealed []byte, ids ...age.Identity) ([]byte, error) {
	r, err := age.Decrypt(bytes.NewReader(sealed), ids...)
	var no *age.NoIdentityMatchError
	if errors.As(err, &no) {
		return nil, ErrNotForThis
	}
	if err != nil {
		return nil, fmt.Errorf("envelope: open: %w", err)
	}
	packed, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("envelope: open: %w", err)
	}
	var h zstd.Header
	if err := h.Decode(packed); err != nil {
		return nil, fmt.Errorf("envelope: decompress: %w", err)
	}
	options := []zstd.DOption{zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(MaxPlain)}
	if h.DictionaryID != 0 {
		d, err := find.dictionary(h.DictionaryID)
		if err != nil {
			return nil, fmt.Errorf("envelope: open: dictionary %08x: %w", h.DictionaryID, err)
		}
		options = append(options, zstd.WithDecoderDictRaw(d.id, d.content))
	}
	z, err := zstd.NewReader(nil, options...)
	if err != nil {
		return nil, fmt.Errorf("envelope: open: %w", err)
	}
	defer z.Close()
	plain, err := z.DecodeAll(packed, nil)
	if err != nil {
		return nil, fmt.Errorf("envelope: decompress: %w", err)
	}
	return plain, nil
}

func (find Dictionaries) dictionary(id uint32) (*Dictionary, error) {
	if id == common.id {
		return common, nil
	}
	if find == nil {
		return nil, ErrDictionary
	}
	d, err := find(id)
	if err != nil {
		return nil, err
	}
	if d == nil || d.id != id {
		return nil, ErrDictionary
	}
	return d, nil
}
