package paper

import (
	"fmt"
	"strings"
	"sync"

	"golang.org/x/text/unicode/norm"

	"github.com/penjire/penjire/sync/edoc/paper/pdf"
	"github.com/penjire/penjire/sync/edoc/paper/typeface"
)

// A4 and its margins, in millimetres. The left one is for a binder.
const (
	pageW, pageH = 210, 297
	left, right  = 23, 15
	inner        = pageW - left - right
	top          = 11
	bottom       = pageH - 22 // where the footer begins
)

// The colours of the product (look: paper, ink, green, carpet red, gold).
var (
	ink   = pdf.Black
	soft  = pdf.Color{R: .29, G: .325, B: .306}
	green = pdf.Color{R: .055, G: .302, B: .227}
	red   = pdf.Color{R: .557, G: .122, B: .184}
	gold  = pdf.Color{R: .851, G: .706, B: .373}
	line  = pdf.Color{R: .78, G: .75, B: .69}
	white = pdf.Color{R: 1, G: 1, B: 1}
)

type faces struct{ regular, bold, mono *pdf.Font }

var loadFaces = sync.OnceValues(func() (f faces, err error) {
	for _, x := range []struct {
		to   **pdf.Font
		name string
		ttf  []byte
	}{
		{&f.regular, "NotoSans-Regular", typeface.Regular},
		{&f.bold, "NotoSans-Bold", typeface.Bold},
		{&f.mono, "NotoSansMono-Bold", typeface.Mono},
	} {
		if *x.to, err = pdf.ParseFont(x.name, x.ttf); err != nil {
			return f, fmt.Errorf("paper: %w", err)
		}
	}
	return f, nil
})

// sheet is the paper that is being set: it grows downwards, and onto further
// pages.
type sheet struct {
	faces
	file *pdf.File
	page *pdf.Page
	y    float64
	head func() // draws the top of a page that is not the first
}

// style is how a text is set.
type style struct {
	font *pdf.Font
	size float64 // em
	ink  pdf.Color
}

const leading = 1.3

func (st style) step() float64 { return st.size * leading }

// base returns how far below a line's top its base line is.
func (st style) base() float64 {
	return (st.step() + st.font.Ascent(st.size) - st.font.Descent(st.size)) / 2
}

// turn begins a new page.
func (s *sheet) turn() {
	s.page = s.file.Page(pageW, pageH)
	s.y = top
	if s.head != nil {
		s.head()
	}
}

// need turns the page if h more does not fit on it.
func (s *sheet) need(h float64) {
	if s.y+h > bottom {
		s.turn()
	}
}

func (s *sheet) gap(h float64) { s.y += h }

// rule draws a line across.
func (s *sheet) rule(c pdf.Color, h float64) {
	s.page.Fill(c, pdf.Rect{X: left, Y: s.y, W: inner, H: h})
	s.y += h
}

// lines sets lines at x, from the top y on, and returns where they end.
func (s *sheet) lines(x, y float64, st style, ls []string) float64 {
	for _, l := range ls {
		s.page.Text(x, y+st.base(), st.font, st.size, st.ink, l)
		y += st.step()
	}
	return y
}

// text sets t across the page, and over pages.
func (s *sheet) text(t string, st style) {
	for _, l := range wrap(st, t, inner) {
		s.need(st.step())
		s.y = s.lines(left, s.y, st, []string{l})
	}
}

// row is one line of a table: what something is called, and what it is.
type row struct {
	label, value string
	marked       bool // with a sign before it
}

// table is how rows are set.
type table struct {
	label, value style
	width        float64 // of the labels' column
	pad          float64 // above and below each row
}

// cell is a row broken into lines for a table that is width wide.
type cell struct {
	labels, values []string
	height         float64
}

func (t table) cell(r row, width float64) cell {
	c := cell{labels: wrap(t.label, r.label, t.width-column), values: wrap(t.value, r.value, width-t.width)}
	c.height = max(float64(len(c.labels))*t.label.step(), float64(len(c.values))*t.value.step()) + 2*t.pad
	return c
}

// tops returns how far below a row's top its label and its value begin: both
// stand on one base line.
func (t table) tops() (label, value float64) {
	return t.pad + max(0, t.value.base()-t.label.base()), t.pad + max(0, t.label.base()-t.value.base())
}

// columns sets two tables side by side, on one page.
func (s *sheet) columns(t table, sides ...[]row) {
	const between = 6
	width := (inner - between*float64(len(sides)-1)) / float64(len(sides))
	cells := make([][]cell, len(sides))
	height := 0.0
	for i, rs := range sides {
		h := 0.0
		for _, r := range rs {
			c := t.cell(r, width)
			cells[i] = append(cells[i], c)
			h += c.height
		}
		height = max(height, h)
	}
	s.need(height)
	labelTop, valueTop := t.tops()
	for i, cs := range cells {
		x, y := left+float64(i)*(width+between), s.y
		for _, c := range cs {
			s.page.Fill(line, pdf.Rect{X: x, Y: y, W: width, H: hairline})
			s.lines(x, y+labelTop, t.label, c.labels)
			s.lines(x+t.width, y+valueTop, t.value, c.values)
			y += c.height
		}
	}
	s.y += height
}

const (
	column   = 3 // between label and value
	hairline = 0.2
)

// rows sets a table. A row stays on one page unless it is longer than a page.
func (s *sheet) rows(t table, rs []row) {
	labelTop, valueTop := t.tops()
	for i, r := range rs {
		c := t.cell(r, inner)
		if whole := c.height < bottom-40; whole && s.y+c.height > bottom {
			s.turn()
			s.rule(line, hairline)
		} else if i == 0 {
			s.rule(line, hairline)
		}
		if r.marked {
			s.page.Fill(green, pdf.Rect{X: left - 3.4, Y: s.y + labelTop + t.label.base() - 1.9, W: 1.8, H: 1.8})
		}
		end := s.lines(left, s.y+labelTop, t.label, c.labels)
		s.y += valueTop
		for _, l := range c.values {
			if s.y+t.value.step() > bottom { // longer than a page
				s.turn()
				end = s.y
			}
			s.y = s.lines(left+t.width, s.y, t.value, []string{l})
		}
		s.y = max(s.y, end) + t.pad
		s.rule(line, hairline)
	}
}

// wrap breaks t into lines no wider than width: at line ends, at spaces, and
// inside a word only when the word alone is too wide. Nothing is left out.
func wrap(st style, t string, width float64) []string {
	var out []string
	for par := range strings.SplitSeq(legible(st.font, t), "\n") {
		l := ""
		for word := range strings.SplitSeq(par, " ") {
			try := word
			if l != "" {
				try = l + " " + word
			}
			if st.font.Width(try, st.size) <= width {
				l = try
				continue
			}
			if l != "" {
				out = append(out, l)
			}
			l = ""
			for _, r := range word {
				if l != "" && st.font.Width(l+string(r), st.size) > width {
					out = append(out, l)
					l = ""
				}
				l += string(r)
			}
		}
		out = append(out, l)
	}
	for len(out) > 0 && out[len(out)-1] == "" {
		out = out[:len(out)-1]
	}
	return out
}

// legible returns t with its letters composed, and with the Unicode number in
// brackets of what the font has no letter for: on a certified copy nothing may
// be left out, or hidden in a sign that shows nothing.
func legible(f *pdf.Font, t string) string {
	var b strings.Builder
	for _, r := range norm.NFC.String(t) {
		switch {
		case r == '\n' || f.Has(r):
			_, _ = b.WriteRune(r)
		case r == '\t' || r == '\r':
			_ = b.WriteByte(' ')
		default:
			_, _ = fmt.Fprintf(&b, "[U+%04X]", r)
		}
	}
	return b.String()
}
