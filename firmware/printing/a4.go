package printing

import (
	"fmt"
	"image"
	"image/color"

	"golang.org/x/image/draw"

	"github.com/penjire/penjire/drivers/device"
)

// A4 in dots at the resolution that papers are drawn in, and the column in its middle
// that they are drawn for: as wide as a page of text, where a line is still read.
const (
	a4DPI    = 300
	a4Small  = 255 // what is drawn for so many is smaller by a seventh; most that is too long then fits
	a4Width  = 210 * a4DPI * 10 / 254
	a4Height = 297 * a4DPI * 10 / 254
	a4Column = 140 * a4DPI * 10 / 254
	a4Margin = 12 * a4DPI * 10 / 254 // above and below
)

// OnA4 returns what paint draws, a paper for the roll, as the pages of a document: for
// printers of sheets that take pictures only, and for papers that there is no PDF of.
func OnA4(paint func(width, dpi int) (image.Image, error)) (device.Document, error) {
	const high = a4Height - 2*a4Margin
	strip, err := paint(a4Column, a4DPI)
	if err == nil && strip.Bounds().Dy() > high {
		strip, err = paint(a4Column, a4Small)
	}
	if err != nil {
		return device.Document{}, err
	}
	var pages []image.Image
	for top := strip.Bounds().Min.Y; top < strip.Bounds().Max.Y; {
		end := cut(strip, top, high)
		pages = append(pages, sheetOf(strip, top, end))
		top = end
	}
	if len(pages) == 0 {
		return device.Document{}, fmt.Errorf("printing: a paper of %v has no pages", strip.Bounds().Size())
	}
	return device.Document{
		Name: "penjire", Pages: len(pages), Pictures: len(pages),
		Page: func(i, dpi int) (image.Image, error) { return scaled(pages[i], dpi), nil },
	}, nil
}

// cut returns where a page that begins at top ends, at most high rows below: between
// two lines, where there is a row without ink in the lower half.
func cut(m image.Image, top, high int) int {
	b := m.Bounds()
	if top+high >= b.Max.Y {
		return b.Max.Y
	}
	for y := top + high; y > top+high/2; y-- {
		if blank(m, y-1) && blank(m, y) {
			return y
		}
	}
	return top + high
}

func blank(m image.Image, y int) bool {
	for x := m.Bounds().Min.X; x < m.Bounds().Max.X; x++ {
		if color.GrayModel.Convert(m.At(x, y)).(color.Gray).Y < 0x80 {
			return false
		}
	}
	return true
}

// sheetOf puts the rows from top to end on a sheet.
func sheetOf(m image.Image, top, end int) image.Image {
	out := image.NewGray(image.Rect(0, 0, a4Width, a4Height))
	for i := range out.Pix {
		out.Pix[i] = 0xFF
	}
	b := m.Bounds()
	at := image.Rect(0, 0, b.Dx(), end-top).Add(image.Pt((a4Width-b.Dx())/2, a4Margin))
	draw.Draw(out, at, m, image.Pt(b.Min.X, top), draw.Src)
	return out
}

// scaled returns a sheet at another resolution.
func scaled(m image.Image, dpi int) image.Image {
	if dpi == a4DPI {
		return m
	}
	out := image.NewGray(image.Rect(0, 0, 210*dpi*10/254, 297*dpi*10/254))
	draw.ApproxBiLinear.Scale(out, out.Rect, m, m.Bounds(), draw.Src, nil)
	return out
}
