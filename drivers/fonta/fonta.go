// Package fonta draws letters as dots in the cells of Font A, 12 by 24 dots, the
// font that receipt printers begin with. A driver draws with it what a printer
// has no letter for; an emulated printer draws with it everything. It has the
// Latin letters of Turkmen, the Russian ones, and all others of the code pages
// that receipts need.
//
// # Reference
//
// Epson, "ESC/POS Command Reference": ESC M, GS !. The letters are Go Mono's.
package fonta

import (
	"image"
	"image/color"
	"sync"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gomono"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
)

// A cell is that many dots wide and high.
const (
	Width  = 12
	Height = 24
)

// Letter is one letter as it is set: Wide and High say how many times its cell.
type Letter struct {
	Rune       rune
	Bold       bool
	Wide, High int
}

// Measure returns how many dots a line of letters is wide and high.
func Measure(line []Letter) (width, height int) {
	for _, l := range line {
		width += l.Wide * Width
		height = max(height, l.High*Height)
	}
	return width, height
}

// Paint sets line into a picture of bits, rows of stride bytes, 1 for ink. The
// first letter begins at dot x; all stand on the last row. What is outside the
// picture is not painted. A letter that there is not (Has) leaves a gap.
func Paint(bits []byte, stride, x int, line []Letter) {
	rows := len(bits) / stride
	for _, l := range line {
		c := cellOf(l.Rune, l.Bold)
		top := rows - l.High*Height
		for y := range l.High * Height {
			for dx := range l.Wide * Width {
				at, row := x+dx, top+y
				if c[y/l.High]&(1<<(Width-1-dx/l.Wide)) != 0 && at >= 0 && at < stride*8 && row >= 0 {
					bits[row*stride+at/8] |= 0x80 >> (at % 8)
				}
			}
		}
		x += l.Wide * Width
	}
}

// Has reports whether r can be painted.
func Has(r rune) bool {
	if r == ' ' || r == 0xA0 {
		return true
	}
	drawing.Lock()
	defer drawing.Unlock()
	var b sfnt.Buffer
	i, err := letters().font.GlyphIndex(&b, r)
	return err == nil && i != 0 && r > ' '
}

// cell is a letter's dots, a row a number, the leftmost dot in bit 11.
type cell [Height]uint16

type key struct {
	r    rune
	bold bool
}

// shapes are the letters' shapes and those drawn already.
type shapes struct {
	font  *sfnt.Font
	face  font.Face
	drawn map[key]cell
}

// maxDrawn bounds the letters kept: more than all code pages have.
const maxDrawn = 2048

// letters are parsed when first needed.
var letters = sync.OnceValue(func() *shapes {
	f, err := opentype.Parse(gomono.TTF)
	if err == nil {
		var ff font.Face
		if ff, err = opentype.NewFace(f, &opentype.FaceOptions{Size: 20, DPI: 72, Hinting: font.HintingFull}); err == nil {
			return &shapes{f, ff, map[key]cell{}}
		}
	}
	panic(err) // the font is part of the program
})

// drawing keeps one user of letters at a time.
var drawing sync.Mutex

// baseline is the row that letters stand on.
const baseline = 18

func cellOf(r rune, bold bool) cell {
	if !Has(r) {
		return cell{}
	}
	drawing.Lock()
	defer drawing.Unlock()
	s := letters()
	if c, ok := s.drawn[key{r, bold}]; ok {
		return c
	}
	img := image.NewGray(image.Rect(0, 0, Width, Height))
	times := 1
	if bold {
		times = 2
	}
	for i := range times {
		d := font.Drawer{Dst: img, Src: image.NewUniform(color.White), Face: s.face, Dot: fixed.P(i, baseline)}
		d.DrawString(string(r))
	}
	var c cell
	for y := range Height {
		for x := range Width {
			if img.GrayAt(x, y).Y > 0x60 {
				c[y] |= 1 << (Width - 1 - x)
			}
		}
	}
	if len(s.drawn) < maxDrawn {
		s.drawn[key{r, bold}] = c
	}
	return c
}
