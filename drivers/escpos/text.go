package escpos

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/fonta"
	"golang.org/x/text/unicode/norm"
	"rsc.io/qr"
)

// spacing is from one line to the next, beyond its letters' height, in dots.
const spacing = 6

// maxLines bounds a text job.
const maxLines = 500

// setter turns lines into a sheet. It knows what the printer was told last and
// says nothing twice.
type setter struct {
	p      Profile
	out    sheet
	page   string       // selected
	align  device.Align // of the printer's text
	bold   bool
	double bool
	line   int // of ESC 3; 0: not set yet
}

// text returns the sheet that prints lines on a printer of profile p.
func (p Profile) text(lines []device.Line) (sheet, error) {
	if len(lines) < 1 || len(lines) > maxLines {
		return sheet{}, fmt.Errorf("got %d lines, want 1 to %d", len(lines), maxLines)
	}
	// USA's variants of ASCII: others have letters where # or [ should be.
	s := setter{p: p, out: sheet{pieces: [][]byte{{0x1B, 'R', 0}}}}
	for i, l := range lines {
		if err := s.set(l); err != nil {
			return sheet{}, fmt.Errorf("line %d of %d: %w", i+1, len(lines), err)
		}
	}
	return s.out, nil
}

func (s *setter) set(l device.Line) error {
	switch {
	case l.Picture != nil:
		bits, _, err := pack(l.Picture, s.p.Dots)
		if err != nil {
			return err
		}
		s.picture(bits)
		return nil
	case l.QR != "":
		return s.code(l)
	}
	letters, err := s.letters(l)
	if err != nil {
		return err
	}
	scale := 1
	if l.Double {
		scale = 2
	}
	high := scale*fonta.Height + spacing
	if len(letters) == 0 {
		s.out.pieces = append(s.out.pieces, []byte{0x1B, 'J', byte(high)})
		s.out.rows += high
		return nil
	}
	text, page, ok := s.p.encode(norm.NFC.String(l.Text), s.page)
	if !ok {
		s.picture(s.paint(letters, l.Align, high))
		return nil
	}
	s.page = page
	var b []byte
	if s.line != high {
		b, s.line = append(b, 0x1B, '3', byte(high)), high
	}
	b = append(b, s.place(l.Align)...)
	if s.bold != l.Bold {
		b, s.bold = append(b, 0x1B, 'E', flag(l.Bold)), l.Bold
	}
	if s.double != l.Double {
		b, s.double = append(b, 0x1D, '!', 0x11*flag(l.Double)), l.Double
	}
	s.out.pieces = append(s.out.pieces, append(append(b, text...), 0x0A))
	s.out.rows += high
	return nil
}

func flag(on bool) byte {
	if on {
		return 1
	}
	return 0
}

// place returns what aligns what follows.
func (s *setter) place(a device.Align) []byte {
	if s.align == a {
		return nil
	}
	s.align = a
	return []byte{0x1B, 'a', byte(a)}
}

var errLetter = errors.New("a letter that can neither be printed nor drawn")

// letters returns the letters of l, if they can be drawn and fit. The error
// holds nothing of them: they may be somebody's.
func (s *setter) letters(l device.Line) ([]fonta.Letter, error) {
	if l.Align < device.AlignLeft || l.Align > device.AlignRight {
		return nil, fmt.Errorf("got alignment %d, want 0 to 2", l.Align)
	}
	scale := 1
	if l.Double {
		scale = 2
	}
	var out []fonta.Letter
	for _, r := range norm.NFC.String(l.Text) {
		if !fonta.Has(r) {
			return nil, errLetter
		}
		out = append(out, fonta.Letter{Rune: r, Bold: l.Bold, Wide: scale, High: scale})
	}
	if w, _ := fonta.Measure(out); w > s.p.Dots {
		return nil, fmt.Errorf("got %d letters of %d dots, want at most %d dots", len(out), scale*fonta.Width, s.p.Dots)
	}
	return out, nil
}

// paint draws letters as the printer would set them, in a line high rows high.
func (s *setter) paint(letters []fonta.Letter, a device.Align, high int) []byte {
	stride := s.p.Dots / 8
	bits := make([]byte, high*stride)
	w, h := fonta.Measure(letters)
	fonta.Paint(bits[:h*stride], stride, left(s.p.Dots-w, a), letters)
	return bits
}

// left is where something begins that leaves free dots of a line.
func left(free int, a device.Align) int {
	switch a {
	case device.AlignCentre:
		return free / 2
	case device.AlignRight:
		return free
	}
	return 0
}

// picture sends rows of dots. They are as wide as the paper: alignment means
// nothing to them.
func (s *setter) picture(bits []byte) {
	s.out.bands(s.p.Raster, bits, s.p.Dots/8)
	if s.p.Raster == RasterColumns {
		s.line = 0 // its strips have a spacing of their own
	}
}

// quiet is the white around a QR code, in modules.
const quiet = 4

// code prints l.QR, level M, with modules of up to 6 dots and at least half a
// millimetre where it fits.
func (s *setter) code(l device.Line) error {
	for _, r := range l.QR {
		if r < ' ' || r > '~' {
			return errors.New("got a QR code with more than printable ASCII")
		}
	}
	c, err := qr.Encode(l.QR, qr.M)
	if err != nil {
		return errors.New("got more than a QR code can hold")
	}
	module := min(6, s.p.Dots/(c.Size+2*quiet))
	if module < 2 {
		return fmt.Errorf("got a QR code of %d modules, too many for %d dots", c.Size, s.p.Dots)
	}
	if s.p.QR {
		s.out.pieces = append(s.out.pieces, bytes.Join([][]byte{
			{0x1B, 'J', byte(quiet * module)}, s.place(l.Align), symbol(l.QR, module), {0x1B, 'J', byte(quiet * module)},
		}, nil))
		s.out.rows += (c.Size + 2*quiet) * module
		return nil
	}
	stride := s.p.Dots / 8
	bits := make([]byte, (c.Size+2*quiet)*module*stride)
	x0 := left(s.p.Dots-c.Size*module, l.Align)
	for y := range c.Size * module {
		row := bits[(y+quiet*module)*stride:]
		for x := range c.Size * module {
			if c.Black(x/module, y/module) {
				row[(x0+x)/8] |= 0x80 >> ((x0 + x) % 8)
			}
		}
	}
	s.picture(bits)
	return nil
}

// symbol is GS ( k for a QR code: model 2, module, level M, data, print.
func symbol(data string, module int) []byte {
	n := len(data) + 3
	return bytes.Join([][]byte{
		{0x1D, '(', 'k', 4, 0, 0x31, 0x41, 0x32, 0},
		{0x1D, '(', 'k', 3, 0, 0x31, 0x43, byte(module)},
		{0x1D, '(', 'k', 3, 0, 0x31, 0x45, 0x31},
		{0x1D, '(', 'k', byte(n), byte(n >> 8), 0x31, 0x50, 0x30},
		[]byte(data),
		{0x1D, '(', 'k', 3, 0, 0x31, 0x51, 0x30},
	}, nil)
}
