package release

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
)

// Content is a bundle's bytes, by digests: of the whole, and of each chunk, so that a
// download that was cut goes on behind what is known to be right, and a byte that
// went wrong costs one chunk.
type Content struct {
	Size   int64
	SHA256 [32]byte
	Chunk  int64  // bytes of a chunk; the last may be shorter
	Chunks []byte // the chunks' SHA-256, one behind the other
}

// ChunkSize is of the chunks that Describe makes: a megabyte is two minutes of a slow
// link, and its digests are 32 bytes of a description.
const ChunkSize = 1 << 20

const (
	minChunk  = 4 << 10
	maxChunks = 8192
)

// Describe reads a bundle and returns what to sign of it.
func Describe(r io.Reader) (Content, error) {
	c := Content{Chunk: ChunkSize}
	all, buf := sha256.New(), make([]byte, ChunkSize)
	for {
		n, err := io.ReadFull(r, buf)
		if n > 0 {
			sum := sha256.Sum256(buf[:n])
			c.Chunks = append(c.Chunks, sum[:]...)
			c.Size += int64(n)
			_, _ = all.Write(buf[:n]) // a hash never fails
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			break
		}
		if err != nil {
			return Content{}, fmt.Errorf("release: describe a bundle: %w", err)
		}
	}
	all.Sum(c.SHA256[:0])
	if err := c.check(); err != nil {
		return Content{}, fmt.Errorf("release: describe a bundle: %w", err)
	}
	return c, nil
}

func (c *Content) check() error {
	switch {
	case c.Size <= 0 || c.Size > MaxBundle:
		return fmt.Errorf("%w: a bundle of %d bytes", ErrForm, c.Size)
	case c.Chunk < minChunk || c.Chunk > MaxBundle:
		return fmt.Errorf("%w: chunks of %d bytes", ErrForm, c.Chunk)
	case c.Count() > maxChunks || int64(len(c.Chunks)) != c.Count()*sha256.Size:
		return fmt.Errorf("%w: digests of %d bytes for %d chunks", ErrForm, len(c.Chunks), c.Count())
	}
	return nil
}

// Count returns how many chunks there are.
func (c *Content) Count() int64 { return (c.Size + c.Chunk - 1) / c.Chunk }

// CheckChunk says whether b is chunk number i: ErrCorrupt.
func (c *Content) CheckChunk(i int64, b []byte) error {
	if i < 0 || i >= c.Count() {
		return fmt.Errorf("%w: there is no chunk %d", ErrCorrupt, i)
	}
	if want := min(c.Chunk, c.Size-i*c.Chunk); int64(len(b)) != want {
		return fmt.Errorf("%w: chunk %d has %d bytes, want %d", ErrCorrupt, i, len(b), want)
	}
	if sum := sha256.Sum256(b); !bytes.Equal(sum[:], c.Chunks[i*sha256.Size:(i+1)*sha256.Size]) {
		return fmt.Errorf("%w: chunk %d has another digest", ErrCorrupt, i)
	}
	return nil
}

// Good reads what there is of a bundle and returns how many bytes from its beginning
// are right, in whole chunks.
func (c *Content) Good(r io.Reader) (int64, error) {
	buf := make([]byte, c.Chunk)
	for i := int64(0); i < c.Count(); i++ {
		n, err := io.ReadFull(r, buf)
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return i * c.Chunk, fmt.Errorf("release: look at a bundle: %w", err)
		}
		if c.CheckChunk(i, buf[:n]) != nil {
			return i * c.Chunk, nil
		}
	}
	return c.Size, nil
}

// Verify reads a whole bundle: ErrCorrupt if it is another, longer or shorter.
func (c *Content) Verify(r io.Reader) error {
	h := sha256.New()
	n, err := io.Copy(h, io.LimitReader(r, c.Size+1))
	if err != nil {
		return fmt.Errorf("release: read a bundle: %w", err)
	}
	return c.is(h, n)
}

func (c *Content) is(h hash.Hash, n int64) error {
	if n != c.Size {
		return fmt.Errorf("%w: it has not %d bytes", ErrCorrupt, c.Size)
	}
	if !bytes.Equal(h.Sum(nil), c.SHA256[:]) {
		return fmt.Errorf("%w: it has another digest", ErrCorrupt)
	}
	return nil
}
