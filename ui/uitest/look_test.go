package uitest_test

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/penjire/penjire/ui/phrase"
	"github.com/penjire/penjire/ui/screen"
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

// look is one page in one language and one theme.
type look struct {
	fixture     string
	lang, theme string
}

// looks returns every kind of page in every language and theme, and each
// further state of it in one of them, in turn. PENJIRE_UI=all gives them all.
func looks(themes ...string) []look {
	var all []look
	seen, turn := map[screen.Name]bool{}, 0
	for _, f := range fixture.All("tk") {
		first := !seen[f.View.Screen]
		seen[f.View.Screen] = true
		for i, lang := range phrase.Langs {
			for j, theme := range themes {
				if first || os.Getenv("PENJIRE_UI") == "all" || turn%(len(phrase.Langs)*len(themes)) == i*len(themes)+j {
					all = append(all, look{f.Name, lang, theme})
				}
			}
		}
		turn++
	}
	return all
}

func (l look) query(size int) string {
	return "/show/" + l.fixture + "?lang=" + l.lang + "&theme=" + l.theme + "&size=" + strconv.Itoa(size)
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
			for _, l := range looks("") {
				b.Go(srv.URL + l.query(0))
				for _, m := range b.Measure(d.limits) {
					t.Errorf("%s %s: %s", l.fixture, l.lang, m)
				}
			}
		})
	}
}

// TestLargeLettersFit measures every page in the larger two sizes, in Russian,
// whose words are the longest. Pages may scroll then, but nothing is cut off.
func TestLargeLettersFit(t *testing.T) {
	d := displays["1280x800"]
	srv := httptest.NewServer(preview.New(d.mm))
	defer srv.Close()
	b := uitest.Open(t, d.width, d.height, d.mm)
	for i, f := range fixture.All("ru") {
		for size := 1; size <= 2; size++ {
			if os.Getenv("PENJIRE_UI") != "all" && i%2 == size%2 {
				continue
			}
			b.Go(srv.URL + look{f.Name, "ru", ""}.query(size))
			for _, m := range b.Measure(d.limits) {
				if !strings.Contains(m, "not in sight") { // the page scrolls to it
					t.Errorf("%s size %d: %s", f.Name, size, m)
				}
			}
		}
	}
}

// TestMeasureCanFail shows that the measuring finds what it looks for.
func TestMeasureCanFail(t *testing.T) {
	d := displays["1280x800"]
	srv := httptest.NewServer(preview.New(d.mm))
	defer srv.Close()
	b := uitest.Open(t, d.width, d.height, d.mm)
	b.Go(srv.URL + "/show/home?lang=tk")
	uitest.Eval[bool](b, `(() => { const t = document.querySelector(".tool"); t.style.height = t.style.minWidth = "20px"; t.style.padding = 0; t.style.width = "20px";
		const p = document.querySelector(".tile"); p.style.marginLeft = "-700px"; document.querySelector("h1").style.width = "40px"; document.querySelector("h1").style.overflowWrap = "normal"; return true })()`)
	got := strings.Join(b.Measure(d.limits), "\n")
	for _, want := range []string{"mm, want at least 12", "leaves the window", "cut off"} {
		if !strings.Contains(got, want) {
			t.Errorf("Measure of a spoilt page = %q, want %q in it", got, want)
		}
	}
	uitest.Eval[bool](b, `(() => { document.documentElement.removeAttribute("lang"); document.querySelector(".tool").textContent = ""; return true })()`)
	uitest.Eval[bool](b, `(() => { document.body.setAttribute("style", "color: red"); return true })()`)
	if m := strings.Join(b.Messages(), "\n"); !strings.Contains(m, "Content Security Policy") {
		t.Errorf("Messages after a rule was broken = %q, want the rule in it", m)
	}
	if v := strings.Join(b.Axe(), "\n"); !strings.Contains(v, "html-has-lang") || !strings.Contains(v, "button-name") {
		t.Errorf("Axe of a spoilt page = %q, want html-has-lang and button-name", v)
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
	for _, l := range looks("", "contrast", "dark") {
		b.Go(srv.URL + l.query(0))
		for _, v := range b.Axe() {
			t.Errorf("%s %s %s: %s", l.fixture, l.lang, l.theme, v)
		}
		for _, m := range b.Messages() {
			t.Errorf("%s %s %s: the browser says: %s", l.fixture, l.lang, l.theme, m)
		}
	}
}
