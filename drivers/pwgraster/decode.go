package pwgraster

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"io"
)

// Decoder reads a document.
type Decoder struct {
	r       *bufio.Reader
	started bool
	// MaxDots bounds a page; 0: MaxSide in both directions. A header of 1.8 kB may
	// ask for much memory otherwise.
	MaxDots int
}

// NewDecoder returns a decoder that reads from r.
func NewDecoder(r io.Reader) *Decoder { return &Decoder{r: bufio.NewReader(r)} }

// Decode reads the next page, or io.EOF after the last. A page cut short is
// io.ErrUnexpectedEOF.
func (d *Decoder) Decode() (Header, image.Image, error) {
	if !d.started {
		var b [len(syncWord)]byte
		if _, err := io.ReadFull(d.r, b[:]); err != nil || string(b[:]) != syncWord {
			return Header{}, nil, fmt.Errorf("pwgraster: read synchronization word: %w", errors.Join(ErrFormat, err))
		}
		d.started = true
	}
	head := make([]byte, headerSize)
	if _, err := io.ReadFull(d.r, head); err == io.EOF {
		return Header{}, nil, io.EOF
	} else if err != nil {
		return Header{}, nil, fmt.Errorf("pwgraster: read page header: %w", err)
	}
	h, err := d.parse(head)
	if err != nil {
		return Header{}, nil, err
	}
	stride := h.Width * h.depth()
	pix := make([]byte, 0, min(stride*h.Height, 1<<20))
	line := make([]byte, stride)
	for y := 0; y < h.Height; {
		n, err := d.r.ReadByte()
		if err == nil {
			err = unpack(d.r, line, h.depth())
		}
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return Header{}, nil, fmt.Errorf("pwgraster: read line %d: %w", y, err)
		}
		if y+int(n)+1 > h.Height {
			return Header{}, nil, fmt.Errorf("pwgraster: read line %d: repeats beyond the page: %w", y, ErrFormat)
		}
		for range int(n) + 1 {
			pix = append(pix, line...)
			y++
		}
	}
	if !h.Color {
		return h, &image.Gray{Pix: pix, Stride: stride, Rect: image.Rect(0, 0, h.Width, h.Height)}, nil
	}
	img := image.NewRGBA(image.Rect(0, 0, h.Width, h.Height))
	for i := range h.Width * h.Height {
		copy(img.Pix[4*i:], []byte{pix[3*i], pix[3*i+1], pix[3*i+2], 0xFF})
	}
	return h, img, nil
}

func (d *Decoder) parse(b []byte) (Header, error) {
	get := func(at int) int { return int(binary.BigEndian.Uint32(b[at:])) }
	name, _, _ := bytes.Cut(b[atSizeName:], []byte{0})
	h := Header{
		DPI: get(atResolution), Width: get(atWidth), Height: get(atHeight), Color: get(atSpace) == spaceSRGB,
		Pages: get(atPages), SizeName: string(name),
	}
	most := d.MaxDots
	if most == 0 {
		most = MaxSide * MaxSide
	}
	switch {
	case string(b[:10]) != "PwgRaster\x00",
		get(atSpace) != spaceSRGB && get(atSpace) != spaceGray,
		get(atBitsColor) != 8, get(atBitsPixel) != 8*h.depth(),
		h.Width < 1, h.Height < 1, h.Width > MaxSide, h.Height > MaxSide, h.Width > most/h.Height,
		get(atLineBytes) != h.Width*h.depth(), h.DPI < 1, get(atResolution+4) != h.DPI:
		return Header{}, fmt.Errorf("pwgraster: page header %+v: %w", h, ErrFormat)
	}
	return h, nil
}

// unpack fills line from the runs of r.
func unpack(r *bufio.Reader, line []byte, depth int) error {
	for at := 0; at < len(line); {
		c, err := r.ReadByte()
		if err != nil {
			return err
		}
		n := (int(c) + 1) * depth
		switch {
		case c == 128: // the rest of the line is white
			for ; at < len(line); at++ {
				line[at] = 0xFF
			}
			continue
		case c > 128:
			n = (257 - int(c)) * depth
		}
		if at+n > len(line) {
			return fmt.Errorf("run of %d bytes at %d of %d: %w", n, at, len(line), ErrFormat)
		}
		if c > 128 {
			if _, err := io.ReadFull(r, line[at:at+n]); err != nil {
				return err
			}
		} else {
			if _, err := io.ReadFull(r, line[at:at+depth]); err != nil {
				return err
			}
			for i := depth; i < n; i++ {
				line[at+i] = line[at+i-depth]
			}
		}
		at += n
	}
	return nil
}
