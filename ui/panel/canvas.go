package panel

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"strings"

	"golang.org/x/image/font"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"
)

// weight names one of the fonts.
type weight int

const (
	regular weight = iota
	bold
	mono
)

// faces are the letters, by font and size in pixels.
type faces struct {
	fonts [3]*sfnt.Font
	made  map[weight]map[int]font.Face
}

func parseFonts(f Fonts) (*faces, error) {
	out := &faces{made: map[weight]map[int]font.Face{regular: {}, bold: {}, mono: {}}}
	for i, b := range [][]byte{f.Regular, f.Bold, f.Mono} {
		var err error
		if out.fonts[i], err = opentype.Parse(b); err != nil {
			return nil, fmt.Errorf("panel: read font %d of 3: %w", i+1, err)
		}
	}
	return out, nil
}

// keptSizes bounds how many sizes of a font are kept; looking for the size that fits
// goes through many.
const keptSizes = 24

func (f *faces) face(w weight, px int) font.Face {
	if m := f.made[w][px]; m != nil {
		return m
	}
	if len(f.made[w]) >= keptSizes {
		clear(f.made[w])
	}
	// It fails only for a size below zero, and there is none.
	m, err := opentype.NewFace(f.fonts[w], &opentype.FaceOptions{Size: float64(max(px, 1)), DPI: 72, Hinting: font.HintingFull})
	if err != nil {
		panic("panel: make letters: " + err.Error())
	}
	f.made[w][px] = m
	return m
}

// canvas is a picture that is being drawn.
type canvas struct {
	img   *image.RGBA
	faces *faces
}

func (p *Painter) canvas(img *image.RGBA) *canvas { return &canvas{img, p.faces} }

func (c *canvas) fill(r image.Rectangle, col color.RGBA) {
	draw.Draw(c.img, r, image.NewUniform(col), image.Point{}, draw.Src)
}

// frameOf draws a frame of n pixels inside r.
func (c *canvas) frameOf(r image.Rectangle, n int, col color.RGBA) {
	c.fill(image.Rect(r.Min.X, r.Min.Y, r.Max.X, r.Min.Y+n), col)
	c.fill(image.Rect(r.Min.X, r.Max.Y-n, r.Max.X, r.Max.Y), col)
	c.fill(image.Rect(r.Min.X, r.Min.Y, r.Min.X+n, r.Max.Y), col)
	c.fill(image.Rect(r.Max.X-n, r.Min.Y, r.Max.X, r.Max.Y), col)
}

// polygon fills the polygon whose corners are given in parts of r.
func (c *canvas) polygon(r image.Rectangle, col color.RGBA, corners ...[2]float32) {
	z := vector.NewRasterizer(r.Dx(), r.Dy())
	for i, p := range corners {
		x, y := p[0]*float32(r.Dx()), p[1]*float32(r.Dy())
		if i == 0 {
			z.MoveTo(x, y)
		} else {
			z.LineTo(x, y)
		}
	}
	z.ClosePath()
	z.Draw(c.img, r, image.NewUniform(col), image.Point{})
}

func (c *canvas) width(w weight, px int, s string) int {
	return font.MeasureString(c.faces.face(w, px), s).Ceil()
}

// lead is the distance of two lines, in hundredths of the letters' size.
const lead = 130

func step(px int) int { return px * lead / 100 }

// say sets s with its line's upper edge at y.
func (c *canvas) say(w weight, px, x, y int, col color.RGBA, s string) {
	f := c.faces.face(w, px)
	m := f.Metrics()
	base := y + (step(px)+m.Ascent.Round()-m.Descent.Round())/2
	d := font.Drawer{Dst: c.img, Src: image.NewUniform(col), Face: f, Dot: fixed.P(x, base)}
	d.DrawString(s)
}

// wrap parts s into lines of at most width pixels; false: a word is longer.
func (c *canvas) wrap(w weight, px, width int, s string) (lines []string, ok bool) {
	ok = true
	line := ""
	for word := range strings.FieldsSeq(s) {
		if line != "" && c.width(w, px, line+" "+word) <= width {
			line += " " + word
			continue
		}
		if line != "" {
			lines = append(lines, line)
		}
		line = word
		ok = ok && c.width(w, px, word) <= width
	}
	return append(lines, line), ok
}
