package panel

import (
	"bytes"
	"flag"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/image/font/sfnt"

	"github.com/penjire/penjire/ui/phrase"
)

// fonts are those of the papers, which the kiosk hands in.
func fonts(t testing.TB) Fonts {
	t.Helper()
	read := func(name string) []byte {
		b, err := os.ReadFile(filepath.Join("../../sync/edoc/paper/typeface", name+".ttf"))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	return Fonts{read("NotoSans-Regular"), read("NotoSans-Bold"), read("NotoSansMono-Bold")}
}

// sizes are screens that boards have, and the smallest and largest that count.
var sizes = []image.Point{{480, 320}, {320, 480}, {800, 480}, {1024, 600}, {1280, 800}, {1920, 1080}, {1080, 1920}, {600, 1024}, {240, 240}}

// views are one of each kind, with all it may have.
func views() []View {
	out := []View{}
	for _, k := range Kinds() {
		v := View{Kind: k, Detail: []string{"K-000001", "1.4.2+build.20261130", "rpi4", "A"}}
		switch k {
		case First:
			v.Steps = []Step{{"check", Done}, {"medium", Done}, {"folders", Now}, {"setup", Todo}, {"card", Todo}}
		case Updating:
			v.Steps = []Step{{"download", Done}, {"verify", Unknown}, {"install", Failed}, {"restart", Todo}}
		}
		if k.Trouble() {
			v.Phone = "+993 12 94-00-11"
		}
		out = append(out, v)
	}
	last := out[len(out)-1]
	last.Developer = true
	out = append(out, last)
	for _, h := range Hints() {
		v := View{Kind: Setup, Hint: h, Detail: []string{"1.4.2+build.20261130", "rpi4", "NO-SETUP", "SETUP", "CODE"}, Developer: true}
		if h == NotWiped {
			v.Kind = Enrol
		}
		out = append(out, v)
	}
	return out
}

// TestPictures draws every view for every screen: all words fit, nobody's letters
// leave the screen, and `go test -artifacts` keeps the pictures to be looked at.
func TestPictures(t *testing.T) {
	f := fonts(t)
	for _, size := range sizes {
		t.Run(fmt.Sprintf("%dx%d", size.X, size.Y), func(t *testing.T) {
			p, err := NewPainter(size, f)
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range views() {
				c := p.canvas(image.NewRGBA(image.Rectangle{Max: size}))
				body := p.frame(c, v)
				if langs, px := p.fit(c, v, body); langs == nil {
					t.Errorf("%s: the words do not fit into %v", v.Kind, body)
				} else if few := len(langs) < 3; few != p.TakesTurns(v) || few && min(size.X, size.Y) > 700 {
					t.Errorf("%s: shows %v at %d px; TakesTurns = %v", v.Kind, langs, px, p.TakesTurns(v))
				}
				name := string(v.Kind)
				if v.Hint != "" {
					name += "-" + string(v.Hint)
				} else if v.Developer {
					name += "-developer"
				}
				keep(t, name, p.Draw(v))
			}
		})
	}
}

func keep(t *testing.T, name string, img image.Image) {
	t.Helper()
	if f := flag.Lookup("test.artifacts"); f == nil || f.Value.String() != "true" {
		return // making the pictures takes longer than all else
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(t.ArtifactDir(), name+".png"), b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestBeat: a second later only the sign of life is another one, where no language
// takes its turn.
func TestBeat(t *testing.T) {
	p, err := NewPainter(image.Pt(1280, 800), fonts(t))
	if err != nil {
		t.Fatal(err)
	}
	v := views()[0]
	img := p.Draw(v)
	v.Beat++
	at := p.Beat(img, v)
	if want := p.Draw(v); !bytes.Equal(img.Pix, want.Pix) {
		t.Error("Beat drew another picture than Draw")
	}
	v.Beat++
	next := p.Draw(v)
	same := true
	for y := range 800 {
		for x := range 1280 {
			if img.RGBAAt(x, y) != next.RGBAAt(x, y) {
				same = false
				if !image.Pt(x, y).In(at) {
					t.Fatalf("(%d, %d) changed outside the sign of life at %v", x, y, at)
				}
			}
		}
	}
	if same {
		t.Error("the sign of life stands still")
	}
}

// TestTurns: on a small screen each language has its turn, and then the first again.
func TestTurns(t *testing.T) {
	var got []string
	for beat := 0; beat < 4*turn; beat += turn {
		got = append(got, View{Beat: beat}.Lang())
	}
	if strings.Join(got, " ") != "tk ru en tk" {
		t.Errorf("turns = %q", got)
	}
	p, err := NewPainter(image.Pt(480, 320), fonts(t))
	if err != nil {
		t.Fatal(err)
	}
	v := views()[0]
	first := p.Draw(v)
	v.Beat = turn
	if bytes.Equal(first.Pix, p.Draw(v).Pix) {
		t.Error("the second language looks like the first")
	}
}

// TestLetters: the fonts have every letter of the panel's words, so none is a box.
func TestLetters(t *testing.T) {
	f, err := sfnt.Parse(fonts(t).Regular)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, lang := range phrase.Langs {
		b := phrase.In(lang)
		for _, k := range b.Keys() {
			if !strings.HasPrefix(k, "panel.") {
				continue
			}
			n++
			for _, r := range b.Get(k) {
				if i, err := f.GlyphIndex(nil, r); err != nil || i == 0 {
					t.Errorf("%s %s: no letter for %q", lang, k, r)
				}
			}
		}
		for _, k := range Kinds() {
			if !b.Has("panel."+string(k)+".title") || !b.Has("panel."+string(k)+".do") {
				t.Errorf("%s: no words for %s", lang, k)
			}
		}
		for _, s := range Steps() {
			if !b.Has("panel.step." + s) {
				t.Errorf("%s: no words for step %s", lang, s)
			}
		}
	}
	if n < 60 {
		t.Errorf("looked at %d phrases, want all", n)
	}
}

func TestBadSizes(t *testing.T) {
	for _, s := range []image.Point{{}, {-1, 800}, {200, 800}, {1 << 20, 800}} {
		if _, err := NewPainter(s, fonts(t)); err == nil {
			t.Errorf("NewPainter(%v) = nil, want an error", s)
		}
	}
	if _, err := NewPainter(image.Pt(800, 480), Fonts{}); err == nil {
		t.Error("NewPainter without letters = nil, want an error")
	}
}

// TestOrnament: the göl is the one that the browser shows.
func TestOrnament(t *testing.T) {
	o, err := readOrnament("svg/gol.svg")
	if err != nil || o.w != 49 || o.h != 49 {
		t.Fatalf("readOrnament = %d × %d, %v", o.w, o.h, err)
	}
	if o.cells[24*49+24] != gold || o.cells[0].A != 0 {
		t.Errorf("the middle is %v, the corner %v; want gold and nothing", o.cells[24*49+24], o.cells[0])
	}
	if _, err := readOrnament("css/token.css"); err == nil {
		t.Error("a style sheet was read as a drawing")
	}
}

func BenchmarkDraw(b *testing.B) {
	p, err := NewPainter(image.Pt(1080, 1920), fonts(b))
	if err != nil {
		b.Fatal(err)
	}
	v := views()[0]
	for b.Loop() {
		p.Draw(v)
	}
}
