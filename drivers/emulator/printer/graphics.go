package printer

import (
	"fmt"

	"rsc.io/qr"
)

// raster is GS v 0: a picture, row by row as it arrives.
func (in *interpreter) raster() error {
	h, err := in.bytes(6)
	if err != nil {
		return err
	}
	if h[0] != '0' || in.p.o.NoRaster {
		// Its picture is then taken for text, as a real one would.
		in.noteUnknown(fmt.Sprintf("GS v %q", h[0]))
		return nil
	}
	if err := in.flushLine(); err != nil {
		return err
	}
	mode, width, rows := h[1]&3, int(h[2])|int(h[3])<<8, int(h[4])|int(h[5])<<8
	return in.rows(width, rows, 1+int(mode&1), 1+int(mode>>1))
}

// rows prints rows of width bytes as they arrive, each dot xs by ys times.
func (in *interpreter) rows(width, rows, xs, ys int) error {
	for range rows {
		b, err := in.bytes(width)
		if err != nil {
			return err
		}
		row := in.t.place(b, width*8, xs)
		for range ys {
			if err := in.m.row(row); err != nil {
				return err
			}
		}
	}
	return nil
}

// graphics is fn 112 and 50 of GS ( L and GS 8 L: a picture is kept, then
// printed.
func (in *interpreter) graphics(d []byte) error {
	switch {
	case len(d) >= 2 && d[0] == 0x30 && (d[1] == 2 || d[1] == 50):
		if in.kept == nil {
			return nil
		}
		if err := in.flushLine(); err != nil {
			return err
		}
		k := in.kept
		in.kept = nil
		for y := range k.rows {
			row := in.t.place(k.bits[y*k.width:][:k.width], k.dots, k.xs)
			for range k.ys {
				if err := in.m.row(row); err != nil {
					return err
				}
			}
		}
	case len(d) >= 10 && d[0] == 0x30 && d[1] == 112 && d[2] == 48:
		dots, rows := int(d[6])|int(d[7])<<8, int(d[8])|int(d[9])<<8
		k := &picture{dots: dots, rows: rows, width: (dots + 7) / 8, xs: int(d[3]), ys: int(d[4]), bits: d[10:]}
		if len(k.bits) != k.width*rows || k.xs < 1 || k.xs > 2 || k.ys < 1 || k.ys > 2 || d[5] != 49 {
			in.noteUnknown("GS ( L: a picture that does not add up")
			return nil
		}
		in.kept = k
	default:
		in.noteUnknown("GS ( L")
	}
	return nil
}

// picture is what GS ( L keeps.
type picture struct {
	dots, rows, width, xs, ys int
	bits                      []byte
}

// column is ESC *: 8 or 24 dots high, one column after the other. It is printed
// at once, as if the line feed that follows had come: nothing is set beside it.
func (in *interpreter) column(m byte) error {
	h, err := in.bytes(2)
	if err != nil {
		return err
	}
	n := int(h[0]) | int(h[1])<<8
	if m != 33 {
		in.noteUnknown(fmt.Sprintf("ESC * %d", m))
		return nil
	}
	b, err := in.bytes(3 * n)
	if err != nil {
		return err
	}
	in.strip = make([][]byte, 24)
	for y := range in.strip {
		row := make([]byte, (n+7)/8)
		for x := range n {
			if b[3*x+y/8]&(0x80>>(y%8)) != 0 {
				row[x/8] |= 0x80 >> (x % 8)
			}
		}
		in.strip[y] = in.t.place(row, n, 1)
	}
	return nil
}

// printStrip prints what column has kept, and feeds the rest of the line.
func (in *interpreter) printStrip() error {
	strip := in.strip
	in.strip = nil
	for _, row := range strip {
		if err := in.m.row(row); err != nil {
			return err
		}
	}
	return in.m.feed(max(0, in.t.spacing-len(strip)))
}

// symbol is GS ( k for QR codes: model, module, level, store, print.
func (in *interpreter) symbol(d []byte) error {
	if len(d) < 2 || d[0] != 49 {
		in.noteUnknown("GS ( k")
		return nil
	}
	switch d[1] {
	case 65: // model: 2 is the only one that there is today
	case 67:
		in.module = min(16, max(1, int(d[2])))
	case 69:
		in.level = d[2] - 48
	case 80:
		in.data = d[3:]
	case 81:
		return in.printSymbol()
	default:
		in.noteUnknown(fmt.Sprintf("GS ( k 49 %d", d[1]))
	}
	return nil
}

func (in *interpreter) printSymbol() error {
	code, err := qr.Encode(string(in.data), qr.Level(min(3, in.level)))
	if err != nil || len(in.data) == 0 {
		return nil // nothing is printed then
	}
	if err := in.flushLine(); err != nil {
		return err
	}
	dots := code.Size * in.module
	if dots > in.t.width {
		return nil
	}
	for y := range code.Size {
		b := make([]byte, stride(dots))
		for x := range dots {
			if code.Black(x/in.module, y) {
				b[x/8] |= 0x80 >> (x % 8)
			}
		}
		row := in.t.place(b, dots, 1)
		for range in.module {
			if err := in.m.row(row); err != nil {
				return err
			}
		}
	}
	return nil
}

// long is GS 8 L: GS ( L with room for more.
func (in *interpreter) long() error {
	h, err := in.bytes(5)
	if err != nil {
		return err
	}
	n := int(h[1]) | int(h[2])<<8 | int(h[3])<<16 | int(h[4])<<24
	if h[0] != 'L' || in.p.o.NoGraphics || n > maxPicture {
		in.noteUnknown(fmt.Sprintf("GS 8 %q", h[0]))
		return nil
	}
	d, err := in.bytes(n)
	if err != nil {
		return err
	}
	return in.graphics(d)
}

// maxPicture is what GS 8 L may carry.
const maxPicture = 1 << 20
