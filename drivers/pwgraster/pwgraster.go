// Package pwgraster writes and reads pages as PWG Raster, the pictures that
// every IPP Everywhere printer takes. Pages are grey, 8 bits a dot, or colour, 24.
//
// # Reference
//
// PWG 5102.4-2012, "PWG Raster Format": synchronization word (4.1), page header
// (4.3), page data (4.4). Where it names a field, so does this code.
package pwgraster

import (
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"io"
)

const (
	syncWord   = "RaS2"
	headerSize = 1796
	// The numbers of ColorSpace (table 4) that we know.
	spaceSRGB = 19
	spaceGray = 18 // sGray
	// MaxSide bounds both sides of a page: A3 at 1200 dpi, and more.
	MaxSide = 20000
)

// Where the fields of a page header are.
const (
	atName       = 0 // "PwgRaster"
	atResolution = 276
	atCopies     = 340
	atSize       = 352 // in points
	atWidth      = 372
	atHeight     = 376
	atBitsColor  = 384
	atBitsPixel  = 388
	atLineBytes  = 392
	atSpace      = 400
	atColors     = 420
	atPages      = 452
	atCross      = 456
	atFeed       = 460
	atSizeName   = 1732
)

// Header is what a page says of itself.
type Header struct {
	DPI      int
	Width    int // dots
	Height   int
	Color    bool   // sRGB, 24 bits; otherwise sGray, 8 bits
	Pages    int    // in the whole document; 0: unknown
	SizeName string // PWG 5101.1 self-describing name, such as iso_a4_210x297mm
}

func (h Header) depth() int {
	if h.Color {
		return 3
	}
	return 1
}

// Encoder writes a document.
type Encoder struct {
	w       io.Writer
	started bool
}

// NewEncoder returns an encoder that writes to w.
func NewEncoder(w io.Writer) *Encoder { return &Encoder{w: w} }

// Encode writes img as one page. Its Width and Height must be the picture's.
func (e *Encoder) Encode(h Header, img image.Image) error {
	b := img.Bounds()
	if h.Width != b.Dx() || h.Height != b.Dy() || h.Width < 1 || h.Height < 1 || h.Width > MaxSide || h.Height > MaxSide || h.DPI < 1 || len(h.SizeName) > 63 {
		return fmt.Errorf("pwgraster: encode page: got %+v for a picture of %v", h, b)
	}
	head := h.marshal()
	if !e.started {
		e.started = true
		head = append([]byte(syncWord), head...)
	}
	if _, err := e.w.Write(head); err != nil {
		return fmt.Errorf("pwgraster: write page header: %w", err)
	}
	line, before := make([]byte, h.Width*h.depth()), []byte(nil)
	same := 0 // lines that repeat before, besides the first
	var out []byte
	flush := func() {
		if before != nil {
			out = append(out, byte(same))
			out = pack(out, before, h.depth())
		}
	}
	for y := range h.Height {
		row(line, img, b.Min.X, b.Min.Y+y, h.Color)
		if before != nil && same < 255 && string(before) == string(line) {
			same++
			continue
		}
		flush()
		before, same = append(before[:0], line...), 0
		if len(out) > 1<<15 {
			if _, err := e.w.Write(out); err != nil {
				return fmt.Errorf("pwgraster: write line %d: %w", y, err)
			}
			out = out[:0]
		}
	}
	flush()
	if _, err := e.w.Write(out); err != nil {
		return fmt.Errorf("pwgraster: write page: %w", err)
	}
	return nil
}

func (h Header) marshal() []byte {
	b := make([]byte, headerSize)
	put := func(at, v int) { binary.BigEndian.PutUint32(b[at:], uint32(v)) }
	copy(b[atName:], "PwgRaster")
	put(atResolution, h.DPI)
	put(atResolution+4, h.DPI)
	put(atCopies, 1)
	put(atSize, (h.Width*72+h.DPI/2)/h.DPI)
	put(atSize+4, (h.Height*72+h.DPI/2)/h.DPI)
	put(atWidth, h.Width)
	put(atHeight, h.Height)
	put(atBitsColor, 8)
	put(atBitsPixel, 8*h.depth())
	put(atLineBytes, h.Width*h.depth())
	put(atSpace, spaceGray)
	if h.Color {
		put(atSpace, spaceSRGB)
	}
	put(atColors, h.depth())
	put(atPages, h.Pages)
	put(atCross, 1)
	put(atFeed, 1)
	copy(b[atSizeName:], h.SizeName)
	return b
}

// row fills line with a row of img.
func row(line []byte, img image.Image, x0, y int, inColor bool) {
	if g, ok := img.(*image.Gray); ok && !inColor {
		copy(line, g.Pix[g.PixOffset(x0, y):])
		return
	}
	if !inColor {
		for x := range line {
			line[x] = color.GrayModel.Convert(img.At(x0+x, y)).(color.Gray).Y
		}
		return
	}
	for x := range len(line) / 3 {
		r, g, b, _ := img.At(x0+x, y).RGBA()
		line[3*x], line[3*x+1], line[3*x+2] = byte(r>>8), byte(g>>8), byte(b>>8)
	}
}

// pack appends line in the runs of section 4.4: 0 to 127 and a pixel, which
// comes once more than the number says; 129 to 255 and 257 less that many pixels.
func pack(out, line []byte, depth int) []byte {
	n := len(line) / depth
	px := func(i int) []byte { return line[i*depth : (i+1)*depth] }
	run := func(i int) int { // how many pixels from i on are the same
		k := 1
		for i+k < n && k < 128 && string(px(i+k)) == string(px(i)) {
			k++
		}
		return k
	}
	for i := 0; i < n; {
		if k := run(i); k > 1 || i == n-1 {
			out = append(append(out, byte(k-1)), px(i)...)
			i += k
			continue
		}
		k := 1
		for i+k < n && k < 128 && run(i+k) == 1 {
			k++
		}
		if k == 1 {
			out = append(append(out, 0), px(i)...)
		} else {
			out = append(append(out, byte(257-k)), line[i*depth:(i+k)*depth]...)
		}
		i += k
	}
	return out
}

// ErrFormat is what is no PWG Raster, or one of a kind that is not read here.
var ErrFormat = errors.New("not a PWG raster of grey or colour pages")
