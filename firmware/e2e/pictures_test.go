package e2e

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/image/draw"

	"github.com/penjire/penjire/ui/uitest"
)

// TestPictures draws the README's pictures into the folder PENJIRE_PICTURES
// (`make pictures`): it walks the same way as the test of the browser, on the
// same running product, and photographs what is there.
func TestPictures(t *testing.T) {
	dir := os.Getenv("PENJIRE_PICTURES")
	if dir == "" {
		t.Skip("no pictures asked for: PENJIRE_PICTURES is not set (make pictures)")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	b := startBench(t)
	f := b.finger()
	write := func(name string, data []byte) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name+".png"), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	f.snap = func(name string) {
		t.Helper()
		write(name, f.Picture())
	}
	code := f.ask("tk", "residence-certificate", "citizen-1")
	write("receipt", onPaper(t, b.get("/api/printer/paper.png")))
	f.Resize(1280, 940, 4)
	f.answer(code)
	f.Resize(screenWidth, screenHeight, pixelsPerMM)
	f.collect("tk", "citizen-1")
	write("copy", onPaper(t, b.get("/api/printer/paper.png")))
	f.public(code)
	r := b.request(code)
	write("a4", onA4(t, b.desk(r.Agency, "GET", "requests/"+r.Doc+"/copy", nil)))
	f.Resize(1000, 760, 4)
	f.checkFile(b.container(r))
	write("file", f.Picture())
	f.Resize(screenWidth, screenHeight, pixelsPerMM)

	// The bench in the middle of the next visit: a card in the reader, a
	// question on the screen, paper in the mouth of the printer.
	b.card("insert", "citizen-2")
	p := b.begin("tk").choose("residence-certificate")
	for p.page != "question/street" {
		row := p.page[len("question/"):]
		p.act("answer", "row", row, row, answers[row])
	}
	f.Resize(1720, 1180, 4)
	f.Go(b.url)
	f.Touch(`[data-shape="landscape"]`)
	f.Wait("#strip img")
	screen := uitest.Eval[bool](f.Browser, `new Promise(done => { const s = document.getElementById("screen"); s.onload = () => done(true); s.src = `+quote(p.path)+`; })`)
	if !screen {
		t.Error("the bench did not show the kiosk's screen")
	}
	f.Touch(`[data-log="portal"]`)
	uitest.Eval[bool](f.Browser, `scrollTo(0, 0); new Promise(done => setTimeout(() => done(true), 600))`) // until the cards have moved
	f.picture("bench")
	if len(f.seen) < 20 {
		t.Errorf("only %d pages were passed", len(f.seen))
	}
}

// checkFile hands a file in at the portal's page, as anyone can.
func (f *finger) checkFile(name string) {
	f.b.t.Helper()
	f.Go(f.b.state().Portal.URL + "/check?lang=tk")
	f.Type("#file", name)
	f.Touch(`form[action="/check/file"] button`)
	f.Wait(".verdict--yes")
}

// onA4 draws the first page of a PDF small, by a program that is not ours.
func onA4(t *testing.T, pdf []byte) []byte {
	t.Helper()
	cmd := exec.Command("pdftoppm", "-png", "-r", "80", "-f", "1", "-l", "1", "-singlefile", "-")
	cmd.Stdin = bytes.NewReader(pdf)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("pdftoppm (poppler-utils): %v", err)
	}
	return out
}

func quote(s string) string { return `"` + s + `"` }

// onPaper makes a picture for a page of the printer's dots: as wide as reads
// well, on a little of the table, in few greys.
func onPaper(t *testing.T, data []byte) []byte {
	t.Helper()
	in, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	const width, edge = 400, 20
	r := in.Bounds()
	height := r.Dy() * width / r.Dx()
	var greys color.Palette
	for i := range 15 {
		y := uint8(i * 255 / 14)
		greys = append(greys, color.Gray{Y: y})
	}
	table := color.NRGBA{0xe7, 0xef, 0xe9, 0xff} // pale green of the look
	greys = append(greys, table)
	paper := image.NewGray(image.Rect(0, 0, width, height))
	draw.CatmullRom.Scale(paper, paper.Bounds(), in, r, draw.Src, nil)
	out := image.NewPaletted(image.Rect(0, 0, width+2*edge, height+2*edge), greys)
	draw.Draw(out, out.Bounds(), image.NewUniform(table), image.Point{}, draw.Src)
	for y := range height {
		for x := range width {
			out.SetColorIndex(x+edge, y+edge, uint8((int(paper.GrayAt(x, y).Y)*14+127)/255))
		}
	}
	var b bytes.Buffer
	e := png.Encoder{CompressionLevel: png.BestCompression}
	if err := e.Encode(&b, out); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
