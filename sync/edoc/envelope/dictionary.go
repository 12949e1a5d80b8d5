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
	"sync"

	"filippo.io/age"
	"github.com/klauspost/compress/zstd"
)

// skeleton is what e-documents have in common: some of made-up people, whole and
// lean, with everything cut out that another would not have. tables says how often
// bytes, lengths and distances occur in lean ones. Both are part of the format:
// they never change, others get other names (edoc.md, section 10).
var (
	//go:embed skeleton.bin
	skeleton []byte
	//go:embed tables.bin
	tables []byte
)

// maxDictionary is the most that a dictionary has.
const maxDictionary = 32 << 10

// dictionaryHead is how a dictionary of zstd begins (RFC 8878, 5); its number
// follows.
const dictionaryHead = "\x37\xa4\x30\xec"

// ErrDictionary is found in the error of Open when the envelope was compressed
// with a dictionary that is not at hand. What is in it is not lost: whoever has
// the catalogue of the time can open it.
var ErrDictionary = errors.New("its dictionary is not at hand")

// Dictionary is what sealer and opener both have, and an envelope therefore need
// not carry. Without one a request of 600 bytes is sealed in 2 KiB, with one in
// less than half.
type Dictionary struct {
	id   uint32
	file []byte

	once    sync.Once
	decoder *zstd.Decoder
	err     error
}

// NewDictionary returns the dictionary for requests under a catalogue whose
// texts (catalog.Catalogue.Dictionary) are given. Without any it is the
// dictionary that everyone has: of what is opened years later, somewhere else.
func NewDictionary(texts []byte) *Dictionary {
	head := len(dictionaryHead) + 4 + len(tables)
	texts = texts[max(0, head+len(texts)+len(skeleton)-maxDictionary):]
	file := slices.Concat([]byte(dictionaryHead+"\x00\x00\x00\x00"), tables, texts, skeleton)
	id := number(file)
	binary.LittleEndian.PutUint32(file[len(dictionaryHead):], id)
	return &Dictionary{id: id, file: file}
}

// ParseDictionary returns the dictionary that Bytes gave.
func ParseDictionary(b []byte) (*Dictionary, error) {
	if len(b) < len(dictionaryHead)+4+len(tables)+len(skeleton) || len(b) > maxDictionary || string(b[:4]) != dictionaryHead {
		return nil, fmt.Errorf("envelope: read dictionary: got %d bytes that are none", len(b))
	}
	if number(b) != binary.LittleEndian.Uint32(b[4:]) {
		return nil, errors.New("envelope: read dictionary: it has the number of another")
	}
	d := &Dictionary{id: number(b), file: slices.Clone(b)}
	if _, err := d.reader(); err != nil {
		return nil, fmt.Errorf("envelope: read dictionary: %w", err)
	}
	return d, nil
}

// number reckons the number of a dictionary from what follows it. Those below 2^15
// and from 2^31 on are reserved (RFC 8878, 5).
func number(file []byte) uint32 {
	sum := sha256.Sum256(file[len(dictionaryHead)+4:])
	return binary.BigEndian.Uint32(sum[:])&(1<<30-1) | 1<<30
}

// ID returns the number by which an envelope names its dictionary: the last 30
// bits of the first 32 of the SHA-256 of what follows it, and a one before them.
func (d *Dictionary) ID() uint32 { return d.id }

// Bytes returns the dictionary as a file of zstd (RFC 8878, 5). It is not secret.
func (d *Dictionary) Bytes() []byte { return slices.Clone(d.file) }

// Dictionaries finds a dictionary by its number. It returns nil for one that it
// does not know; an error is its own trouble.
type Dictionaries func(id uint32) (*Dictionary, error)

// common is the dictionary without any catalogue.
var common = func() *Dictionary {
	d := NewDictionary(nil)
	_, _ = d.reader() // it is our own; what it says, it says again
	return d
}()

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
	packed, err := d.pack(plain)
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
	return find.unpack(packed)
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
