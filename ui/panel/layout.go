package panel

import (
	"image"
	"image/color"
	"sort"
	"strings"

	"github.com/penjire/penjire/ui/phrase"
)

// head and foot are the heights of the two bars, edge that of the carpet's edge.
func (p *Painter) head() int { return max(44, min(p.size.X, p.size.Y)/7) }
func (p *Painter) cell() int { return max(1, min(p.size.X, p.size.Y)/300) }
func (p *Painter) foot() int { return max(26, min(p.size.X, p.size.Y)/15) }
func (p *Painter) side() int { return max(10, min(p.size.X, p.size.Y)/24) }

// frame draws what is around the words, and returns the part that is left for them.
func (p *Painter) frame(c *canvas, v View) image.Rectangle {
	w, h := p.size.X, p.size.Y
	head, cell, side := p.head(), p.cell(), p.side()
	c.fill(image.Rect(0, 0, w, head), green)
	n := max(1, (head-head/8)/p.gol.h)
	top := (head - n*p.gol.h) / 2
	p.gol.paint(c, image.Pt(side, top), n)
	name := head * 36 / 100
	x := side + n*p.gol.w + side
	c.say(bold, name, x, head/2-step(name)+name/8, paper, "Penjire")
	small := max(11, head*21/100)
	c.say(regular, small, x, head/2+name/8, paper, p.products(c, small, w-x-side))
	y := head
	for x := 0; x < w; x += p.edge.w * cell {
		p.edge.paint(c, image.Pt(x, y), cell)
	}
	y += p.edge.h * cell
	if v.Developer {
		y = p.trial(c, y)
	}
	foot := p.foot()
	c.fill(image.Rect(0, h-foot, w, h-foot+max(1, cell/2)), line)
	px := foot * 48 / 100
	c.say(mono, px, side, h-foot+(foot-step(px))/2, soft, c.cut(mono, px, p.beatAt().Min.X-2*side, strings.Join(v.Detail, "  ")))
	bottom := h - foot - side/2
	if v.Phone != "" && v.Kind.Trouble() {
		bottom = p.phone(c, v.Phone, bottom)
	}
	return image.Rect(side, y+side, w-side, bottom)
}

// trial draws a strip below y that says in all languages that the software is a
// developer's, and returns where it ends.
func (p *Painter) trial(c *canvas, y int) int {
	room := p.size.X - 2*p.side()
	px := largest(smallest-2, max(12, min(p.size.X, p.size.Y)/45), func(px int) bool {
		for _, l := range phrase.Langs {
			if c.width(bold, px, phrase.In(l).Get("trial")) > room {
				return false
			}
		}
		return true
	})
	var lines []string
	for i, l := range phrase.Langs {
		s := phrase.In(l).Get("trial")
		if i > 0 && c.width(bold, px, lines[len(lines)-1]+between+s) <= room {
			lines[len(lines)-1] += between + s
		} else {
			lines = append(lines, s)
		}
	}
	end := y + len(lines)*step(px) + px/2
	c.fill(image.Rect(0, y, p.size.X, end), gold)
	for i, s := range lines {
		c.say(bold, px, (p.size.X-c.width(bold, px, s))/2, y+px/4+i*step(px), ink, s)
	}
	return end
}

// between parts what stands in one line in several languages.
const between = "  ·  "

// products is the name in as many languages as there is room for.
func (p *Painter) products(c *canvas, px, width int) string {
	s := ""
	for _, l := range phrase.Langs {
		next := s
		if next != "" {
			next += between
		}
		next += phrase.In(l).Get("product")
		if s != "" && c.width(regular, px, next) > width {
			break
		}
		s = next
	}
	return s
}

// cut returns as much of s as there is room for; the technician's tool says the rest.
func (c *canvas) cut(w weight, px, width int, s string) string {
	for s != "" && c.width(w, px, s) > width {
		r := []rune(s)
		s = string(r[:len(r)-1])
	}
	return s
}

// phone draws the number of who helps above bottom, and returns where it begins.
func (p *Painter) phone(c *canvas, number string, bottom int) int {
	px := max(22, min(p.size.X, p.size.Y)/14)
	top := bottom - step(px) - px/2
	w := c.width(bold, px, number)
	box := image.Rect(0, top, p.size.X, bottom).Inset(0)
	icon := px
	x := (p.size.X - w - icon - px/2) / 2
	c.fill(image.Rect(p.side(), box.Min.Y, p.size.X-p.side(), box.Max.Y), green)
	p.handset(c, image.Rect(x, top+(box.Dy()-icon)/2, x+icon, top+(box.Dy()+icon)/2))
	c.say(bold, px, x+icon+px/2, top+px/4, paper, number)
	return top - p.side()/2
}

// handset draws the receiver of a telephone, in gold.
func (p *Painter) handset(c *canvas, r image.Rectangle) {
	c.polygon(r, gold, [2]float32{.1, .05}, [2]float32{.32, .05}, [2]float32{.42, .34}, [2]float32{.28, .46}, [2]float32{.54, .72},
		[2]float32{.66, .58}, [2]float32{.95, .68}, [2]float32{.95, .9}, [2]float32{.8, 1}, [2]float32{.5, .9}, [2]float32{.1, .5}, [2]float32{0, .2})
}

// beats is how many diamonds the sign of life has.
const beats = 5

func (p *Painter) beatAt() image.Rectangle {
	foot := p.foot()
	d := foot * 44 / 100
	w := beats * d * 3 / 2
	x, y := p.size.X-p.side()-w, p.size.Y-foot+(foot-d)/2
	return image.Rect(x, y, x+w, y+d)
}

// beat draws the sign of life: one diamond of five is lit, the next one each time.
func (c *canvas) beat(at image.Rectangle, n int) {
	c.fill(at, paper)
	d := at.Dy()
	for i := range beats {
		col := line
		if i == max(0, n)%beats {
			col = green
		}
		x := at.Min.X + i*d*3/2
		c.polygon(image.Rect(x, at.Min.Y, x+d, at.Max.Y), col, [2]float32{.5, 0}, [2]float32{1, .5}, [2]float32{.5, 1}, [2]float32{0, .5})
	}
}

// The sizes of the words in pixels, as parts of the shorter side: none is smaller
// than least where three languages share the screen.
func (p *Painter) most() int  { return max(18, min(p.size.X, p.size.Y)/16) }
func (p *Painter) least() int { return max(20, min(p.size.X, p.size.Y)/40) }

// smallest is the size below which a screen says nothing that can be read.
const smallest = 10

// fit returns the languages that are shown at once and the size of their words. nil:
// not even one language fits, which no screen that is allowed comes to.
func (p *Painter) fit(c *canvas, v View, body image.Rectangle) (langs []string, px int) {
	if px = largest(p.least(), p.most(), func(px int) bool { return p.fits(c, v, body, phrase.Langs, px) }); px > 0 {
		return phrase.Langs, px
	}
	// All of them must fit, so that the words keep their size from turn to turn.
	px = largest(smallest, p.most()*3/2, func(px int) bool {
		for _, l := range phrase.Langs {
			if !p.fits(c, v, body, []string{l}, px) {
				return false
			}
		}
		return true
	})
	if px == 0 {
		return nil, 0
	}
	return []string{v.Lang()}, px
}

// largest returns the largest size from least to most that is ok, if smaller ones are
// ok too; 0: not even least is.
func largest(least, most int, ok func(px int) bool) int {
	if !ok(least) {
		return 0
	}
	return least + sort.Search(most-least, func(i int) bool { return !ok(least + 1 + i) })
}

// parts are the places of n blocks: side by side on a wide screen, else one below
// another.
func (p *Painter) parts(body image.Rectangle, n int) []image.Rectangle {
	gap := p.side()
	wide := body.Dx() > body.Dy()*5/4
	var out []image.Rectangle
	for i := range n {
		r := body
		if wide {
			w := (body.Dx() - (n-1)*gap) / n
			r.Min.X = body.Min.X + i*(w+gap)
			r.Max.X = r.Min.X + w
		} else {
			h := (body.Dy() - (n-1)*gap) / n
			r.Min.Y = body.Min.Y + i*(h+gap)
			r.Max.Y = r.Min.Y + h
		}
		out = append(out, r)
	}
	return out
}

func (p *Painter) fits(c *canvas, v View, body image.Rectangle, langs []string, px int) bool {
	for i, r := range p.parts(body, len(langs)) {
		if h, ok := c.block(v, langs[i], r, px, false); !ok || h > r.Dy() {
			return false
		}
	}
	return true
}

func (p *Painter) blocks(c *canvas, v View, body image.Rectangle, langs []string, px int) {
	rs := p.parts(body, len(langs))
	for i, r := range rs {
		if i > 0 { // a thin line between languages
			if r.Min.X > body.Min.X {
				x := r.Min.X - p.side()/2
				c.fill(image.Rect(x, body.Min.Y, x+max(1, p.cell()/2), body.Max.Y), line)
			} else {
				y := r.Min.Y - p.side()/2
				c.fill(image.Rect(body.Min.X, y, body.Max.X, y+max(1, p.cell()/2)), line)
			}
		}
		c.block(v, langs[i], r, px, true)
	}
}

// block sets the words of one language into r, or only measures them, and returns
// their height; false: a word is wider than r.
func (c *canvas) block(v View, lang string, r image.Rectangle, px int, show bool) (int, bool) {
	b := phrase.In(lang)
	y, ok := r.Min.Y, true
	say := func(w weight, px, indent int, col color.RGBA, s string) {
		lines, fits := c.wrap(w, px, r.Dx()-indent, s)
		ok = ok && fits
		for _, l := range lines {
			if show {
				c.say(w, px, r.Min.X+indent, y, col, l)
			}
			y += step(px)
		}
	}
	head := green
	if v.Kind.Trouble() {
		head = red
	}
	say(bold, px*3/2, 0, head, b.Get("panel."+string(v.Kind)+".title"))
	y += px / 3
	if v.Hint == "" {
		say(regular, px, 0, ink, b.Get("panel."+string(v.Kind)+".do"))
	} else {
		say(bold, px, 0, red, b.Get("panel.hint."+string(v.Hint)))
	}
	y += px / 2
	for _, s := range v.Steps {
		if show {
			c.mark(image.Rect(r.Min.X, y+step(px)/2-px/2, r.Min.X+px, y+step(px)/2+px/2), s.State)
		}
		w, col := regular, soft
		switch s.State {
		case Now:
			w, col = bold, ink
		case Failed:
			w, col = bold, red
		case Unknown:
			col = amber
		case Done:
			col = ink
		}
		say(w, px, px*3/2, col, b.Get("panel.step."+s.Name))
		y += px / 5
	}
	return y - r.Min.Y, ok
}

// mark draws how far a step is: each state has a form of its own, not only a colour.
func (c *canvas) mark(r image.Rectangle, s State) {
	n := max(1, r.Dx()/10)
	switch s {
	case Done:
		c.polygon(r, green, [2]float32{0, .5}, [2]float32{.14, .36}, [2]float32{.38, .6}, [2]float32{.86, .12}, [2]float32{1, .26}, [2]float32{.38, .88})
	case Failed:
		c.polygon(r, red, [2]float32{.1, .24}, [2]float32{.24, .1}, [2]float32{.5, .36}, [2]float32{.76, .1}, [2]float32{.9, .24}, [2]float32{.64, .5},
			[2]float32{.9, .76}, [2]float32{.76, .9}, [2]float32{.5, .64}, [2]float32{.24, .9}, [2]float32{.1, .76}, [2]float32{.36, .5})
	case Now:
		c.polygon(r, gold, [2]float32{.5, 0}, [2]float32{1, .5}, [2]float32{.5, 1}, [2]float32{0, .5})
	case Unknown:
		c.frameOf(r.Inset(n), n, amber)
		px := r.Dy() * 8 / 10
		c.say(bold, px, r.Min.X+(r.Dx()-c.width(bold, px, "?"))/2, r.Min.Y+(r.Dy()-step(px))/2, amber, "?")
	default:
		c.frameOf(r.Inset(n), n, line)
	}
}
