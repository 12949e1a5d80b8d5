package printer

import (
	"github.com/penjire/penjire/drivers/fonta"
	"golang.org/x/text/encoding/charmap"
)

// defaultSpacing is from one line to the next, in dots.
const defaultSpacing = 30

// text is the state of text commands and the line being set.
type text struct {
	width      int                       // of the paper, in dots
	pages      map[byte]*charmap.Charmap // by their ESC t numbers
	table      *charmap.Charmap
	align      byte // 0 left, 1 centre, 2 right
	bold       bool
	wide, high int
	spacing    int
	line       []fonta.Letter
}

func newText(o Opts) text {
	return text{width: o.Width, pages: o.Pages, table: charmap.CodePage437, wide: 1, high: 1, spacing: defaultSpacing}
}

// setTable selects a code page; a printer keeps the old one where it has none
// of that number.
func (t *text) setTable(n byte) {
	if c, ok := t.pages[n]; ok {
		t.table = c
	}
}

// lineWidth is how many dots the line takes.
func (t *text) lineWidth() int {
	n, _ := fonta.Measure(t.line)
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
	l := fonta.Letter{Rune: in.t.table.DecodeByte(b), Bold: in.t.bold, Wide: in.t.wide, High: in.t.high}
	if in.t.lineWidth()+l.Wide*fonta.Width > in.t.width {
		if err := in.newline(); err != nil {
			return err
		}
	}
	in.t.line = append(in.t.line, l)
	return nil
}

// newline prints the line, or feeds an empty one.
func (in *interpreter) newline() error {
	if in.strip != nil {
		return in.printStrip()
	}
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
	width, rows := fonta.Measure(in.t.line)
	st := stride(in.t.width)
	bits := make([]byte, rows*st)
	fonta.Paint(bits, st, in.t.left(width), in.t.line)
	in.t.line = nil
	for y := range rows {
		row := bits[y*st:][:st]
		mask(row, in.t.width)
		if err := in.m.row(row); err != nil {
			return err
		}
	}
	return in.m.feed(max(0, in.t.spacing-rows))
}
