package escpos

import (
	"fmt"
	"image"
	"image/color"
)

// bandRows is how many rows one GS v 0 carries. Between bands the driver can
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

// band returns the command that prints rows of stride bytes.
func band(bits []byte, stride int) []byte {
	rows := len(bits) / stride
	b := []byte{0x1D, 'v', '0', 0, byte(stride), byte(stride >> 8), byte(rows), byte(rows >> 8)}
	return append(b, bits...)
}
