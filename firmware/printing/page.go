package printing

import (
	"fmt"
	"image"
	"image/color"
	"math"
	"strings"
	"sync"

	"golang.org/x/image/font"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"

	"github.com/penjire/penjire/sync/edoc/paper/typeface"
)

// The faces of a paper.
const (
	regular = "NotoSans-Regular"
	bold    = "NotoSans-Bold"
	mono    = "NotoSansMono-Bold"
)

var parsed = sync.OnceValues(func() (map[string]*sfnt.Font, error) {
	out := map[string]*sfnt.Font{}
	for n, b := range map[string][]byte{regular: typeface.Regular, bold: typeface.Bold, mono: typeface.Mono} {
		var err error
		if out[n], err = opentype.Parse(b); err != nil {
			return nil, fmt.Errorf("printing: parse font %s: %w", n, err)
		}
	}
	return out, nil
})

// page is a strip of paper that grows downwards. Lengths are in millimetres
// unless they are called dots. The first error stays; drawing after it does nothing.
type page struct {
	img    *image.Gray // dots; taller than needed, cut at the end
	dpmm   float64     // dots per millimetre
	y      int         // dots: where the next thing goes
	margin int         // dots on either side
	faces  map[faceKey]font.Face
	err    error
}

type faceKey struct {
	name string
	size float64
}

// maxHeight bounds a paper: half a metre is more than anyone wants to hold.
const maxHeight = 500

func newPage(width, dpi int) *page {
	p := &page{dpmm: float64(dpi) / 25.4, faces: map[faceKey]font.Face{}}
	if width < 300 || width > 2000 || dpi < 150 || dpi > 400 {
		p.err = fmt.Errorf("printing: lay out: got %d dots at %d dpi, want 300 to 2000 at 150 to 400", width, dpi)
		return p
	}
	p.img = image.NewGray(image.Rect(0, 0, width, p.dots(maxHeight)))
	for i := range p.img.Pix {
		p.img.Pix[i] = 0xFF
	}
	p.margin = p.dots(2)
	return p
}

func (p *page) dots(mm float64) int { return int(math.Round(mm * p.dpmm)) }

// inner returns how many dots a line has between the margins.
func (p *page) inner() int { return p.img.Rect.Dx() - 2*p.margin }

// face returns the face with that em size.
func (p *page) face(name string, mm float64) font.Face {
	k := faceKey{name, mm}
	if f, ok := p.faces[k]; ok {
		return f
	}
	all, err := parsed()
	if err == nil {
		var f font.Face
		if f, err = opentype.NewFace(all[name], &opentype.FaceOptions{Size: mm * p.dpmm, DPI: 72, Hinting: font.HintingFull}); err == nil {
			p.faces[k] = f
			return f
		}
	}
	if p.err == nil {
		p.err = fmt.Errorf("printing: face %s of %v mm: %w", name, mm, err)
	}
	return nil
}

// gap moves down.
func (p *page) gap(mm float64) { p.y += p.dots(mm) }

// fill blackens (or whitens) a rectangle of dots.
func (p *page) fill(x, y, w, h int, c color.Gray) {
	r := image.Rect(x, y, x+w, y+h).Intersect(p.img.Rect)
	for yy := r.Min.Y; yy < r.Max.Y; yy++ {
		row := p.img.Pix[yy*p.img.Stride:]
		for xx := r.Min.X; xx < r.Max.X; xx++ {
			row[xx] = c.Y
		}
	}
}

var (
	black = color.Gray{Y: 0}
	white = color.Gray{Y: 0xFF}
)

// rule draws a line across.
func (p *page) rule(mm float64) {
	h := max(p.dots(mm), 1)
	p.fill(p.margin, p.y, p.inner(), h, black)
	p.y += h
}

// frame draws a rectangle's border, w dots wide.
func (p *page) frame(r image.Rectangle, w int) {
	p.fill(r.Min.X, r.Min.Y, r.Dx(), w, black)
	p.fill(r.Min.X, r.Max.Y-w, r.Dx(), w, black)
	p.fill(r.Min.X, r.Min.Y, w, r.Dy(), black)
	p.fill(r.Max.X-w, r.Min.Y, w, r.Dy(), black)
}

// style is how a text is set.
type style struct {
	face   string
	size   float64 // mm, the em
	center bool
	invert bool // white on black, over the whole width
	indent int  // dots from the left margin
	width  int  // dots; 0: up to the right margin
}

// leading is the distance between base lines in ems.
const leading = 1.28

// text sets s in lines that fit, and moves below them.
func (p *page) text(s string, st style) {
	if p.err != nil || s == "" {
		return
	}
	f := p.face(st.face, st.size)
	if f == nil {
		return
	}
	width := st.width
	if width == 0 {
		width = p.inner() - st.indent
	}
	lines := wrap(f, s, width)
	step := p.dots(st.size * leading)
	pad := 0
	if st.invert {
		pad = p.dots(1.2)
		p.fill(p.margin, p.y, p.inner(), len(lines)*step+2*pad, black)
	}
	p.y += pad
	m := f.Metrics()
	// Ascent and descent of Noto Sans leave room for accents above capitals.
	base := (step + m.Ascent.Round() - m.Descent.Round()) / 2
	for _, l := range lines {
		x := p.margin + st.indent
		if st.center {
			x += (width - font.MeasureString(f, l).Ceil()) / 2
		}
		p.line(f, l, x, p.y+base, st.invert)
		p.y += step
		if p.y >= p.img.Rect.Dy() {
			p.err = fmt.Errorf("printing: lay out: longer than %d mm", maxHeight)
			return
		}
	}
	p.y += pad
}

func (p *page) line(f font.Face, s string, x, base int, invert bool) {
	src := image.NewUniform(black)
	if invert {
		src = image.NewUniform(white)
	}
	d := font.Drawer{Dst: p.img, Src: src, Face: f, Dot: fixed.P(x, base)}
	d.DrawString(s)
}

// wrap breaks s into lines no wider than width: at line ends, at spaces, and
// within a word only when the word alone is too wide.
func wrap(f font.Face, s string, width int) []string {
	var out []string
	fits := func(s string) bool { return font.MeasureString(f, s).Ceil() <= width }
	for para := range strings.SplitSeq(s, "\n") {
		line := ""
		for w := range strings.SplitSeq(para, " ") { // a no-break space does not break
			if w == "" {
				continue
			}
			if line != "" && fits(line+" "+w) {
				line += " " + w
				continue
			}
			if line != "" {
				out = append(out, line)
			}
			line = ""
			for _, r := range w {
				if line != "" && !fits(line+string(r)) {
					out = append(out, line)
					line = ""
				}
				line += string(r)
			}
		}
		out = append(out, line)
	}
	return out
}

// finish cuts the paper below what was drawn and makes every dot black or white.
func (p *page) finish() (image.Image, error) {
	if p.err != nil {
		return nil, p.err
	}
	r := image.Rect(0, 0, p.img.Rect.Dx(), min(p.y, p.img.Rect.Dy()))
	out := image.NewPaletted(r, color.Palette{color.White, color.Black})
	for y := range r.Dy() {
		for x := range r.Dx() {
			// A little above the middle: thin strokes keep their width on
			// thermal paper.
			if p.img.Pix[y*p.img.Stride+x] < 0x98 {
				out.Pix[y*out.Stride+x] = 1
			}
		}
	}
	return out, nil
}
