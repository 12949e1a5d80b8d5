// Command gol draws the ornaments of the screens: the medallion (göl) and the
// carpet border. The drawing is our own, after the manner of Turkmen carpets:
// an eight-sided medallion on a stepped grid, quartered in two colours, with
// bird's-foot sprigs in its quarters.
//
//	go run ./ui/cmd/gol -out ui/asset/svg
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

func main() { os.Exit(run(os.Args[1:], os.Stderr)) }

func run(args []string, errs io.Writer) int {
	f := flag.NewFlagSet("gol", flag.ContinueOnError)
	f.SetOutput(errs)
	out := f.String("out", "ui/asset/svg", "folder to write the drawings to")
	if f.Parse(args) != nil {
		return 2
	}
	for name, svg := range drawings() {
		if err := os.WriteFile(filepath.Join(*out, name), []byte(svg), 0o644); err != nil {
			fmt.Fprintln(errs, "gol: write drawing:", err)
			return 1
		}
	}
	return 0
}

// The colours of ui/asset/css/token.css.
var colours = map[byte]string{'p': "#FAF6EE", 'g': "#0E4D3A", 'r': "#8E1F2F", 'y': "#D9B45F"}

// drawings returns every drawing by file name.
func drawings() map[string]string {
	b := border()
	return map[string]string{
		"gol.svg":       draw(medallion()),
		"border.svg":    draw(b),
		"border-up.svg": draw(turn(b)),
	}
}

// grid is a drawing in square cells; 0 is left clear.
type grid [][]byte

func newGrid(w, h int) grid {
	g := make(grid, h)
	for i := range g {
		g[i] = make([]byte, w)
	}
	return g
}

// octagon returns how far (x, y) lies from the middle of an eight-sided ring.
func octagon(x, y int) int {
	x, y = abs(x), abs(y)
	return max(x, y, (x+y)*5/7)
}

// sprig is the bird's foot of a quarter, drawn for the upper left one; its
// upper left corner is the outer one.
var sprig = []string{
	".......",
	".##.##.",
	".####..",
	"..##...",
	".##.#..",
	".#...#.",
	"......#",
}

func medallion() grid {
	const r = 24
	g := newGrid(2*r+1, 2*r+1)
	for y := -r; y <= r; y++ {
		for x := -r; x <= r; x++ {
			g[y+r][x+r] = cell(x, y)
		}
	}
	for _, s := range [][2]int{{-1, -1}, {1, -1}, {-1, 1}, {1, 1}} {
		c := byte('r')
		if s[0] != s[1] {
			c = 'g'
		}
		for j, row := range sprig {
			for i, ch := range row {
				if ch == '#' {
					g[r+s[1]*(13-j)][r+s[0]*(13-i)] = c
				}
			}
		}
		for _, m := range [][2]int{{0, 0}, {1, 0}, {-1, 0}, {0, 1}, {0, -1}} {
			g[r+s[1]*(4+m[1])][r+s[0]*(14+m[0])] = c
			g[r+s[1]*(14+m[1])][r+s[0]*(4+m[0])] = c
		}
	}
	return g
}

func cell(x, y int) byte {
	d, o := abs(x)+abs(y), octagon(x, y)
	switch {
	case d <= 1:
		return 'y'
	case d <= 3:
		return 'g'
	case d <= 5:
		return 'y'
	case o <= 6:
		return 'r'
	case o == 7:
		return 'p'
	case o == 8:
		return 'g'
	case o <= 18:
		if (x == 0 || y == 0) && o > 8 {
			return 'r'
		}
		if (x < 0) == (y < 0) {
			return 'p'
		}
		return 'y'
	case o <= 21:
		return 'r'
	case o == 22:
		return 'p'
	case o == 23 || o == 24 && (abs(x) < 3 || abs(y) < 3 || abs(abs(x)-abs(y)) < 3):
		return 'g'
	}
	return 0
}

// border is one tile of the carpet's edge: a stepped diamond between two lines.
func border() grid {
	g := newGrid(18, 15)
	for y := range g {
		for x := range g[y] {
			switch {
			case y == 0 || y == 14:
				g[y][x] = 'g'
			case y == 1 || y == 13:
				g[y][x] = 'y'
				if x%2 == 1 {
					g[y][x] = 'r'
				}
			default:
				g[y][x] = 'r'
				d := abs(x-8) + abs(y-7)
				e := abs((x+9)%18-8) + abs(y-7)
				switch {
				case d <= 1:
					g[y][x] = 'r'
				case d <= 2:
					g[y][x] = 'y'
				case d <= 4:
					g[y][x] = 'g'
				case d == 5:
					g[y][x] = 'p'
				case e == 1 || e == 3:
					g[y][x] = 'p'
				case e == 0:
					g[y][x] = 'y'
				}
			}
		}
	}
	return g
}

// turn lays a drawing on its side.
func turn(g grid) grid {
	t := newGrid(len(g), len(g[0]))
	for y := range g {
		for x := range g[y] {
			t[x][y] = g[y][x]
		}
	}
	return t
}

// draw writes g as SVG: one path per colour, one run of cells per subpath.
func draw(g grid) string {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%[1]d" height="%d" shape-rendering="crispEdges">`,
		len(g[0]), len(g), len(g))
	for _, c := range []byte("pgry") {
		var p strings.Builder
		for y, row := range g {
			for x := 0; x < len(row); x++ {
				if row[x] != c {
					continue
				}
				n := 1
				for x+n < len(row) && row[x+n] == c {
					n++
				}
				fmt.Fprintf(&p, "M%d %dh%dv1h-%dz", x, y, n, n)
				x += n
			}
		}
		if p.Len() > 0 {
			fmt.Fprintf(&b, `<path fill="%s" d="%s"/>`, colours[c], p.String())
		}
	}
	b.WriteString("</svg>\n")
	return b.String()
}

func abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}
