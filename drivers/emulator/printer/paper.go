package printer

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
)

// Paper is one piece of paper. A finished one does not change any more.
type Paper struct {
	Width int  // printable dots
	Rows  int  // how long it is
	Torn  bool // by hand, not cut
	bits  []byte
}

// margin is the unprintable edge of 80 mm paper, in dots, left and right.
const margin = 32

func (a *Paper) clone() *Paper {
	if a == nil {
		return nil
	}
	c := *a
	c.bits = bytes.Clone(a.bits)
	return &c
}

// stride is how many bytes a row of width dots has.
func stride(width int) int { return (width + 7) / 8 }

// Image returns the printable area, exactly as it was printed: 0 is ink.
func (a *Paper) Image() *image.Gray {
	m := image.NewGray(image.Rect(0, 0, a.Width, a.Rows))
	for y := range a.Rows {
		row := a.bits[y*stride(a.Width):]
		for x := range a.Width {
			if row[x/8]&(0x80>>(x%8)) == 0 {
				m.Pix[y*m.Stride+x] = 0xFF
			}
		}
	}
	return m
}

// WritePNG writes the paper as a picture, with its white edges.
func (a *Paper) WritePNG(w io.Writer) error { return writeRoll(w, []*Paper{a}) }

// WriteRoll writes all papers kept, and the one hanging out, as one picture,
// one below the other with a grey gap.
func (p *Printer) WriteRoll(w io.Writer) error {
	papers := p.Papers()
	if h := p.Hanging(); h != nil {
		papers = append(papers, h)
	}
	return writeRoll(w, papers)
}

// gap is between two papers of a roll.
const gap = 24

// Palette of pictures: paper, ink, and what is behind the paper.
var palette = color.Palette{color.White, color.Black, color.Gray{0xC8}}

func writeRoll(w io.Writer, papers []*Paper) error {
	width, rows := 1, -gap
	for _, a := range papers {
		width = max(width, a.Width+2*margin)
		rows += a.Rows + 2*margin + gap
	}
	m := image.NewPaletted(image.Rect(0, 0, width, max(1, rows)), palette)
	for i := range m.Pix {
		m.Pix[i] = 2
	}
	y0 := 0
	for _, a := range papers {
		for y := -margin; y < a.Rows+margin; y++ {
			line := m.Pix[(y0+y+margin)*m.Stride:][:a.Width+2*margin]
			clear(line)
			if y < 0 || y >= a.Rows {
				continue
			}
			row := a.bits[y*stride(a.Width):]
			for x := range a.Width {
				line[margin+x] = row[x/8] >> (7 - x%8) & 1
			}
		}
		y0 += a.Rows + 2*margin + gap
	}
	if err := png.Encode(w, m); err != nil {
		return fmt.Errorf("printer: write picture: %w", err)
	}
	return nil
}
