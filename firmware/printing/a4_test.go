package printing

import (
	"image"
	"os"
	"path/filepath"
	"testing"

	"github.com/penjire/penjire/sync/citizen"
)

// TestOnA4: a copy is on one sheet, in every language, with all its ink; its seal is
// read in every resolution that printers have.
func TestOnA4(t *testing.T) {
	for lang, dpi := range map[string]int{"tk": 300, "ru": 360, "en": 203} {
		c := certified(t, lang)
		c.Marked = true
		d, err := OnA4(c.Draw)
		if err != nil {
			t.Fatal(err)
		}
		if d.Pages != 1 || d.Pictures != 1 || d.PDF != nil {
			t.Errorf("%s: got %d pages, %d pictures, want one each and no PDF", lang, d.Pages, d.Pictures)
		}
		page, err := d.Page(0, dpi)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := page.Bounds().Size(), image.Pt(210*dpi*10/254, 297*dpi*10/254); got != want {
			t.Errorf("%s at %d dpi: a page of %v, want %v", lang, dpi, got, want)
		}
		if got := scanned(t, page); got != copySeal {
			t.Errorf("%s at %d dpi: zbarimg reads %.40q…, want %.40q…", lang, dpi, got, copySeal)
		}
		if dir := os.Getenv("PENJIRE_PAPERS"); dir != "" {
			write(t, filepath.Join(dir, "a4-"+lang+".png"), page)
		}
	}
}

// TestOnA4Pages: what is longer than a sheet goes on several, cut between its lines.
func TestOnA4Pages(t *testing.T) {
	c := certified(t, "tk")
	for range 14 {
		c.Facts = append(c.Facts, Fact{Label: "Salgysy", Value: citizen.NewText("Nusga etraby, Nusga obasy, Magtymguly şaýoly, 12-nji jaý")})
	}
	strip, err := c.Draw(a4Column, a4Small)
	if err != nil {
		t.Fatal(err)
	}
	d, err := OnA4(c.Draw)
	if err != nil {
		t.Fatal(err)
	}
	if d.Pages < 2 || d.Pages > 4 {
		t.Fatalf("%d pages for %d rows, want 2 to 4", d.Pages, strip.Bounds().Dy())
	}
	ink := 0
	for i := range d.Pages {
		page, err := d.Page(i, a4DPI)
		if err != nil {
			t.Fatal(err)
		}
		ink += inked(page)
		for _, y := range []int{a4Margin - 1, a4Height - a4Margin} {
			if !blank(page, y) {
				t.Errorf("page %d has ink in its margin, row %d", i, y)
			}
		}
	}
	if want := inked(strip); ink != want {
		t.Errorf("the pages have %d dots of ink, want the paper's %d", ink, want)
	}
}

func inked(m image.Image) (n int) {
	b := m.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			if isInk(m, x, y) {
				n++
			}
		}
	}
	return n
}
