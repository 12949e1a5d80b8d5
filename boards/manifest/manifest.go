// Package manifest says what an image of a kiosk's medium is: of which release, how
// long, and which digest each stretch of it has. Who builds an image signs its
// manifest; who writes the image to a medium checks both, and later tells by it
// what on a medium is as it was released.
//
// # Form
//
// A manifest is a text file beside its image, named after it ([Name]): a JSON
// object, followed in PEM by a signature over exactly the bytes before it (ECDSA or
// RSA with SHA-256) and by the certificates of the signer and of who stands above
// him, the root not included. With openssl it is checked so:
//
//	sed '/^-----BEGIN/,$d' F >F.json
//	sed -n '/^-----BEGIN PENJIRE/,/^-----END PENJIRE/{/^-----/d;p}' F | base64 -d >F.sig
//	sed -n '/^-----BEGIN CERT/,/^-----END CERT/p' F | openssl x509 -pubkey -noout >F.pub
//	openssl dgst -sha256 -verify F.pub -signature F.sig F.json
package manifest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/penjire/penjire/boards/layout"
)

// Schema is the form of manifest that this package writes and reads.
const Schema = "penjire-image/1"

// MaxFile is how long a manifest's file may be, in bytes.
const MaxFile = 64 << 10

// Manifest is what an image is. Ranges follow each other without a hole from its
// first byte to its last.
type Manifest struct {
	Schema  string         `json:"schema"`
	Release layout.Release `json:"release"`
	Table   layout.Table   `json:"table"`
	Size    int64          `json:"size"` // of the image, decompressed, in bytes
	Ranges  []Range        `json:"ranges"`
}

// Range is a stretch of the image: a partition, by its name in boards/layout, or
// what is between partitions.
type Range struct {
	Name   string `json:"name"`
	Start  int64  `json:"start"` // in bytes
	Size   int64  `json:"size"`
	SHA256 Digest `json:"sha256"`
}

// Names of ranges that are no partitions. The first is always Head: without it
// nothing starts from the medium.
const (
	Head    = "table"  // all before the first partition
	Between = "gap"    // all between two: in an MBR the records of logical partitions
	Tail    = "backup" // all behind the last: a GPT's second copy
)

// Digest is a SHA-256 in lower-case hex.
type Digest [sha256.Size]byte

// String returns d in hex.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// MarshalText implements encoding.TextMarshaler.
func (d Digest) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Digest) UnmarshalText(b []byte) error {
	if len(b) != 2*len(d) || !bytes.Equal(bytes.ToLower(b), b) {
		return fmt.Errorf("got a digest of %d letters, want %d in lower-case hex", len(b), 2*len(d))
	}
	_, err := hex.Decode(d[:], b)
	return err
}

// Name returns the file of the manifest of the image in the file called image:
// compressed or not it is the same, "x.img.manifest" for x.img and x.img.zst.
func Name(image string) string { return strings.TrimSuffix(image, ".zst") + ".manifest" }

// Describe reads an image, decompressed, and returns its manifest. It holds the
// image's length against its layout.
func Describe(image io.Reader, r layout.Release) (Manifest, error) {
	l, err := layout.For(r.Board)
	if err != nil {
		return Manifest{}, fmt.Errorf("manifest: describe an image: %w", err)
	}
	return describe(image, r, l)
}

func describe(image io.Reader, r layout.Release, l layout.Layout) (Manifest, error) {
	m := Manifest{Schema: Schema, Release: r, Table: l.Table, Size: l.Size(), Ranges: ranges(l)}
	for i, x := range m.Ranges {
		h := sha256.New()
		if n, err := io.Copy(h, io.LimitReader(image, x.Size)); err != nil || n != x.Size {
			if err == nil {
				err = io.ErrUnexpectedEOF
			}
			return Manifest{}, fmt.Errorf("manifest: describe an image: read %s at byte %d: %w", x.Name, x.Start+n, err)
		}
		m.Ranges[i].SHA256 = Digest(h.Sum(nil))
	}
	if n, err := io.Copy(io.Discard, image); err != nil || n > 0 {
		return Manifest{}, fmt.Errorf("manifest: describe an image: %d bytes more than the layout of board %s has (%w)", n, r.Board, errors.Join(err, ErrForm))
	}
	return m, m.check()
}

// ranges returns the ranges of a layout, without digests.
func ranges(l layout.Layout) []Range {
	var out []Range
	at := int64(0)
	add := func(name string, to int64) {
		if to > at {
			out = append(out, Range{Name: name, Start: at, Size: to - at})
			at = to
		}
	}
	for i, p := range l.Partitions {
		if i == 0 {
			add(Head, p.Start)
		}
		add(Between, p.Start)
		add(p.Name, p.Start+p.Size)
	}
	add(Tail, l.Size())
	return out
}

// ErrForm is returned for what is no manifest.
var ErrForm = errors.New("not a manifest of an image")

// parse reads the object strictly.
func parse(b []byte) (Manifest, error) {
	var m Manifest
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil {
		return Manifest{}, fmt.Errorf("%w: %w", ErrForm, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Manifest{}, fmt.Errorf("%w: something follows the object", ErrForm)
	}
	return m, m.check()
}

func (m Manifest) check() error {
	wrong := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s", ErrForm, fmt.Sprintf(format, args...))
	}
	if m.Schema != Schema {
		return wrong("schema: got %q, want %q", m.Schema, Schema)
	}
	if m.Release.Version == "" || m.Release.Board == "" || m.Release.DataFormat < 1 {
		return wrong("release: it lacks version, board or data_format")
	}
	if m.Table != layout.GPT && m.Table != layout.MBR {
		return wrong("table: got %q, want %s or %s", m.Table, layout.GPT, layout.MBR)
	}
	if len(m.Ranges) == 0 || len(m.Ranges) > 64 || m.Ranges[0].Name != Head {
		return wrong("ranges: got %d, want 1 to 64, the first of them %q", len(m.Ranges), Head)
	}
	at, seen := int64(0), map[string]bool{}
	for i, r := range m.Ranges {
		switch {
		case r.Name == "" || len(r.Name) > 32 || seen[r.Name] && r.Name != Between:
			return wrong("ranges[%d].name: got %q, want one that no other range has", i, r.Name)
		case r.Start != at || r.Size <= 0 || r.Size%layout.Sector != 0 || r.Size > 1<<40:
			return wrong("ranges[%d]: got %d bytes from %d, want whole sectors from %d", i, r.Size, r.Start, at)
		}
		seen[r.Name] = true
		at += r.Size
	}
	if at != m.Size {
		return wrong("size: got %d, want %d, where the last range ends", m.Size, at)
	}
	return nil
}

// Range returns the range called name.
func (m Manifest) Range(name string) (Range, bool) {
	for _, r := range m.Ranges {
		if r.Name == name {
			return r, true
		}
	}
	return Range{}, false
}
