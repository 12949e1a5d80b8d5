package asset_test

import (
	"fmt"
	"io/fs"
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/penjire/penjire/ui/asset"
)

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := fs.ReadFile(asset.FS, name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// The files that the package comment promises are there, with the licence of
// the fonts.
func TestFiles(t *testing.T) {
	doc, err := os.ReadFile("asset.go")
	if err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile(`(?:css|js|svg|font)/[a-z0-9-]+\.[a-z0-9]+`).FindAllString(string(doc), -1)
	if len(names) < 8 {
		t.Fatalf("the package comment names %d files, want all", len(names))
	}
	for _, n := range append(names, "font/OFL.txt") {
		if len(read(t, n)) < 100 {
			t.Errorf("%s is empty", n)
		}
	}
}

// Nothing that is drawn asks for anything from elsewhere, and no style sheet
// leaves a file out.
func TestNothingFromElsewhere(t *testing.T) {
	for _, n := range []string{"css/token.css", "css/app.css", "css/device.css", "js/app.js"} {
		s := strings.ReplaceAll(read(t, n), "http://www.w3.org/2000/svg", "")
		if strings.Contains(s, "//www") || strings.Contains(s, "https:") || strings.Contains(s, "http:") {
			t.Errorf("%s asks for something from elsewhere", n)
		}
	}
	for _, n := range []string{"innerHTML", "eval(", "localStorage", "sessionStorage", "indexedDB", "document.cookie", "console."} {
		if strings.Contains(read(t, "js/app.js"), n) {
			t.Errorf("app.js uses %s", n)
		}
	}
}

var token = regexp.MustCompile(`--([a-z-]+): (#[0-9A-Fa-f]{3,6})`)

// tokens returns the colours of a theme: those of :root, laid over by its own.
func tokens(t *testing.T, theme string) map[string]string {
	css := read(t, "css/token.css")
	m := map[string]string{}
	for _, part := range []string{":root {", theme + " {"} {
		_, s, ok := strings.Cut(css, part)
		if !ok {
			t.Fatalf("token.css has no %s", part)
		}
		s, _, _ = strings.Cut(s, "\n}")
		for _, x := range token.FindAllStringSubmatch(s, -1) {
			m[x[1]] = x[2]
		}
	}
	return m
}

func luminance(t *testing.T, hex string) float64 {
	hex = strings.TrimPrefix(hex, "#")
	if len(hex) == 3 {
		hex = string([]byte{hex[0], hex[0], hex[1], hex[1], hex[2], hex[2]})
	}
	n, err := strconv.ParseUint(hex, 16, 32)
	if err != nil {
		t.Fatal(err)
	}
	var l float64
	for i, w := range []float64{.2126, .7152, .0722} {
		c := float64(n>>(16-8*i)&255) / 255
		if c <= .04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+.055)/1.055, 2.4)
		}
		l += w * c
	}
	return l
}

// Words stand out 7 : 1 from what they are on, in the theme for bad eyes 10 : 1,
// edges of controls 3 : 1 (checklist 4).
func TestContrast(t *testing.T) {
	words := [][2]string{
		{"ink", "paper"},
		{"ink", "card"},
		{"soft", "paper"},
		{"soft", "card"},
		{"ink", "key"},
		{"ink", "pale"},
		{"green", "paper"},
		{"green", "card"},
		{"green", "pale"},
		{"on-green", "green"},
		{"red", "paper"},
		{"red", "pale-red"},
		{"amber", "pale-amber"},
		{"amber", "card"},
		{"on-red", "red"},
	}
	edges := [][2]string{{"edge", "paper"}, {"edge", "card"}, {"focus", "paper"}, {"focus", "card"}, {"green", "board"}}
	for theme, least := range map[string]float64{":root": 7, ".contrast": 10, ".dark": 7} {
		m := tokens(t, theme)
		ratio := func(p [2]string) float64 {
			a, b := luminance(t, m[p[0]]), luminance(t, m[p[1]])
			return (max(a, b) + .05) / (min(a, b) + .05)
		}
		for _, p := range words {
			if r := ratio(p); r < least {
				t.Errorf("%s: %s on %s is %.1f : 1, want %s", theme, p[0], p[1], r, fmt.Sprint(least))
			}
		}
		for _, p := range edges {
			if r := ratio(p); r < 3 {
				t.Errorf("%s: %s on %s is %.1f : 1, want 3", theme, p[0], p[1], r)
			}
		}
	}
}
