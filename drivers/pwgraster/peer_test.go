package pwgraster_test

import (
	"bytes"
	"image"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/penjire/penjire/drivers/devicetest"
)

// TestCUPSReadsThePages has rastertopdf of cups-filters, which reads PWG Raster
// through libcups, make a PDF of our pages, and Poppler take the
// pictures out of that.
func TestCUPSReadsThePages(t *testing.T) {
	const filter = "/usr/lib/cups/filter/rastertopdf"
	poppler, err := exec.LookPath("pdfimages")
	if err == nil {
		_, err = os.Stat(filter)
	}
	if err != nil {
		devicetest.LeftOut(t, "our PWG raster was not read by CUPS", err.Error()+" (apt-get install cups-filters poppler-utils)")
	}
	for _, inColor := range []bool{false, true} {
		pages := []image.Image{page(600, 850, inColor), page(575, 825, inColor)}
		raw := encode(t, pages...)
		cmd := exec.CommandContext(t.Context(), filter, "1", "kiosk", "paper", "1", "cm-calibration")
		cmd.Env = append(os.Environ(), "CONTENT_TYPE=image/pwg-raster", "FINAL_CONTENT_TYPE=application/pdf")
		cmd.Stdin = bytes.NewReader(raw)
		var said bytes.Buffer
		cmd.Stderr = &said
		pdf, err := cmd.Output()
		if err != nil || !bytes.HasPrefix(pdf, []byte("%PDF-")) {
			t.Fatalf("rastertopdf: %v, %d bytes\n%s", err, len(pdf), said.String())
		}
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "p.pdf"), pdf, 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.CommandContext(t.Context(), poppler, "-png", filepath.Join(dir, "p.pdf"), filepath.Join(dir, "p")).CombinedOutput(); err != nil {
			t.Fatalf("pdfimages: %v\n%s", err, out)
		}
		found, err := filepath.Glob(filepath.Join(dir, "p-*.png"))
		if err != nil || len(found) != 2 {
			t.Fatalf("pages found: got %v, %v, want 2", found, err)
		}
		for i, name := range found {
			f, err := os.Open(name)
			if err != nil {
				t.Fatal(err)
			}
			got, err := png.Decode(f)
			if cerr := f.Close(); err != nil || cerr != nil {
				t.Fatal(err, cerr)
			}
			same(t, got, pages[i])
		}
	}
}
