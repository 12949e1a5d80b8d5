package pdf

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"unicode/utf16"
)

// face is a font in one file: of its letters those that are used. A letter's
// code is its place in the order of first use, so equal files come out equal,
// and two letters that look alike (Latin A, Cyrillic А) stay two when copied.
type face struct {
	*Font
	letters []rune // of code i+1; 0 is the sign for a letter that is missing
	codes   map[rune]uint16
}

// code returns the letter's code, from 1.
func (f *face) code(r rune) uint16 {
	if c, ok := f.codes[r]; ok {
		return c
	}
	f.letters = append(f.letters, r)
	c := uint16(len(f.letters))
	f.codes[r] = c
	return c
}

// Flags of a component of a composite glyph (OpenType, table glyf).
const (
	argsAreWords   = 0x0001
	hasScale       = 0x0008
	moreComponents = 0x0020
	hasXYScale     = 0x0040
	hasTwoByTwo    = 0x0080
)

// components calls f with the offset of each component's glyph number.
func components(outline []byte, f func(at int)) {
	if len(outline) < 10 || int16(be.Uint16(outline)) >= 0 {
		return
	}
	for at := 10; ; {
		flags := be.Uint16(outline[at:])
		f(at + 2)
		at += 6
		if flags&argsAreWords != 0 {
			at += 2
		}
		switch {
		case flags&hasScale != 0:
			at += 2
		case flags&hasXYScale != 0:
			at += 4
		case flags&hasTwoByTwo != 0:
			at += 8
		}
		if flags&moreComponents == 0 {
			return
		}
	}
}

// subset returns a TrueType font whose glyph i is that of the letter with code
// i, with what those are composed of behind them. The hints stay out: the fonts
// have none.
func (f *face) subset() []byte {
	glyphs := []uint16{0}
	for _, r := range f.letters {
		glyphs = append(glyphs, f.cmap[r])
	}
	place := map[uint16]uint16{} // of components only
	var glyf, hmtx bytes.Buffer
	var loca []byte
	for i := 0; i < len(glyphs); i++ { // grows while it runs
		g := glyphs[i]
		loca = be.AppendUint32(loca, uint32(glyf.Len()))
		o := bytes.Clone(f.outline(g))
		components(o, func(at int) {
			part := be.Uint16(o[at:])
			n, ok := place[part]
			if !ok {
				n = uint16(len(glyphs))
				place[part] = n
				glyphs = append(glyphs, part)
			}
			be.PutUint16(o[at:], n)
		})
		_, _ = glyf.Write(o) // a buffer does not fail
		for glyf.Len()%4 != 0 {
			_ = glyf.WriteByte(0)
		}
		_ = binary.Write(&hmtx, be, [2]uint16{f.advance(g), f.bearing(g)})
	}
	loca = be.AppendUint32(loca, uint32(glyf.Len()))
	head, hhea, maxp := bytes.Clone(f.tables["head"]), bytes.Clone(f.tables["hhea"]), bytes.Clone(f.tables["maxp"])
	be.PutUint32(head[8:], 0)
	be.PutUint16(head[50:], 1)
	be.PutUint16(hhea[34:], uint16(len(glyphs)))
	be.PutUint16(maxp[4:], uint16(len(glyphs)))
	return sfnt([]table{
		{"glyf", glyf.Bytes()},
		{"head", head},
		{"hhea", hhea},
		{"hmtx", hmtx.Bytes()},
		{"loca", loca},
		{"maxp", maxp},
	})
}

type table struct {
	name string
	data []byte
}

// sfnt puts tables, sorted by name, into a file.
func sfnt(ts []table) []byte {
	n := len(ts)
	shift := 0
	for 2<<shift <= n {
		shift++
	}
	out := be.AppendUint32(nil, 0x00010000)
	for _, v := range []int{n, 16 << shift, shift, 16*n - 16<<shift} {
		out = be.AppendUint16(out, uint16(v))
	}
	at := 12 + 16*n
	var body []byte
	headAt := 0
	for _, t := range ts {
		if t.name == "head" {
			headAt = at + len(body)
		}
		out = append(out, t.name...)
		out = be.AppendUint32(out, checksum(t.data))
		out = be.AppendUint32(out, uint32(at+len(body)))
		out = be.AppendUint32(out, uint32(len(t.data)))
		body = append(body, t.data...)
		body = append(body, make([]byte, (4-len(body)%4)%4)...)
	}
	out = append(out, body...)
	be.PutUint32(out[headAt+8:], 0xB1B0AFBA-checksum(out))
	return out
}

func checksum(b []byte) uint32 {
	b = append(slices.Clip(b), make([]byte, (4-len(b)%4)%4)...)
	var sum uint32
	for i := 0; i < len(b); i += 4 {
		sum += be.Uint32(b[i:])
	}
	return sum
}

// tagged returns the name a subset has: six letters that tell subsets of one
// font apart, and the font's (ISO 32000-1, 9.6.4).
func (f *face) tagged() string {
	sum := sha256.Sum256([]byte(string(f.letters)))
	tag := make([]byte, 6)
	for i := range tag {
		tag[i] = 'A' + sum[i]%26
	}
	return string(tag) + "+" + f.name
}

// widths is the W array: the advances from code 1 on, in thousandths.
func (f *face) widths() string {
	var b bytes.Buffer
	for _, r := range f.letters {
		_, _ = fmt.Fprintf(&b, "%.0f ", float64(f.advance(f.cmap[r]))*1000/f.unit)
	}
	return "[1 [" + string(bytes.TrimSpace(b.Bytes())) + "]]"
}

// unicode is the ToUnicode map: what is copied is what was written.
func (f *face) unicode() []byte {
	var b bytes.Buffer
	b.WriteString("/CIDInit /ProcSet findresource begin 12 dict begin begincmap\n" +
		"/CIDSystemInfo <</Registry (Adobe) /Ordering (UCS) /Supplement 0>> def\n" +
		"/CMapName /Adobe-Identity-UCS def /CMapType 2 def\n" +
		"1 begincodespacerange <0000> <FFFF> endcodespacerange\n")
	for from := 0; from < len(f.letters); from += 100 {
		part := f.letters[from:min(from+100, len(f.letters))]
		_, _ = fmt.Fprintf(&b, "%d beginbfchar\n", len(part))
		for i, r := range part {
			_, _ = fmt.Fprintf(&b, "<%04X> <", from+i+1)
			for _, u := range utf16.AppendRune(nil, r) {
				_, _ = fmt.Fprintf(&b, "%04X", u)
			}
			b.WriteString(">\n")
		}
		b.WriteString("endbfchar\n")
	}
	b.WriteString("endcmap CMapName currentdict /CMap defineresource pop end end\n")
	return b.Bytes()
}
