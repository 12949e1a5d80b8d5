package flash

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"strings"

	"github.com/klauspost/compress/zstd"

	"github.com/penjire/penjire/boards/layout"
	"github.com/penjire/penjire/boards/manifest"
)

// Image is the file with the image of a medium, compressed (.zst) or not, and what
// its manifest says of it.
type Image struct {
	Path     string
	Manifest manifest.Manifest
	Signer   string // name of who signed it
	// Unsigned is why nobody who is believed vouches for it; nil: somebody does.
	Unsigned error

	file []byte // the manifest's
}

// ErrManifest is returned for an image without its manifest.
var ErrManifest = errors.New("the image's manifest is missing")

// ErrCorrupt is returned for an image that is not what its manifest says.
var ErrCorrupt = errors.New("the image is damaged")

// Open reads the manifest of the image at path and holds its signature against the
// roots. It does not read the image.
func Open(path string, roots []*x509.Certificate) (*Image, error) {
	b, err := readSmall(manifest.Name(path), manifest.MaxFile)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("flash: %w: there is no %s", ErrManifest, manifest.Name(path))
	}
	if err != nil {
		return nil, fmt.Errorf("flash: read the manifest: %w", err)
	}
	f, err := manifest.Parse(b)
	if err != nil {
		return nil, fmt.Errorf("flash: %s: %w", manifest.Name(path), err)
	}
	m := f.Manifest
	for what, n := range map[string]int64{"image": m.Size, manifest.Head: m.Ranges[0].Size} {
		if n%chunkUnit != 0 {
			return nil, fmt.Errorf("flash: %s: %s of %d bytes, want a multiple of %d", manifest.Name(path), what, n, chunkUnit)
		}
	}
	if s, ok := m.Range(layout.Setup); !ok || s.Size > 256<<20 {
		return nil, fmt.Errorf("flash: %s: want a range %q of at most 256 MiB", manifest.Name(path), layout.Setup)
	}
	if m.Ranges[0].Size > 64<<20 {
		return nil, fmt.Errorf("flash: %s: want a range %q of at most 64 MiB", manifest.Name(path), manifest.Head)
	}
	return &Image{Path: path, Manifest: m, Signer: f.Signer.Subject.CommonName, Unsigned: f.Verify(roots), file: b}, nil
}

// readSmall reads a file of at most limit bytes, and one more where there are more.
func readSmall(path string, limit int64) (b []byte, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	return io.ReadAll(io.LimitReader(f, limit+1))
}

// reader opens the image's bytes, decompressed.
func (i *Image) reader() (io.ReadCloser, error) {
	f, err := os.Open(i.Path)
	if err != nil {
		return nil, fmt.Errorf("flash: open the image: %w", err)
	}
	if !strings.HasSuffix(i.Path, ".zst") {
		return f, nil
	}
	z, err := zstd.NewReader(f, zstd.WithDecoderMaxMemory(256<<20))
	if err != nil {
		_ = f.Close() // it was only read
		return nil, fmt.Errorf("flash: open the image: %w", err)
	}
	return unpacked{z, f}, nil
}

type unpacked struct {
	*zstd.Decoder
	file *os.File
}

// Close implements io.Closer.
func (u unpacked) Close() error {
	u.Decoder.Close()
	return u.file.Close()
}

const (
	// chunkUnit is what offsets and sizes on a medium are multiples of, so that they
	// are whole sectors whatever its sectors are.
	chunkUnit = 4096
	// chunk is how much is read and written at once: the erase block of usual cards.
	chunk = 4 << 20
)

// each hands the image's bytes to fn, in chunks from offset 0 on, and checks every
// stretch against the manifest: fn has had the bytes of a stretch before it is known
// whether they are right, so nothing may depend on them before each has returned
// nil. b is only lent.
func (i *Image) each(ctx context.Context, buf []byte, fn func(off int64, b []byte) error) error {
	r, err := i.reader()
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }() // it was only read
	d := newDigests(i.Manifest.Ranges)
	for off := int64(0); off < i.Manifest.Size; {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("flash: stopped at byte %d: %w", off, context.Cause(ctx))
		}
		b := buf[:min(chunk, i.Manifest.Size-off)]
		if _, err := io.ReadFull(r, b); err != nil {
			return fmt.Errorf("flash: read the image at byte %d: %w (%w)", off, ErrCorrupt, err)
		}
		if err := d.add(off, b); err != nil {
			return err
		}
		if err := fn(off, b); err != nil {
			return err
		}
		off += int64(len(b))
	}
	if n, err := io.Copy(io.Discard, io.LimitReader(r, 1)); n > 0 || err != nil {
		return fmt.Errorf("flash: read the image: %w: it goes on behind byte %d (%w)", ErrCorrupt, i.Manifest.Size, errors.Join(err))
	}
	return nil
}

// digests holds bytes in their order against the ranges of a manifest.
type digests struct {
	ranges []manifest.Range // that are not complete yet
	had    int64            // of the first of them
	h      hash.Hash
	zero   bool // all it had of it is zero
	// told is called for each range that is complete, if it is set; else a wrong one
	// is an error.
	told func(r manifest.Range, good, zero bool)
}

func newDigests(rs []manifest.Range) *digests {
	return &digests{ranges: rs, h: sha256.New(), zero: true}
}

func (d *digests) add(at int64, b []byte) error {
	for len(d.ranges) > 0 {
		r := d.ranges[0]
		done := false
		from, to := max(at, r.Start+d.had), min(at+int64(len(b)), r.Start+r.Size)
		if from < to {
			part := b[from-at : to-at]
			_, _ = d.h.Write(part) // a hash never fails
			d.zero = d.zero && len(bytes.TrimLeft(part, "\x00")) == 0
			d.had += to - from
			done = d.had == r.Size
		}
		if !done {
			return nil
		}
		good := bytes.Equal(d.h.Sum(nil), r.SHA256[:])
		if d.told != nil {
			d.told(r, good, d.zero)
		} else if !good {
			return fmt.Errorf("flash: the image at bytes %d to %d (%s): %w: another digest than its manifest has", r.Start, r.Start+r.Size, r.Name, ErrCorrupt)
		}
		d.ranges, d.had, d.zero = d.ranges[1:], 0, true
		d.h.Reset()
	}
	return nil
}

// check reads the whole image and says whether it is what its manifest says:
// [ErrCorrupt]. It returns the bytes of the set-up partition.
func (i *Image) check(ctx context.Context, buf []byte, done func(int64)) (setup []byte, err error) {
	s, _ := i.Manifest.Range(layout.Setup)
	setup = make([]byte, s.Size)
	err = i.each(ctx, buf, func(off int64, b []byte) error {
		overlap(off, b, s.Start, setup, func(image, own []byte) { copy(own, image) })
		done(off + int64(len(b)))
		return nil
	})
	return setup, err
}

// overlap calls fn with the parts of b, which is at off, and of own, which is at
// start, that are the same place.
func overlap(off int64, b []byte, start int64, own []byte, fn func(b, own []byte)) {
	from, to := max(off, start), min(off+int64(len(b)), start+int64(len(own)))
	if from < to {
		fn(b[from-off:to-off], own[from-start:to-start])
	}
}
