package printing

import (
	"fmt"
	"image"

	"rsc.io/qr"
)

// golCells is how many cells the göl has on a side.
const golCells = 33

// gol draws the medallion of ui/asset in one colour, side dots wide, with its
// top left corner at x, y: the same cells as the screen's, so that people know
// the paper by it.
func (p *page) gol(x, y, side int) {
	const n = golCells
	cell := func(cx, cy, w int) {
		x0, x1 := x+cx*side/n, x+(cx+w)*side/n
		y0, y1 := y+cy*side/n, y+(cy+1)*side/n
		p.fill(x0, y0, x1-x0, y1-y0, black)
	}
	clear := func(cx, cy, w int) {
		x0, x1 := x+cx*side/n, x+(cx+w)*side/n
		y0, y1 := y+cy*side/n, y+(cy+1)*side/n
		p.fill(x0, y0, x1-x0, y1-y0, white)
	}
	octagon := func(size, step int, draw func(x, y, w int)) {
		o := (n - size) / 2
		for r := range size {
			d := max(step-r, r-(size-1-step), 0)
			draw(o+d, o+r, size-2*d)
		}
	}
	octagon(33, 9, cell)
	octagon(31, 8, clear)
	octagon(29, 8, cell)
	octagon(25, 7, clear)
	// Two of the quarters are shaded: the gold of the screen.
	for r := range 25 {
		d := max(7-r, r-(24-7), 0)
		for c := d; c < 25-d; c++ {
			if (c < 12) == (r < 12) && c != 12 && r != 12 {
				continue
			}
			if (c+r)%2 == 0 {
				cell(4+c, 4+r, 1)
			}
		}
	}
	for _, c := range [][2]int{{10, 10}, {22, 10}, {10, 22}, {22, 22}} {
		for dy := -3; dy <= 3; dy++ {
			w := 3 - abs(dy)
			clear(c[0]-w, c[1]+dy, 2*w+1)
		}
		for dy := -2; dy <= 2; dy++ {
			w := 2 - abs(dy)
			cell(c[0]-w, c[1]+dy, 2*w+1)
		}
	}
	octagon(13, 4, cell)
	octagon(11, 3, clear)
	octagon(9, 3, cell)
	octagon(5, 1, clear)
	octagon(3, 1, cell)
}

func abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}

// border draws the carpet's edge across the whole paper.
func (p *page) border() {
	h := p.dots(3)
	u := max(p.dots(0.8), 2) // a stitch
	p.fill(0, p.y, p.img.Rect.Dx(), max(u/2, 1), black)
	p.fill(0, p.y+h-max(u/2, 1), p.img.Rect.Dx(), max(u/2, 1), black)
	// Blocks 4 wide, gaps 1, thin bars 1: red, green and gold of the screen in
	// black, hatched and hollow.
	for x, i := 0, 0; x < p.img.Rect.Dx(); i++ {
		switch i % 3 {
		case 0:
			p.fill(x, p.y+u, 4*u, h-2*u, black)
			x += 5 * u
		case 1:
			for yy := p.y + u; yy < p.y+h-u; yy++ {
				for xx := x; xx < x+4*u; xx++ {
					if (xx/2+yy/2)%2 == 0 {
						p.fill(xx, yy, 1, 1, black)
					}
				}
			}
			x += 5 * u
		default:
			p.fill(x, p.y+u, u, h-2*u, black)
			x += 2 * u
		}
	}
	p.y += h
}

// mark is the sign before a line of what happened.
type mark int

const (
	done    mark = 1 // it happened
	waiting mark = 2 // it has not happened yet, or is not known
	wrong   mark = 3 // it does not work
)

// tick draws m in a circle of d dots with its top left at x, y. The shapes
// differ, not only their colours.
func (p *page) tick(m mark, x, y, d int) {
	r2 := d * d
	for yy := range d {
		for xx := range d {
			dx, dy := 2*xx+1-d, 2*yy+1-d
			q := dx*dx + dy*dy
			switch {
			case q > r2:
			case m != waiting:
				p.fill(x+xx, y+yy, 1, 1, black)
			case q > r2*64/100:
				p.fill(x+xx, y+yy, 1, 1, black)
			}
		}
	}
	// The tick or the cross itself, in white.
	stroke := func(x0, y0, x1, y1 float64) {
		const n = 200
		w := max(d/8, 2)
		for i := range n + 1 {
			t := float64(i) / n
			cx := x + int((x0+(x1-x0)*t)*float64(d))
			cy := y + int((y0+(y1-y0)*t)*float64(d))
			p.fill(cx-w/2, cy-w/2, w, w, white)
		}
	}
	switch m {
	case done: // down to the right, then up
		stroke(.26, .53, .43, .70)
		stroke(.43, .70, .75, .34)
	case wrong:
		stroke(.30, .30, .70, .70)
		stroke(.30, .70, .70, .30)
	}
}

// step sets a line of what happened, or has not, behind its sign.
func (p *page) step(m mark, head, more string) {
	if p.err != nil {
		return
	}
	d := p.dots(5)
	indent := d + p.dots(2.5)
	top := p.y
	face := regular
	if m != waiting {
		face = bold
	}
	p.text(head, style{face: face, size: 4.2, indent: indent})
	p.text(more, style{face: regular, size: 3.4, indent: indent})
	p.tick(m, p.margin, top+p.dots(0.2), d)
	p.y = max(p.y, top+d)
	p.gap(1.4)
}

// minModule is the smallest module of a code that phones read from thermal
// paper: 0.5 mm, measured (a module of 4 dots at 203 dpi).
const minModule = 0.5

// code draws text as a QR code of level M in the middle, as large as fits
// within want millimetres with whole dots for each module.
func (p *page) code(text string, want float64) {
	if p.err != nil {
		return
	}
	c, err := qr.Encode(text, qr.M)
	if err != nil {
		p.err = fmt.Errorf("printing: encode code of %d characters: %w", len(text), err)
		return
	}
	const quiet = 4
	side := c.Size + 2*quiet
	// The paper outside the print area is white, too: the quiet zone may use it.
	module := min(p.dots(want)/c.Size, p.img.Rect.Dx()/side)
	if least := p.dots(minModule); module < least {
		module = least
	}
	if module*side > p.img.Rect.Dx() {
		p.err = fmt.Errorf("printing: code of %d modules does not fit %d dots in modules of %d", c.Size, p.img.Rect.Dx(), module)
		return
	}
	x0 := (p.img.Rect.Dx() - module*c.Size) / 2
	y0 := p.y + quiet*module
	p.fill(0, p.y, p.img.Rect.Dx(), module*side, white)
	for y := range c.Size {
		for x := range c.Size {
			if c.Black(x, y) {
				p.fill(x0+x*module, y0+y*module, module, module, black)
			}
		}
	}
	p.y += module * side
}

// head draws the top of every paper: the carpet's edge, the göl, the name, and
// where this was printed.
func (p *page) head(name, place string) {
	if p.err != nil {
		return
	}
	p.border()
	p.gap(2.5)
	side := (p.dots(12) + golCells - 1) / golCells * golCells // whole dots for each cell
	top := p.y
	p.gol(p.margin, top, side)
	indent := side + p.dots(3)
	p.y = top + p.dots(0.4)
	p.text(name, style{face: bold, size: 6.4, indent: indent})
	p.text(place, style{face: regular, size: 3.2, indent: indent})
	p.y = max(p.y, top+side)
	p.gap(2.5)
}

// boxed draws what draw draws, in a frame.
func (p *page) boxed(draw func()) {
	if p.err != nil {
		return
	}
	top := p.y
	p.gap(1.6)
	draw()
	p.gap(1.6)
	p.frame(image.Rect(p.margin, top, p.margin+p.inner(), p.y), max(p.dots(0.4), 2))
}
