package uitest_test

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/penjire/penjire/ui/phrase"
	"github.com/penjire/penjire/ui/screen/fixture"
	"github.com/penjire/penjire/ui/uitest"
	"github.com/penjire/penjire/ui/uitest/preview"
)

// display is a screen that kiosks have.
type display struct {
	width, height int
	mm            float64 // pixels per millimetre
	limits        uitest.Limits
}

// The displays of the research: 14 inches (the bench), 10.1 inches, which is
// the smallest, and 21.5 inches upright.
var displays = map[string]display{
	"1280x800":  {1280, 800, 4.2, uitest.Limits{Primary: 20, Other: 12, KeyW: 17, KeyH: 17, Pad: 18}},
	"1024x600":  {1024, 600, 4.6, uitest.Limits{Primary: 19.9, Other: 12, KeyW: 12, KeyH: 12, Pad: 18}},
	"1080x1920": {1080, 1920, 4.03, uitest.Limits{Primary: 20, Other: 12, KeyW: 16.5, KeyH: 17, Pad: 18}},
}

// TestPictures writes a picture of every page to the folder PENJIRE_PICTURES,
// for people to look at: PENJIRE_PICTURES=/tmp/p go test -run Pictures ./ui/uitest
// PENJIRE_PICTURES_OF=1080x1920,ru,dark,1,start chooses display, language,
// colours, size and the beginning of the page's name.
func TestPictures(t *testing.T) {
	dir := os.Getenv("PENJIRE_PICTURES")
	if dir == "" {
		t.Skip("no pictures asked for: PENJIRE_PICTURES is not set")
	}
	of := strings.Split(os.Getenv("PENJIRE_PICTURES_OF")+",,,,", ",")
	d, ok := displays[of[0]]
	if !ok {
		d = displays["1280x800"]
	}
	lang := phrase.In(of[1]).Lang()
	srv := httptest.NewServer(preview.New(d.mm))
	defer srv.Close()
	b := uitest.Open(t, d.width, d.height, d.mm)
	for _, f := range fixture.All(lang) {
		if !strings.HasPrefix(f.Name, of[4]) {
			continue
		}
		b.Go(srv.URL + "/show/" + f.Name + "?lang=" + lang + "&theme=" + of[2] + "&size=" + of[3])
		if err := os.WriteFile(filepath.Join(dir, f.Name+".png"), b.Picture(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestPagesFit measures every page in every language on every display, with
// the longest texts we have: nothing too small to touch, cut off or on top of
// another (checklist 1, 2, 8, 27).
func TestPagesFit(t *testing.T) {
	for name, d := range displays {
		t.Run(name, func(t *testing.T) {
			srv := httptest.NewServer(preview.New(d.mm))
			defer srv.Close()
			b := uitest.Open(t, d.width, d.height, d.mm)
			for _, lang := range phrase.Langs {
				for _, f := range fixture.All(lang) {
					for size := range 3 {
						if size > 0 && (lang != "ru" || name != "1280x800") { // the longest words
							continue
						}
						b.Go(srv.URL + "/show/" + f.Name + "?lang=" + lang + "&size=" + strconv.Itoa(size))
						for _, m := range b.Measure(d.limits) {
							if size > 0 && strings.Contains(m, "not in sight") {
								continue // large letters scroll; the field is scrolled to on focus
							}
							t.Errorf("%s %s size %d: %s", f.Name, lang, size, m)
						}
					}
				}
			}
		})
	}
}

// TestPagesAreAccessible asks axe about every page in every language and every
// theme, and the browser whether any rule of the page's policy was broken
// (checklist 4, 28, 29).
func TestPagesAreAccessible(t *testing.T) {
	d := displays["1280x800"]
	srv := httptest.NewServer(preview.New(d.mm))
	defer srv.Close()
	b := uitest.Open(t, d.width, d.height, d.mm)
	for _, theme := range []string{"", "contrast", "dark"} {
		for _, lang := range phrase.Langs {
			for _, f := range fixture.All(lang) {
				b.Go(srv.URL + "/show/" + f.Name + "?lang=" + lang + "&theme=" + theme)
				for _, v := range b.Axe() {
					t.Errorf("%s %s %s: %s", f.Name, lang, theme, v)
				}
				for _, m := range b.Messages() {
					t.Errorf("%s %s %s: the browser says: %s", f.Name, lang, theme, m)
				}
			}
		}
	}
}
