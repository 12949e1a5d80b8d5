// Package pdf writes PDF files (ISO 32000-1): text as text, in subsets of
// TrueType fonts that are inside the file, and filled rectangles. Nothing in a
// file depends on a clock or on chance: the same calls give the same bytes.
//
// It keeps to what PDF/A-2u (ISO 19005-2) asks of such a file: fonts inside with
// Unicode maps, colours that depend on no device, metadata, an identifier, no
// encryption and nothing that runs. It does not say in the file that it conforms:
// that has not been seen by a validator.
package pdf

import (
	"bytes"
	"compress/zlib"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"strings"
	"unicode/utf16"
)

// Info says what a file is. It is readable to everyone: no personal data.
type Info struct {
	Title string
	Lang  string // BCP 47
	ID    []byte // of what the file shows; the file's identifier follows from it
}

// Color is red, green and blue, each from 0 to 1.
type Color struct{ R, G, B float64 }

// Black is printed with black alone.
var Black = Color{}

// perMM is how many points a millimetre has.
const perMM = 72 / 25.4

// File is a PDF file that is being made. Lengths are in millimetres, and y grows
// downwards from the page's top. It is not safe for concurrent use.
type File struct {
	info  Info
	faces []*face
	pages []*Page
}

// New returns an empty file.
func New(info Info) *File { return &File{info: info} }

// Page is a page of a file. It can be drawn on until the file is written.
type Page struct {
	file          *File
	width, height float64
	ops           bytes.Buffer
	color         Color
}

// Page adds a page.
func (f *File) Page(width, height float64) *Page {
	p := &Page{file: f, width: width, height: height}
	p.ops.WriteString("/G cs 0 sc\n")
	f.pages = append(f.pages, p)
	return p
}

// Pages returns the pages so far.
func (f *File) Pages() []*Page { return f.pages }

func (f *File) face(font *Font) (int, *face) {
	for i, x := range f.faces {
		if x.Font == font {
			return i, x
		}
	}
	x := &face{Font: font, codes: map[rune]uint16{}}
	f.faces = append(f.faces, x)
	return len(f.faces) - 1, x
}

// Text sets s with its base line's left end at x, y. size is the em. Of a letter
// that the font has not, its sign for that is drawn; copied, it is the letter.
func (p *Page) Text(x, y float64, font *Font, size float64, c Color, s string) {
	if s == "" {
		return
	}
	n, face := p.file.face(font)
	p.paint(c)
	_, _ = fmt.Fprintf(&p.ops, "BT /F%d %s Tf %s %s Td <", n, num(size*perMM), num(x*perMM), num((p.height-y)*perMM))
	for _, r := range s {
		_, _ = fmt.Fprintf(&p.ops, "%04X", face.code(r))
	}
	p.ops.WriteString("> Tj ET\n")
}

// Rect is a rectangle of a page.
type Rect struct{ X, Y, W, H float64 }

// Fill fills rectangles.
func (p *Page) Fill(c Color, rs ...Rect) {
	if len(rs) == 0 {
		return
	}
	p.paint(c)
	for _, r := range rs {
		_, _ = fmt.Fprintf(&p.ops, "%s %s %s %s re\n", num(r.X*perMM), num((p.height-r.Y-r.H)*perMM), num(r.W*perMM), num(r.H*perMM))
	}
	p.ops.WriteString("f\n")
}

// paint sets the colour. Black is grey, so that no printer mixes it.
func (p *Page) paint(c Color) {
	switch {
	case c == p.color:
		return
	case c == Black:
		p.ops.WriteString("/G cs 0 sc\n")
	default:
		_, _ = fmt.Fprintf(&p.ops, "/C cs %s %s %s sc\n", num(c.R), num(c.G), num(c.B))
	}
	p.color = c
}

// num writes a number as short as a printer can tell apart.
func num(v float64) string {
	s := strings.TrimRight(strings.TrimRight(fmt.Sprintf("%.3f", v), "0"), ".")
	if s == "-0" || s == "" {
		return "0"
	}
	return s
}

// The colour spaces: sRGB's primaries and white with its overall curve, and grey
// of the same.
const spaces = "/G [/CalGray <</WhitePoint [0.9505 1 1.089] /Gamma 2.2>>] " +
	"/C [/CalRGB <</WhitePoint [0.9505 1 1.089] /Gamma [2.2 2.2 2.2] " +
	"/Matrix [0.4124 0.2126 0.0193 0.3576 0.7152 0.1192 0.1805 0.0722 0.9505]>>]"

// Bytes returns the file.
func (f *File) Bytes() ([]byte, error) {
	w := &writer{}
	w.WriteString("%PDF-1.7\n%\xE2\xE3\xCF\xD3\n")
	// 1 catalogue, 2 pages, 3 metadata, 4 information, 5 resources; then five for
	// each font and two for each page.
	const font0 = 6
	page0 := font0 + 5*len(f.faces)
	w.object(1, "<</Type /Catalog /Pages 2 0 R /Metadata 3 0 R /Lang ("+f.info.Lang+") /ViewerPreferences <</DisplayDocTitle true>>>>")
	var kids strings.Builder
	for i := range f.pages {
		_, _ = fmt.Fprintf(&kids, "%d 0 R ", page0+2*i)
	}
	w.object(2, fmt.Sprintf("<</Type /Pages /Count %d /Kids [%s]>>", len(f.pages), strings.TrimSpace(kids.String())))
	meta, err := f.metadata()
	if err != nil {
		return nil, fmt.Errorf("pdf: write: %w", err)
	}
	w.stream(3, "/Type /Metadata /Subtype /XML", meta, false)
	w.object(4, "<</Title "+text(f.info.Title)+" /Producer "+text(producer)+">>")
	var fonts strings.Builder
	for i := range f.faces {
		_, _ = fmt.Fprintf(&fonts, "/F%d %d 0 R ", i, font0+5*i)
	}
	w.object(5, "<</ColorSpace <<"+spaces+">> /Font <<"+strings.TrimSpace(fonts.String())+">>>>")
	for i, x := range f.faces {
		w.font(font0+5*i, x)
	}
	for i, p := range f.pages {
		n := page0 + 2*i
		w.object(n, fmt.Sprintf("<</Type /Page /Parent 2 0 R /MediaBox [0 0 %s %s] /Resources 5 0 R /Contents %d 0 R>>",
			num(p.width*perMM), num(p.height*perMM), n+1))
		w.stream(n+1, "", p.ops.Bytes(), true)
	}
	w.end(f.info.ID)
	return w.Bytes(), nil
}

const producer = "Penjire"

func (f *File) metadata() ([]byte, error) {
	var b, title bytes.Buffer
	if err := xml.EscapeText(&title, []byte(f.info.Title)); err != nil {
		return nil, err
	}
	b.WriteString("<?xpacket begin=\"\uFEFF\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\n" +
		`<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">` +
		`<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:pdf="http://ns.adobe.com/pdf/1.3/">` +
		`<dc:format>application/pdf</dc:format><dc:title><rdf:Alt><rdf:li xml:lang="x-default">`)
	b.Write(title.Bytes())
	b.WriteString("</rdf:li></rdf:Alt></dc:title><dc:language><rdf:Bag><rdf:li>" + f.info.Lang + "</rdf:li></rdf:Bag></dc:language>" +
		"<pdf:Producer>" + producer + "</pdf:Producer></rdf:Description></rdf:RDF></x:xmpmeta>\n<?xpacket end=\"r\"?>")
	return b.Bytes(), nil
}

// text writes a text string: UTF-16 with its mark, in hexadecimal.
func text(s string) string {
	b := []byte{0xFE, 0xFF}
	for _, u := range utf16.Encode([]rune(s)) {
		b = be.AppendUint16(b, u)
	}
	return "<" + strings.ToUpper(hex.EncodeToString(b)) + ">"
}

// writer writes objects in the order of their numbers.
type writer struct {
	bytes.Buffer
	offsets []int
}

func (w *writer) object(n int, body string) {
	w.offsets = append(w.offsets, w.Len())
	_, _ = fmt.Fprintf(w, "%d 0 obj\n%s\nendobj\n", n, body)
}

func (w *writer) stream(n int, dict string, data []byte, deflate bool) {
	w.offsets = append(w.offsets, w.Len())
	if deflate {
		var z bytes.Buffer
		c, _ := zlib.NewWriterLevel(&z, zlib.BestCompression) // the level is one
		_, _ = c.Write(data)                                  // a buffer does not fail
		_ = c.Close()
		data = z.Bytes()
		dict += " /Filter /FlateDecode"
	}
	_, _ = fmt.Fprintf(w, "%d 0 obj\n<<%s /Length %d>>\nstream\n", n, dict, len(data))
	w.Write(data)
	w.WriteString("\nendstream\nendobj\n")
}

// font writes the five objects of a font: itself, its descendant, descriptor,
// file and Unicode map.
func (w *writer) font(n int, x *face) {
	name := x.tagged()
	w.object(n, fmt.Sprintf("<</Type /Font /Subtype /Type0 /BaseFont /%s /Encoding /Identity-H /DescendantFonts [%d 0 R] /ToUnicode %d 0 R>>", name, n+1, n+4))
	w.object(n+1, fmt.Sprintf("<</Type /Font /Subtype /CIDFontType2 /BaseFont /%s /CIDSystemInfo <</Registry (Adobe) /Ordering (Identity) /Supplement 0>> "+
		"/FontDescriptor %d 0 R /CIDToGIDMap /Identity /DW %.0f /W %s>>", name, n+2, float64(x.advance(0))*1000/x.unit, x.widths()))
	em := func(v int16) string { return num(float64(v) * 1000 / x.unit) }
	w.object(n+2, fmt.Sprintf("<</Type /FontDescriptor /FontName /%s /Flags 4 /FontBBox [%s %s %s %s] /ItalicAngle 0 /Ascent %s /Descent %s /CapHeight 714 /StemV 80 /FontFile2 %d 0 R>>",
		name, em(x.box[0]), em(x.box[1]), em(x.box[2]), em(x.box[3]), em(x.ascent), em(x.descent), n+3))
	file := x.subset()
	w.stream(n+3, fmt.Sprintf("/Length1 %d", len(file)), file, true)
	w.stream(n+4, "", x.unicode(), true)
}

// end writes the table of objects and the trailer.
func (w *writer) end(id []byte) {
	at := w.Len()
	_, _ = fmt.Fprintf(w, "xref\n0 %d\n0000000000 65535 f \n", len(w.offsets)+1)
	for _, o := range w.offsets {
		_, _ = fmt.Fprintf(w, "%010d 00000 n \n", o)
	}
	// The first half names what is shown, the second this very file.
	of := sha256.Sum256(append([]byte("penjire-paper/1"), id...))
	this := sha256.Sum256(w.Bytes())
	_, _ = fmt.Fprintf(w, "trailer\n<</Size %d /Root 1 0 R /Info 4 0 R /ID [<%X> <%X>]>>\nstartxref\n%d\n%%%%EOF\n", len(w.offsets)+1, of[:16], this[:16], at)
}
