// Package lean carries a signed e-document in few bytes. What we make is
// deterministic: the zip, the manifests and every digest in them follow from
// document.json and the signatures, and in these only keys, names, numbers and
// times differ. Shrink takes out what follows, Grow puts it back, bit for bit
// (edoc.md, section 10.1).
//
// Neither says anything about the document: whoever grows one parses and
// verifies it like any other.
package lean

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/penjire/penjire/sync/edoc/asic"
)

// MaxContainer is the largest container that is carried lean, and the most that
// Grow makes of anything.
const MaxContainer = 64 << 10

// maxPoints is how many public keys there may be: to find the half that is not
// carried takes time.
const maxPoints = 32

// maxPairs is how many pairs of manifest and signature there may be.
const maxPairs = 8

// The names and types in a container (edoc.md, sections 2 and 4).
const (
	documentName = "document.json"
	documentType = "application/json"
	manifestType = "text/xml"
)

// Form is a container without what follows from the rest. The two parts are
// apart because they compress differently.
type Form struct {
	Raw  []byte // keys, digests, signatures: does not compress
	Text []byte // names, texts and structure: does
}

// ErrForm is wrapped by every error of Grow: these are not the bytes of a Form.
var ErrForm = errors.New("not a lean container")

// Shrink returns the lean form of a container. False: it has none, because it is
// too large, has attachments or is not in the form we write; it travels whole.
func Shrink(container []byte) (Form, bool) {
	if len(container) > MaxContainer {
		return Form{}, false
	}
	files, ok := unzip(container)
	if !ok {
		return Form{}, false
	}
	s := &shrinker{memory: memory{hashes: [][]byte{sum(files[0])}}}
	if !s.json(files[0]) {
		return Form{}, false
	}
	for i := 1; i < len(files); i += 2 {
		s.hashes = append(s.hashes, sum(files[i]))
		if rest, ok := s.element(files[i+1], 0, true); !ok || len(rest) != 0 {
			return Form{}, false
		}
	}
	f := Form{s.raw, s.text}
	again, err := Grow(f)
	return f, err == nil && bytes.Equal(again, container)
}

// unzip returns document.json and the pairs of a container without attachments.
func unzip(container []byte) ([][]byte, bool) {
	a, err := asic.Open(bytes.NewReader(container), int64(len(container)))
	if err != nil || a.Len() < 3 || a.Len()%2 == 0 || a.Len() > 1+2*maxPairs || a.Name(0) != documentName {
		return nil, false
	}
	files := make([][]byte, a.Len())
	for i := range files {
		if n := (i + 1) / 2; i > 0 && a.Name(i) != asic.ManifestName(n) && a.Name(i) != asic.SignatureName(n) {
			return nil, false
		}
		if files[i], err = a.ReadAll(i, MaxContainer); err != nil {
			return nil, false
		}
	}
	return files, true
}

// Grow returns the container of a form. It takes any bytes: what is no form is
// ErrForm, and the result never has more than MaxContainer.
func Grow(f Form) ([]byte, error) {
	g := &grower{raw: f.Raw, text: f.Text, left: MaxContainer}
	b, err := g.container()
	if err != nil {
		return nil, fmt.Errorf("lean: grow: %w: %w", ErrForm, err)
	}
	return b, nil
}

func (g *grower) container() ([]byte, error) {
	doc, err := g.json()
	if err != nil {
		return nil, err
	}
	g.hashes = [][]byte{sum(doc)}
	objects := []asic.Object{{URI: documentName, MediaType: documentType, Root: true, SHA256: [32]byte(g.hashes[0])}}
	files := []asic.Entry{{Name: documentName, Content: asic.Bytes(doc)}}
	for n := 1; n == 1 || len(g.text) > 0; n++ {
		if n > maxPairs {
			return nil, errors.New("too many signatures")
		}
		manifest, err := asic.Manifest{Signature: asic.SignatureName(n), Objects: objects}.Marshal()
		if err != nil {
			return nil, err
		}
		g.hashes = append(g.hashes, sum(manifest))
		if n == 1 { // each further manifest covers the first
			objects = append(objects, asic.Object{URI: asic.ManifestName(1), MediaType: manifestType, SHA256: [32]byte(g.hashes[1])})
		}
		sig, err := g.element(make([]byte, 0, 2<<10), 0, true)
		if err != nil {
			return nil, err
		}
		files = append(files,
			asic.Entry{Name: asic.ManifestName(n), Content: asic.Bytes(manifest)},
			asic.Entry{Name: asic.SignatureName(n), Content: asic.Bytes(sig)})
	}
	if len(g.raw) > 0 {
		return nil, errors.New("something is left over")
	}
	var b bytes.Buffer
	b.Grow(4 << 10)
	if _, err := asic.WriteTo(&b, files, false); err != nil {
		return nil, err
	}
	if b.Len() > MaxContainer {
		return nil, errLarge
	}
	return b.Bytes(), nil
}

// shrinker writes the two parts.
type shrinker struct {
	raw, text []byte
	memory
}

// grower reads the two parts.
type grower struct {
	raw, text []byte
	left      int // of MaxContainer
	points    int // public keys so far: each takes as long as a signature
	memory
}

// memory is what both know of what went before.
type memory struct {
	at     int64    // the last time, Unix seconds
	hashes [][]byte // SHA-256 of document.json, of the manifests and certificates so far
	items  [][]byte // what went raw, to be named again
	point  []byte   // the last public key, uncompressed
}

func sum(b []byte) []byte {
	h := sha256.Sum256(b)
	return h[:]
}

var (
	errLarge = errors.New("it grows too large")
	errShort = errors.New("it is cut off")
)

// takeRaw returns the next n bytes of Raw.
func (g *grower) takeRaw(n int) ([]byte, error) { return take(&g.raw, n) }

// takeText returns the next n bytes of Text.
func (g *grower) takeText(n int) ([]byte, error) { return take(&g.text, n) }

func take(from *[]byte, n int) ([]byte, error) {
	if n < 0 || n > len(*from) {
		return nil, errShort
	}
	b := (*from)[:n:n]
	*from = (*from)[n:]
	return b, nil
}

// code returns the next byte of Text.
func (g *grower) code() (byte, error) {
	b, err := g.takeText(1)
	if err != nil {
		return 0, err
	}
	return b[0], nil
}

// spend counts n bytes that were made.
func (g *grower) spend(n int) error {
	if g.left -= n; g.left < 0 {
		return errLarge
	}
	return nil
}
