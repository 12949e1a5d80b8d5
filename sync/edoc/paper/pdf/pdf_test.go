package pdf_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/penjire/penjire/sync/edoc/paper/pdf"
	"github.com/penjire/penjire/sync/edoc/paper/typeface"
)

func font(t *testing.T, name string, ttf []byte) *pdf.Font {
	t.Helper()
	f, err := pdf.ParseFont(name, ttf)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// every is every letter of a font that is asked for, in lines.
func every(f *pdf.Font) []string {
	var lines []string
	var b strings.Builder
	for r := rune('!'); r < 0x2200; r++ {
		if !f.Has(r) || r >= 0x300 && r < 0x370 || r == 0xA0 || r == 0xAD {
			continue
		}
		if b.WriteRune(r); b.Len() >= 60 {
			lines = append(lines, b.String())
			b.Reset()
		}
	}
	return append(lines, b.String())
}

func specimen(t *testing.T) ([]byte, []string) {
	t.Helper()
	file := pdf.New(pdf.Info{Title: "Nusga <&> ňäşü", Lang: "tk", ID: []byte("id")})
	page := file.Page(210, 297)
	y := 10.0
	var all []string
	for _, f := range []*pdf.Font{
		font(t, "NotoSans-Regular", typeface.Regular), font(t, "NotoSans-Bold", typeface.Bold), font(t, "NotoSansMono-Bold", typeface.Mono),
	} {
		for _, l := range every(f) {
			page.Text(10, y, f, 4, pdf.Black, l)
			y += 6
			all = append(all, l)
		}
	}
	page.Fill(pdf.Color{R: 1}, pdf.Rect{X: 1, Y: 1, W: 5, H: 5})
	b, err := file.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return b, all
}

func TestSameBytes(t *testing.T) {
	a, _ := specimen(t)
	b, _ := specimen(t)
	if !bytes.Equal(a, b) {
		t.Error("the same calls gave other bytes")
	}
	if !bytes.Contains(a, []byte("Nusga &lt;&amp;&gt; ňäşü")) {
		t.Error("the title does not stand in the metadata")
	}
}

// Every letter of the fonts is read back as itself, by two readers that are not
// ours.
func TestPeerLetters(t *testing.T) {
	for _, n := range []string{"pdftotext", "qpdf"} {
		if _, err := exec.LookPath(n); err != nil {
			if os.Getenv("PENJIRE_PEERS") == "require" {
				t.Fatalf("PEER MISSING: %s", n)
			}
			t.Skipf("PEER MISSING: %s: what it would have confirmed is not confirmed", n)
		}
	}
	b, lines := specimen(t)
	name := filepath.Join(t.TempDir(), "specimen.pdf")
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("pdftotext", "-raw", "-enc", "UTF-8", name, "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	if len(lines) < 15 {
		t.Fatalf("%d lines of letters, want more: nothing was tested", len(lines))
	}
	for _, l := range lines {
		if !strings.Contains(string(out), l) {
			t.Errorf("%q is not read back", l)
		}
	}
	if out, err := exec.Command("qpdf", "--check", name).CombinedOutput(); err != nil {
		t.Errorf("qpdf: %v: %s", err, out)
	}
}

func TestWidth(t *testing.T) {
	f := font(t, "NotoSans-Regular", typeface.Regular)
	if a, b := f.Width("ň", 10), f.Width("ňň", 10); a <= 0 || b != 2*a {
		t.Errorf("widths %v and %v, want the second twice the first", a, b)
	}
	if f.Ascent(1) < 0.7 || f.Descent(1) <= 0 {
		t.Errorf("ascent %v, descent %v", f.Ascent(1), f.Descent(1))
	}
}

func TestParseFontRefuses(t *testing.T) {
	good := typeface.Mono
	for name, b := range map[string][]byte{
		"nothing": nil, "text": []byte("this is no font at all"), "cut": good[:len(good)/2],
		"no outlines": bytes.Replace(good, []byte("glyf"), []byte("xxxx"), 1),
	} {
		if _, err := pdf.ParseFont("x", b); err == nil {
			t.Errorf("%s: parsed all the same", name)
		}
	}
}

func Example() {
	f, err := pdf.ParseFont("NotoSans-Bold", typeface.Bold)
	if err != nil {
		panic(err)
	}
	file := pdf.New(pdf.Info{Title: "Salam", Lang: "tk"})
	file.Page(210, 297).Text(20, 30, f, 8, pdf.Black, "Salam!")
	b, err := file.Bytes()
	if err != nil {
		panic(err)
	}
	fmt.Printf("%s\n", b[:8])
	// Output: %PDF-1.7
}
