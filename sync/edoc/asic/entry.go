package asic

import (
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// Len returns how many entries there are after mimetype.
func (a *Archive) Len() int { return len(a.entries) }

// Name returns the name of entry i.
func (a *Archive) Name(i int) string { return a.entries[i].name }

// Size returns how large entry i says it is, unpacked.
func (a *Archive) Size(i int) int64 { return a.entries[i].size }

// Unpacked returns how large everything together says it is.
func (a *Archive) Unpacked() int64 { return a.total }

// ReadAll returns what entry i holds, which is refused if it is not what its
// header says, or above limit.
func (a *Archive) ReadAll(i int, limit int64) ([]byte, error) {
	b, err := a.readAll(a.entries[i], limit)
	if err != nil {
		return nil, fmt.Errorf("asic: read: entry %d: %w", i+1, err)
	}
	return b, nil
}

func (a *Archive) readAll(e entry, limit int64) ([]byte, error) {
	if e.size > limit {
		return nil, fmt.Errorf("it has %d bytes, want at most %d", e.size, limit)
	}
	var b []byte
	if e.deflated {
		// Its size is what it says, and may be a lie: not taken on trust.
		var out bytes.Buffer
		if _, err := out.ReadFrom(a.reader(e)); err != nil {
			return nil, err
		}
		b = out.Bytes()
	} else {
		b = make([]byte, e.size)
		if err := readAt(a.r, b, e.start); err != nil {
			return nil, err
		}
	}
	if crc32.ChecksumIEEE(b) != e.crc {
		return nil, errChecksum
	}
	if b == nil {
		b = []byte{}
	}
	return b, nil
}

var errChecksum = errors.New("its checksum is wrong")

// Measure reads entry i once, in constant memory, and refuses it if it is not
// what its header says.
func (a *Archive) Measure(i int) (Sum, error) {
	e := a.entries[i]
	m := newMeter()
	_, err := copyTo(m, a.reader(e))
	s := m.sum()
	if err == nil && s.CRC != e.crc {
		err = errChecksum
	}
	if err != nil {
		return Sum{}, fmt.Errorf("asic: read: entry %d: %w", i+1, err)
	}
	return s, nil
}

// Content returns what entry i holds, still in its place. Its readers fail where
// it cannot be unpacked or is not as long as it says; its checksum Measure
// checks.
func (a *Archive) Content(i int) Content { return packed{a, a.entries[i]} }

type packed struct {
	a *Archive
	e entry
}

func (p packed) Size() int64       { return p.e.size }
func (p packed) Reader() io.Reader { return p.a.reader(p.e) }

// reader reads what an entry holds. It ends with io.EOF after as many bytes as
// the header says, with nothing left over; else it fails.
func (a *Archive) reader(e entry) io.Reader {
	in := io.NewSectionReader(a.r, e.start, e.packed)
	if !e.deflated {
		return &exact{from: in, left: e.size}
	}
	// flate wants an io.ByteReader, or reads ahead by a buffer of its own.
	src := &counted{r: in, buf: make([]byte, 0, 4<<10)}
	return &exact{from: flate.NewReader(src), left: e.size, src: src}
}

var errSize = errors.New("its size is not what it says")

// exact is a reader of exactly left bytes.
type exact struct {
	from io.Reader
	left int64
	src  *counted // nil: stored
}

func (x *exact) Read(p []byte) (int, error) {
	n, err := x.from.Read(p)
	x.left -= int64(n)
	switch {
	case x.left < 0:
		return 0, errSize
	case errors.Is(err, io.EOF):
		if x.left != 0 || x.src != nil && !x.src.done() {
			return 0, errSize
		}
	case err != nil:
		return 0, fmt.Errorf("unpack: %w", err)
	}
	return n, err
}

// counted is an io.ByteReader that knows whether everything was read.
type counted struct {
	r   *io.SectionReader
	buf []byte
	pos int
}

func (c *counted) ReadByte() (byte, error) {
	if c.pos == len(c.buf) {
		if err := c.fill(); err != nil {
			return 0, err
		}
	}
	b := c.buf[c.pos]
	c.pos++
	return b, nil
}

func (c *counted) Read(p []byte) (int, error) {
	if c.pos == len(c.buf) {
		if err := c.fill(); err != nil {
			return 0, err
		}
	}
	n := copy(p, c.buf[c.pos:])
	c.pos += n
	return n, nil
}

func (c *counted) fill() error {
	n, err := c.r.Read(c.buf[:cap(c.buf)])
	if c.buf, c.pos = c.buf[:n], 0; n > 0 {
		return nil
	}
	if err == nil {
		err = io.ErrNoProgress
	}
	return err
}

// done reports whether nothing is left of what was packed.
func (c *counted) done() bool {
	at, err := c.r.Seek(0, io.SeekCurrent)
	return err == nil && at == c.r.Size() && c.pos == len(c.buf)
}
