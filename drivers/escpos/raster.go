package escpos

import (
	"fmt"
	"image"
	"image/color"
	"slices"
)

// bandRows is how many rows one command for pictures carries. Between bands the driver can
// stop without leaving the printer in the middle of a picture.
const bandRows = 24

// maxRows bounds a job: four metres at 203 dpi.
const maxRows = 32000

// pack returns img as rows of bits, 1 for ink, each row in whole bytes. Pixels
// darker than half, and not transparent, are ink.
func pack(img image.Image, width int) ([]byte, int, error) {
	r := img.Bounds()
	if r.Dx() != width || r.Dy() < 1 || r.Dy() > maxRows {
		return nil, 0, fmt.Errorf("got a picture of %d × %d dots, want %d × 1 to %d", r.Dx(), r.Dy(), width, maxRows)
	}
	ink := inkOf(img)
	stride := (width + 7) / 8
	out := make([]byte, stride*r.Dy())
	for y := range r.Dy() {
		row := out[y*stride:]
		for x := range width {
			if ink(r.Min.X+x, r.Min.Y+y) {
				row[x/8] |= 0x80 >> (x % 8)
			}
		}
	}
	return out, r.Dy(), nil
}

// inkOf returns the test for ink in img, without a colour conversion for each
// dot where the kind of picture allows.
func inkOf(img image.Image) func(x, y int) bool {
	switch m := img.(type) {
	case *image.Gray:
		return func(x, y int) bool { return m.Pix[m.PixOffset(x, y)] < 0x80 }
	case *image.Paletted:
		dark := make([]bool, 256)
		for i, c := range m.Palette {
			dark[i] = isInk(c)
		}
		return func(x, y int) bool { return dark[m.Pix[m.PixOffset(x, y)]] }
	}
	return func(x, y int) bool { return isInk(img.At(x, y)) }
}

func isInk(c color.Color) bool {
	if _, _, _, a := c.RGBA(); a < 0x8000 {
		return false
	}
	return color.GrayModel.Convert(c).(color.Gray).Y < 0x80
}

// sheet is what a job prints: pieces between which it can stop, and how many
// rows of paper they take.
type sheet struct {
	pieces [][]byte
	rows   int
}

// bands appends rows of stride bytes to s, in the printer's command for
// pictures.
func (s *sheet) bands(r Raster, bits []byte, stride int) {
	for len(bits) > 0 {
		n := min(bandRows*stride, len(bits))
		s.pieces = append(s.pieces, band(r, bits[:n], stride))
		s.rows += n / stride
		bits = bits[n:]
	}
}

// band returns the command that prints up to bandRows rows of stride bytes.
func band(r Raster, bits []byte, stride int) []byte {
	rows := len(bits) / stride
	size := []byte{byte(stride * 8), byte(stride * 8 >> 8), byte(rows), byte(rows >> 8)}
	store := append([]byte{0x30, 112, 0x30, 1, 1, 0x31}, size...) // as it is, one colour
	print := []byte{0x1D, '(', 'L', 2, 0, 0x30, 50}
	n := len(store) + len(bits)
	switch r {
	case RasterGSL:
		return slices.Concat([]byte{0x1D, '(', 'L', byte(n), byte(n >> 8)}, store, bits, print)
	case RasterGS8L:
		return slices.Concat([]byte{0x1D, '8', 'L', byte(n), byte(n >> 8), 0, 0}, store, bits, print)
	case RasterColumns:
		return columns(bits, stride)
	}
	return append([]byte{0x1D, 'v', '0', 0, byte(stride), byte(stride >> 8), byte(rows), byte(rows >> 8)}, bits...)
}

// columns returns a strip of 24 rows, column by column, and the feed past it;
// white rows are only fed.
func columns(bits []byte, stride int) []byte {
	rows := len(bits) / stride
	if !slices.ContainsFunc(bits, func(b byte) bool { return b != 0 }) {
		return []byte{0x1B, 'J', byte(rows)}
	}
	dots := stride * 8
	b := []byte{0x1B, '3', bandRows, 0x1B, '*', 33, byte(dots), byte(dots >> 8)}
	at := len(b)
	b = append(b, make([]byte, 3*dots)...)
	for y := range rows {
		for x := range dots {
			if bits[y*stride+x/8]&(0x80>>(x%8)) != 0 {
				b[at+3*x+y/8] |= 0x80 >> (y % 8)
			}
		}
	}
	return append(b, 0x0A)
}
