package panel

import (
	"fmt"
	"image"
	"image/color"
	"regexp"
	"strconv"

	"github.com/penjire/penjire/ui/asset"
)

// ornament is a drawing in cells, as ui/cmd/gol writes it.
type ornament struct {
	w, h  int
	cells []color.RGBA // by rows; the zero value is left clear
}

// What our own drawings are written in: a size, and paths of one colour whose
// rectangles are one cell high.
var (
	viewBox = regexp.MustCompile(`viewBox="0 0 (\d+) (\d+)"`)
	path    = regexp.MustCompile(`<path fill="#([0-9A-F]{6})" d="([^"]*)"/>`)
	strokes = regexp.MustCompile(`M(\d+) (\d+)h(\d+)v1h-\d+z`)
)

// readOrnament reads one of the drawings of package asset.
func readOrnament(name string) (ornament, error) {
	b, err := asset.FS.ReadFile(name)
	if err != nil {
		return ornament{}, fmt.Errorf("panel: %w", err)
	}
	var o ornament
	m := viewBox.FindSubmatch(b)
	if m == nil {
		return o, fmt.Errorf("panel: %s is no drawing of ours: it has no size", name)
	}
	o.w, o.h = number(m[1]), number(m[2])
	o.cells = make([]color.RGBA, o.w*o.h)
	drawn := 0
	for _, p := range path.FindAllSubmatch(b, -1) {
		rgb, _ := strconv.ParseUint(string(p[1]), 16, 32) // six of its digits
		c := color.RGBA{uint8(rgb >> 16), uint8(rgb >> 8), uint8(rgb), 0xFF}
		for _, r := range strokes.FindAllSubmatch(p[2], -1) {
			x, y, n := number(r[1]), number(r[2]), number(r[3])
			if y >= o.h || x+n > o.w {
				return o, fmt.Errorf("panel: %s is no drawing of ours: it leaves its size", name)
			}
			for i := range n {
				o.cells[y*o.w+x+i] = c
			}
			drawn += n
		}
	}
	if drawn == 0 {
		return o, fmt.Errorf("panel: %s is no drawing of ours: nothing is in it", name)
	}
	return o, nil
}

func number(b []byte) int {
	n, _ := strconv.Atoi(string(b)) // digits, by the pattern
	return n
}

// paint draws the ornament with cells of n pixels, its upper left corner at at.
func (o ornament) paint(c *canvas, at image.Point, n int) {
	for i, col := range o.cells {
		if col.A == 0 {
			continue
		}
		x, y := at.X+i%o.w*n, at.Y+i/o.w*n
		c.fill(image.Rect(x, y, x+n, y+n), col)
	}
}
