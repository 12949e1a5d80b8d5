package sane

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"io"

	"github.com/penjire/penjire/drivers/device"
)

// The frame formats (4.3.8).
const (
	formatGray = 0
	formatRGB  = 1
)

// maxPicture bounds a picture: A4 in colour at 600 dpi has 105 MB, more than a
// small board can spare.
const maxPicture = 64 << 20

// parameters say what a picture is like.
type parameters struct {
	format, stride, width, lines, depth int // lines -1: as many as come
	last                                bool
}

// parameters reads the answer to callParameters.
func (a *answer) parameters() parameters {
	a.status()
	p := parameters{format: a.word(), last: a.word() != 0, stride: a.word(), width: a.word(), lines: a.word(), depth: a.word()}
	if !a.good() {
		return p
	}
	samples := 1
	if p.format == formatRGB {
		samples = 3
	}
	switch {
	case p.format != formatGray && p.format != formatRGB, !p.last, p.depth != 1 && p.depth != 8 && p.depth != 16:
		a.err = fmt.Errorf("picture of format %d with %d bits in several frames %v: %w", p.format, p.depth, !p.last, device.ErrUnsupported)
	case p.width < 1, p.lines < -1, p.lines == 0, p.stride < 1, p.stride > maxPicture, p.stride < (p.width*samples*p.depth+7)/8, p.width > maxPicture:
		a.wrong("picture of %d by %d dots in lines of %d bytes", p.width, p.lines, p.stride)
	case p.lines > maxPicture/p.stride:
		a.err = fmt.Errorf("picture of %d by %d dots is too large: %w", p.width, p.lines, device.ErrUnsupported)
	}
	return p
}

// endOfData is a record's length where the data ends; a status byte follows.
const endOfData = 0xFFFFFFFF

// receive reads the records of a picture (5.2.8) up to the end. It calls alive when
// there is some.
func receive(r io.Reader, p parameters, alive func()) ([]byte, error) {
	in := bufio.NewReaderSize(r, 64<<10)
	var pix []byte
	for {
		var head [4]byte
		if _, err := io.ReadFull(in, head[:]); err != nil {
			return nil, fmt.Errorf("read the picture after %d bytes: %w", len(pix), err)
		}
		n := binary.BigEndian.Uint32(head[:])
		if n == endOfData {
			s, err := in.ReadByte()
			if err != nil {
				return nil, fmt.Errorf("read how the picture ended: %w", err)
			}
			if statusError(s) != statusEOF {
				return nil, statusError(s)
			}
			break
		}
		if len(pix)+int(n) > maxPicture || n > maxPicture || p.lines > 0 && len(pix)+int(n) > p.stride*p.lines {
			return nil, fmt.Errorf("picture has more than the %d lines announced: %w", p.lines, device.ErrProtocol)
		}
		alive()
		at := len(pix)
		for left := int(n); left > 0; {
			k := min(left, 64<<10)
			pix = append(pix, make([]byte, k)...)
			if _, err := io.ReadFull(in, pix[at:at+k]); err != nil {
				return nil, fmt.Errorf("read the picture after %d bytes: %w", at, err)
			}
			alive()
			at, left = at+k, left-k
		}
	}
	if len(pix) == 0 || len(pix)%p.stride != 0 || p.lines > 0 && len(pix) != p.stride*p.lines {
		return nil, fmt.Errorf("picture has %d bytes, want %d lines of %d: %w", len(pix), p.lines, p.stride, device.ErrProtocol)
	}
	return pix, nil
}

// develop makes a picture of the bytes received. little says which byte of samples
// with 16 bits comes first.
func (p parameters) develop(pix []byte, little bool) (image.Image, error) {
	lines := len(pix) / p.stride
	high := 0 // of the two bytes of a sample
	if little {
		high = 1
	}
	samples := p.width
	if p.format == formatRGB {
		samples *= 3
	}
	sample := func(y, i int) byte {
		row := pix[y*p.stride:]
		switch {
		case p.depth == 8:
			return row[i]
		case p.depth == 16:
			return row[2*i+high]
		case p.format == formatGray: // one bit: 1 is black (4.3.8)
			return 0xFF * (1 - row[i/8]>>(7-i%8)&1)
		}
		return 0xFF * (row[i/8] >> (7 - i%8) & 1)
	}
	if p.depth == 1 && p.format == formatRGB {
		return nil, errors.Join(errors.New("colour of one bit"), device.ErrUnsupported)
	}
	if p.format == formatGray {
		m := image.NewGray(image.Rect(0, 0, p.width, lines))
		for y := range lines {
			for x := range samples {
				m.Pix[y*m.Stride+x] = sample(y, x)
			}
		}
		return m, nil
	}
	m := image.NewRGBA(image.Rect(0, 0, p.width, lines))
	for y := range lines {
		for x := range p.width {
			o := m.Pix[y*m.Stride+4*x:]
			o[0], o[1], o[2], o[3] = sample(y, 3*x), sample(y, 3*x+1), sample(y, 3*x+2), 0xFF
		}
	}
	return m, nil
}
