package e2e

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestPromise_Truthful_CopiesOnSheets prints a certified copy on A4, and the next
// one, which must say that it is a further one. A printer of sheets without paper
// keeps nobody waiting: the roll serves, and the screen says so.
func TestPromise_Truthful_CopiesOnSheets(t *testing.T) {
	b := startBench(t)
	b.card("insert", "citizen-1")
	p := b.begin("en").choose("residence-certificate").fill(answers).sign()
	code := p.done()
	p.leave("citizen-1")
	b.wait("the portal's receipt", func(s state) bool { return s.Queue["registered"] == 1 })
	b.answerAs(b.request(code), "answer", "")
	b.wait("the answer at the kiosk", func(s state) bool { return s.Queue["answered"] == 1 })
	b.wait("nothing left to print", func(s state) bool { return s.Kiosk.Says.Queue.Prints == 0 && !s.Kiosk.Says.Devices.Printing })
	papers := b.state().Devices.Printer.Papers

	gone := func(s state) bool {
		return slices.ContainsFunc(s.Kiosk.Says.Health, func(c struct{ Code string }) bool { return c.Code == "sheets.gone" })
	}
	b.wait("without its cable it is missed", gone)
	b.do("/api/sheets", map[string]any{"link": "plugged"})
	b.wait("it is back", func(s state) bool { return !gone(s) })
	b.card("insert", "citizen-1")
	p = b.begin("en").open()
	p.act("print").says("it is a large sheet (A4)")
	if s := b.state(); s.Devices.Sheets.Out != 1 || s.Devices.Printer.Papers != papers {
		t.Errorf("%d documents on sheets and %d papers more on the roll, want 1 and 0", s.Devices.Sheets.Out, s.Devices.Printer.Papers-papers)
	}
	pdf := b.get("/api/sheets/last.pdf")
	if _, err := exec.LookPath("pdftotext"); err != nil {
		b.without("pdftotext", "the text of a copy on A4")
	}
	text := exec.Command("pdftotext", "-", "-")
	text.Stdin = bytes.NewReader(pdf)
	out, err := text.Output()
	if err != nil {
		t.Fatalf("pdftotext: %v", err)
	}
	bare := strings.NewReplacer("·", "", "-", "") // how codes are parted
	for _, want := range []string{"elektron resminamanyň kagyz nusgasy", "paper copy of an e-document", code} {
		if !strings.Contains(bare.Replace(string(out)), bare.Replace(want)) {
			t.Errorf("the copy on A4 does not say %q:\n%s", want, out)
		}
	}

	// A further one says that it is, and has the same seal; it goes as a picture.
	p.act("reprint").says("it is a large sheet (A4)")
	b.wait("the marked copy on a sheet", func(s state) bool { return s.Devices.Sheets.Out == 2 })
	picture := b.get("/api/sheets/last.pdf")
	if !bytes.HasPrefix(picture, []byte("\x89PNG")) {
		t.Errorf("the marked copy begins with %.8q, want a picture", picture)
	}
	if _, err := exec.LookPath("zbarimg"); err != nil {
		b.without("zbarimg", "printed codes read by zbar")
	}
	file := filepath.Join(t.TempDir(), "sheet.png")
	if err := os.WriteFile(file, picture, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("zbarimg", "-q", "--raw", file).Output(); err != nil || !strings.Contains(string(out), "/V/") {
		t.Errorf("zbarimg reads %.40q from the marked copy, %v, want a seal", out, err)
	}

	b.do("/api/sheets", map[string]any{"paper": "out"})
	b.wait("the sheets are missed", func(s state) bool {
		return slices.ContainsFunc(s.Kiosk.Says.Health, func(c struct{ Code string }) bool { return c.Code == "sheets.paper.out" })
	})
	p.act("reprint").says("it is on narrow paper")
	b.wait("a copy on the roll", func(s state) bool { return s.Devices.Printer.Papers == papers+1 })
	if n := b.state().Devices.Sheets.Out; n != 2 {
		t.Errorf("%d documents on sheets, want 2: there was no paper for another", n)
	}
	p.leave("citizen-1")
}
