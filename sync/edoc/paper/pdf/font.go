package pdf

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Font is a TrueType font. It does not change and may be used by several
// goroutines.
type Font struct {
	name    string
	tables  map[string][]byte
	unit    float64 // em
	long    bool    // loca has 32-bit offsets
	glyphs  int
	metrics int // entries of hmtx with an advance
	ascent  int16
	descent int16
	box     [4]int16
	cmap    map[rune]uint16
}

// ParseFont reads a TrueType font with outlines in glyf. It is for fonts of our
// own: what it does not read it refuses, but it does not look for traps.
func ParseFont(name string, ttf []byte) (*Font, error) {
	f := &Font{name: name, tables: map[string][]byte{}, cmap: map[rune]uint16{}}
	if err := f.parse(ttf); err != nil {
		return nil, fmt.Errorf("pdf: parse font %s: %w", name, err)
	}
	return f, nil
}

var be = binary.BigEndian

func (f *Font) parse(b []byte) error {
	if len(b) < 12 || be.Uint32(b) != 0x00010000 {
		return errors.New("it is not TrueType")
	}
	for i := range int(be.Uint16(b[4:])) {
		e := b[12+16*i:]
		off, size := int(be.Uint32(e[8:])), int(be.Uint32(e[12:]))
		if off < 0 || size < 0 || off+size > len(b) {
			return errors.New("a table lies outside the file")
		}
		f.tables[string(e[:4])] = b[off : off+size]
	}
	for name, least := range map[string]int{"head": 54, "hhea": 36, "maxp": 32, "hmtx": 4, "loca": 4, "glyf": 1, "cmap": 4} {
		if len(f.tables[name]) < least {
			return fmt.Errorf("its table %s is missing or short", name)
		}
	}
	head, hhea := f.tables["head"], f.tables["hhea"]
	f.unit = float64(be.Uint16(head[18:]))
	for i := range f.box {
		f.box[i] = int16(be.Uint16(head[36+2*i:]))
	}
	f.long = be.Uint16(head[50:]) == 1
	f.ascent, f.descent = int16(be.Uint16(hhea[4:])), int16(be.Uint16(hhea[6:]))
	f.metrics, f.glyphs = int(be.Uint16(hhea[34:])), int(be.Uint16(f.tables["maxp"][4:]))
	per := 2
	if f.long {
		per = 4
	}
	if len(f.tables["loca"]) < per*(f.glyphs+1) || f.metrics < 1 || len(f.tables["hmtx"]) < 2*f.metrics+2*f.glyphs || f.unit == 0 {
		return errors.New("its tables do not agree")
	}
	return f.parseCmap(f.tables["cmap"])
}

// parseCmap reads the Unicode table of format 4, which every font with letters
// below U+10000 has.
func (f *Font) parseCmap(b []byte) error {
	for i := range int(be.Uint16(b[2:])) {
		e := b[4+8*i:]
		t := b[be.Uint32(e[4:]):]
		if be.Uint16(t) != 4 {
			continue
		}
		n := int(be.Uint16(t[6:])) / 2
		for s := range n {
			end, start := int(be.Uint16(t[14+2*s:])), int(be.Uint16(t[16+2*n+2*s:]))
			delta := be.Uint16(t[16+4*n+2*s:])
			at := 16 + 6*n + 2*s
			off := int(be.Uint16(t[at:]))
			for c := start; c <= end && c != 0xFFFF; c++ {
				g := uint16(c)
				if off != 0 {
					if g = be.Uint16(t[at+off+2*(c-start):]); g == 0 {
						continue
					}
				}
				if g += delta; g != 0 && int(g) < f.glyphs {
					f.cmap[rune(c)] = g
				}
			}
		}
		return nil
	}
	return errors.New("it has no Unicode table of format 4")
}

// Has reports whether the font has that letter.
func (f *Font) Has(r rune) bool { return f.cmap[r] != 0 }

// Width returns how wide s is in the unit of size, the em. A letter that the
// font has not counts as its sign for that.
func (f *Font) Width(s string, size float64) float64 {
	w := 0
	for _, r := range s {
		w += int(f.advance(f.cmap[r]))
	}
	return float64(w) * size / f.unit
}

// Ascent returns how far letters with their marks reach above the base line.
func (f *Font) Ascent(size float64) float64 { return float64(f.ascent) * size / f.unit }

// Descent returns how far letters reach below the base line.
func (f *Font) Descent(size float64) float64 { return -float64(f.descent) * size / f.unit }

func (f *Font) advance(g uint16) uint16 {
	return be.Uint16(f.tables["hmtx"][4*min(int(g), f.metrics-1):])
}

func (f *Font) bearing(g uint16) uint16 {
	if int(g) < f.metrics {
		return be.Uint16(f.tables["hmtx"][4*int(g)+2:])
	}
	return be.Uint16(f.tables["hmtx"][4*f.metrics+2*(int(g)-f.metrics):])
}

// outline returns the glyph's description in glyf; empty of a space.
func (f *Font) outline(g uint16) []byte {
	loca := f.tables["loca"]
	var from, to int
	if f.long {
		from, to = int(be.Uint32(loca[4*int(g):])), int(be.Uint32(loca[4*int(g)+4:]))
	} else {
		from, to = 2*int(be.Uint16(loca[2*int(g):])), 2*int(be.Uint16(loca[2*int(g)+2:]))
	}
	return f.tables["glyf"][from:to]
}
