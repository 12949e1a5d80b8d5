package asic

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
)

// ErrChanged is found in the error of whoever reads what is no longer what was
// measured: a file that was written to between two readings.
var ErrChanged = errors.New("it has changed since it was measured")

// Content is what an entry holds. It can be read more than once, each time from
// its start, and has to be the same each time: that is checked.
type Content interface {
	Size() int64
	// Reader returns a reader of its own over the whole content.
	Reader() io.Reader
}

// Bytes is content in memory.
type Bytes []byte

// Size returns how many bytes there are.
func (b Bytes) Size() int64 { return int64(len(b)) }

// Reader reads them.
func (b Bytes) Reader() io.Reader { return bytes.NewReader(b) }

// At returns the first size bytes of r as content: an open file.
func At(r io.ReaderAt, size int64) Content { return section{r, size} }

type section struct {
	r    io.ReaderAt
	size int64
}

func (s section) Size() int64       { return s.size }
func (s section) Reader() io.Reader { return io.NewSectionReader(s.r, 0, s.size) }

// Sum is what identifies content.
type Sum struct {
	Size   int64
	CRC    uint32
	SHA256 [sha256.Size]byte
}

// Measure reads the content once, in constant memory.
func Measure(c Content) (Sum, error) {
	m := newMeter()
	if _, err := copyTo(m, c.Reader()); err != nil {
		return Sum{}, fmt.Errorf("asic: measure: %w", err)
	}
	s := m.sum()
	if s.Size != c.Size() {
		return Sum{}, fmt.Errorf("asic: measure: got %d bytes of %d: %w", s.Size, c.Size(), ErrChanged)
	}
	return s, nil
}

// Checked returns a reader of content that fails with ErrChanged at its end, in
// place of io.EOF, if it was not what s says. What was read until then may be
// anything.
func Checked(c Content, s Sum) io.Reader {
	return &checked{from: io.LimitReader(c.Reader(), s.Size+1), m: newMeter(), want: s}
}

type checked struct {
	from io.Reader
	m    *meter
	want Sum
}

func (c *checked) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	c.m.add(p[:n])
	if c.m.size > c.want.Size || errors.Is(err, io.EOF) && c.m.sum() != c.want {
		return 0, fmt.Errorf("asic: read: %w", ErrChanged)
	}
	return n, err
}

// meter takes the measure of what is written to it.
type meter struct {
	size int64
	crc  uint32
	hash hash.Hash
}

func newMeter() *meter { return &meter{hash: sha256.New()} }

func (m *meter) Write(p []byte) (int, error) {
	m.add(p)
	return len(p), nil
}

func (m *meter) add(p []byte) {
	m.size += int64(len(p))
	m.crc = crc32.Update(m.crc, crc32.IEEETable, p)
	m.hash.Write(p) // which never fails
}

func (m *meter) sum() Sum {
	s := Sum{Size: m.size, CRC: m.crc}
	m.hash.Sum(s.SHA256[:0])
	return s
}

// copyTo copies with a buffer of its own, whatever the two ends offer: some
// would read everything at once.
func copyTo(w io.Writer, r io.Reader) (int64, error) {
	return io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{r}, make([]byte, 64<<10))
}
