package paper

import (
	"fmt"

	"rsc.io/qr"

	"github.com/penjire/penjire/sync/edoc/paper/pdf"
)

// golCells is how many cells the göl has on a side.
const golCells = 33

// octagon returns the rows of a stepped octagon n cells wide in the middle of
// the göl.
func octagon(n, step int) []pdf.Rect {
	o := (golCells - n) / 2
	var out []pdf.Rect
	for r := range n {
		d := max(step-r, r-(n-1-step), 0)
		out = append(out, cells(o+d, o+r, n-2*d))
	}
	return out
}

// cells is a run of w cells in a row.
func cells(x, y, w int) pdf.Rect { return pdf.Rect{X: float64(x), Y: float64(y), W: float64(w), H: 1} }

// gol draws the medallion of the product, side wide: the cells that the screen
// and the receipt draw.
func (s *sheet) gol(x, y, side float64) {
	fill := func(c pdf.Color, rs []pdf.Rect) {
		u := side / golCells
		for i, r := range merged(rs) {
			if i == 0 {
				rs = rs[:0:0]
			}
			rs = append(rs, pdf.Rect{X: x + r.X*u, Y: y + r.Y*u, W: r.W * u, H: r.H * u})
		}
		s.page.Fill(c, rs...)
	}
	fill(green, octagon(33, 9))
	fill(white, octagon(31, 8))
	fill(red, octagon(29, 8))
	fill(white, octagon(25, 7))
	var quarters []pdf.Rect
	for r := range 25 {
		d := max(7-r, r-(24-7), 0)
		if r < 12 {
			quarters = append(quarters, cells(4+13, 4+r, 12-d))
		} else if r > 12 {
			quarters = append(quarters, cells(4+d, 4+r, 12-d))
		}
	}
	fill(gold, quarters)
	for _, c := range []struct {
		x, y int
		c    pdf.Color
	}{{10, 10, red}, {22, 10, green}, {10, 22, green}, {22, 22, red}} {
		var star []pdf.Rect
		for dy := -2; dy <= 2; dy++ {
			w := 2 - max(dy, -dy)
			star = append(star, cells(c.x-w, c.y+dy, 2*w+1))
		}
		fill(c.c, star)
	}
	fill(green, octagon(13, 4))
	fill(white, octagon(11, 3))
	fill(red, octagon(9, 3))
	fill(gold, octagon(5, 1))
	fill(green, octagon(3, 1))
}

// merged joins rows of equal extent: fewer seams, and a smaller file.
func merged(rs []pdf.Rect) []pdf.Rect {
	var out []pdf.Rect
	for _, r := range rs {
		if n := len(out); n > 0 && out[n-1].X == r.X && out[n-1].W == r.W && out[n-1].Y+out[n-1].H == r.Y {
			out[n-1].H += r.H
			continue
		}
		out = append(out, r)
	}
	return out
}

// carpet draws the carpet's edge across, h high.
func (s *sheet) carpet(y, h float64) {
	u := h / 4
	s.page.Fill(green, pdf.Rect{X: left, Y: y, W: inner, H: u / 2}, pdf.Rect{X: left, Y: y + h - u/2, W: inner, H: u / 2})
	var of [3][]pdf.Rect
	x := float64(left)
	for i := 0; ; i++ {
		w := []float64{4, 4, 1}[i%3] * u
		if x+w > left+inner {
			break
		}
		of[i%3] = append(of[i%3], pdf.Rect{X: x, Y: y + u, W: w, H: h - 2*u})
		x += w + u
	}
	s.page.Fill(red, of[0]...)
	s.page.Fill(green, of[1]...)
	s.page.Fill(gold, of[2]...)
}

// The modules of a printed code on A4 (research: 0.5 to 0.6 mm, level Q).
const (
	leastModule, mostModule = 0.5, 0.6
	wantCode                = 50 // with the quiet zone
	quiet                   = 4  // modules
)

// code encodes text as a QR code, and returns it with its modules' size.
func code(text string) (*qr.Code, float64, error) {
	c, err := qr.Encode(text, qr.Q)
	if err != nil {
		return nil, 0, fmt.Errorf("paper: encode a code of %d characters: %w", len(text), err)
	}
	return c, min(max(wantCode/float64(c.Size+2*quiet), leastModule), mostModule), nil
}

// drawCode draws c with its quiet zone, each run of dark modules as one
// rectangle, and returns how wide it is.
func (s *sheet) drawCode(c *qr.Code, module, x, y float64) float64 {
	var rs []pdf.Rect
	for row := range c.Size {
		for from := 0; from < c.Size; from++ {
			to := from
			for to < c.Size && c.Black(to, row) {
				to++
			}
			if to > from {
				rs = append(rs, pdf.Rect{
					X: x + float64(from+quiet)*module, Y: y + float64(row+quiet)*module, W: float64(to-from) * module, H: module,
				})
				from = to
			}
		}
	}
	s.page.Fill(ink, rs...)
	return float64(c.Size+2*quiet) * module
}
