package printer

import (
	"image"
	"image/color"
	"sync"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gomono"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
	"golang.org/x/text/encoding/charmap"
)

// Font A: cells of 12 by 24 dots, lines of 30.
const (
	cellWidth      = 12
	cellHeight     = 24
	defaultSpacing = 30
)

// tables are the code pages by their ESC t numbers. All Turkmen letters are in
// 18, all Russian ones in 17.
var tables = map[byte]*charmap.Charmap{
	0: charmap.CodePage437, 2: charmap.CodePage850, 17: charmap.CodePage866, 18: charmap.CodePage852,
	16: charmap.Windows1252, 45: charmap.Windows1250, 46: charmap.Windows1251,
}

// text is the state of text commands and the line being set.
type text struct {
	width      int // of the paper, in dots
	table      *charmap.Charmap
	align      byte // 0 left, 1 centre, 2 right
	bold       bool
	wide, high int
	spacing    int
	line       []glyph
}

// glyph is one letter as it was set.
type glyph struct {
	r          rune
	bold       bool
	wide, high int
}

func newText(width int) text {
	return text{width: width, table: tables[0], wide: 1, high: 1, spacing: defaultSpacing}
}

func (t *text) setTable(n byte) {
	if c, ok := tables[n]; ok {
		t.table = c
	}
}

// lineWidth is how many dots the line takes.
func (t *text) lineWidth() int {
	n := 0
	for _, g := range t.line {
		n += g.wide * cellWidth
	}
	return n
}

// left is where something of that many dots begins.
func (t *text) left(dots int) int {
	free := max(0, t.width-dots)
	switch t.align {
	case 1:
		return free / 2
	case 2:
		return free
	}
	return 0
}

// place returns a row as wide as the paper with b, of dots dots, each printed
// xs times, in it. What does not fit is not printed.
func (t *text) place(b []byte, dots, xs int) []byte {
	row := make([]byte, stride(t.width))
	x0 := t.left(dots * xs)
	if x0 == 0 && xs == 1 {
		copy(row, b)
		mask(row, t.width)
		return row
	}
	for x := range dots * xs {
		if at := x0 + x; at < t.width && b[x/xs/8]&(0x80>>(x/xs%8)) != 0 {
			row[at/8] |= 0x80 >> (at % 8)
		}
	}
	return row
}

// mask clears the bits of row that are beyond width.
func mask(row []byte, width int) {
	if width%8 != 0 {
		row[len(row)-1] &= 0xFF << (8 - width%8)
	}
}

// char sets one letter; a full line is printed first.
func (in *interpreter) char(b byte) error {
	g := glyph{in.t.table.DecodeByte(b), in.t.bold, in.t.wide, in.t.high}
	if in.t.lineWidth()+g.wide*cellWidth > in.t.width {
		if err := in.newline(); err != nil {
			return err
		}
	}
	in.t.line = append(in.t.line, g)
	return nil
}

// newline prints the line, or feeds an empty one.
func (in *interpreter) newline() error {
	if len(in.t.line) == 0 {
		return in.m.feed(in.t.spacing)
	}
	return in.flushLine()
}

// flushLine prints what is set, if anything is.
func (in *interpreter) flushLine() error {
	if len(in.t.line) == 0 {
		return nil
	}
	high := 1
	for _, g := range in.t.line {
		high = max(high, g.high)
	}
	rows := high * cellHeight
	x := in.t.left(in.t.lineWidth())
	img := image.NewGray(image.Rect(0, 0, in.t.width, rows))
	for _, g := range in.t.line {
		draw(img, x, rows-g.high*cellHeight, g)
		x += g.wide * cellWidth
	}
	in.t.line = nil
	for y := range rows {
		row := make([]byte, stride(in.t.width))
		for x := range in.t.width {
			if img.Pix[y*img.Stride+x] > 0x60 {
				row[x/8] |= 0x80 >> (x % 8)
			}
		}
		if err := in.m.row(row); err != nil {
			return err
		}
	}
	return in.m.feed(max(0, in.t.spacing-cellHeight))
}

// face is the letters' shape, parsed when first needed. Go Mono has Latin
// Extended-A and Cyrillic.
var face = sync.OnceValue(func() font.Face {
	f, err := opentype.Parse(gomono.TTF)
	if err == nil {
		var ff font.Face
		if ff, err = opentype.NewFace(f, &opentype.FaceOptions{Size: 20, DPI: 72, Hinting: font.HintingFull}); err == nil {
			return ff
		}
	}
	panic(err) // the font is part of the program
})

// drawing keeps one user of face at a time: faces have a cache.
var drawing sync.Mutex

// draw draws g with its upper left corner at x, y.
func draw(dst *image.Gray, x, y int, g glyph) {
	drawing.Lock()
	defer drawing.Unlock()
	cell := image.NewGray(image.Rect(0, 0, cellWidth, cellHeight))
	times := 1
	if g.bold {
		times = 2
	}
	for i := range times {
		d := font.Drawer{Dst: cell, Src: image.NewUniform(color.White), Face: face(), Dot: fixed.P(i, 18)}
		d.DrawString(string(g.r))
	}
	for cy := range cellHeight * g.high {
		for cx := range cellWidth * g.wide {
			if at := (image.Point{x + cx, y + cy}); at.In(dst.Rect) {
				dst.SetGray(at.X, at.Y, cell.GrayAt(cx/g.wide, cy/g.high))
			}
		}
	}
}
