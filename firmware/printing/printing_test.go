package printing

import (
	"flag"
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"golang.org/x/image/font/sfnt"

	"github.com/penjire/penjire/sync/catalog"
	"github.com/penjire/penjire/sync/catalog/packs"
	"github.com/penjire/penjire/sync/citizen"
)

var update = flag.Bool("update", false, "write testdata instead of comparing with it")

var place = catalog.Text{TK: "Nusga obasy, telemerkez", RU: "Село Нусга, телецентр", EN: "Nusga village, telecentre"}

// A URL as long as a real receipt's seal, one as long as a real copy's, and as
// long as one ever is where facts are left out (ED-SEAL-8).
var (
	receiptSeal = "HTTPS://PORTAL.SPECIMEN/V/" + strings.Repeat("2SCGBIIB", 32)
	copySeal    = "HTTPS://PORTAL.SPECIMEN/V/" + strings.Repeat("7YWEKMBT", 52)
	fullSeal    = "HTTPS://" + strings.Repeat("P", 51) + "/V/" + strings.Repeat("7YWEKMBT", 84)
)

func receipt(t *testing.T, lang, service string) Receipt {
	t.Helper()
	c, err := packs.Catalogue(1)
	if err != nil {
		t.Fatal(err)
	}
	s, _ := c.Service(service)
	a, _ := c.Agency(s.Agency)
	return Receipt{
		Lang: lang, Kiosk: "K-000001", Place: place, Service: s.Title, Agency: a.Name, Code: "K7M4P29QDX",
		Made: time.Date(2026, 11, 22, 15, 4, 0, 0, time.UTC), Due: time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC),
		Index: 1234, Size: 1235, Root: [32]byte{0xa1, 0xb2, 0xc3, 0xd4, 0xe5, 0xf6, 7, 8},
		Seal: receiptSeal, Look: "portal.specimen/status",
		NoCard: s.Identification == catalog.IdentifyNone,
	}
}

func certified(t *testing.T, lang string) Copy {
	t.Helper()
	c, err := packs.Catalogue(1)
	if err != nil {
		t.Fatal(err)
	}
	s, _ := c.Service("residence-certificate")
	a, _ := c.Agency(s.Agency)
	values := []string{"NUSGA-2026-000042", "Nusga etraby, Nusga obasy, Magtymguly şaýoly, 12-nji jaý", "7 mart 2009", "Bank üçin"}
	out := Copy{
		Lang: lang, Kiosk: "K-000001", Place: place, Title: s.Result.Title, Agency: a.Name,
		Signer:  "SPECIMEN civil-registry",
		Signed:  time.Date(2026, 11, 24, 10, 20, 0, 0, time.UTC),
		Subject: citizen.NewText("Nusgaýewa Aýna Nusgaýewna"), ID: "•••• 0001",
		Code: "K7M4P29QDX", Requested: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC), Pages: 1,
		Document: [32]byte{0xde, 0xad, 0xbe, 0xef, 1, 2, 3, 4}, Seal: copySeal, Check: "4F7K29QDXM",
		Look: "portal.specimen/v", Printed: time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC),
	}
	for i, f := range s.Result.Facts {
		out.Facts = append(out.Facts, Fact{Label: f.Label.In(lang), Value: citizen.NewText(values[i])})
	}
	return out
}

// partial is a copy whose seal has no room for one of the facts.
func partial(t *testing.T, lang string) Copy {
	t.Helper()
	c := certified(t, lang)
	c.Part, c.Seal = true, fullSeal
	for i := range c.Facts {
		c.Facts[i].Sealed = i != 1
	}
	return c
}

// Every paper in every language, on the two common widths: dots only black or
// white, nothing cut at the sides, and its seal readable.
func TestPapers(t *testing.T) {
	papers := 0
	for _, lang := range []string{"tk", "ru", "en"} {
		for _, width := range []int{576, 384} {
			for _, marked := range []bool{false, true} {
				r := receipt(t, lang, "complaint")
				r.Marked, r.Received = marked, marked
				img, err := r.Draw(width, 203)
				check(t, img, err, width, r.Seal)
				c := certified(t, lang)
				c.Marked = marked
				img, err = c.Draw(width, 203)
				check(t, img, err, width, c.Seal)
				c = partial(t, lang)
				c.Marked = marked
				img, err = c.Draw(width, 203)
				check(t, img, err, width, c.Seal)
				papers += 3
			}
		}
	}
	if papers != 36 {
		t.Errorf("drew %d papers, want 36", papers)
	}
}

func check(t *testing.T, img image.Image, err error, width int, seal string) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	b := img.Bounds()
	if b.Dx() != width || b.Dy() < 900 || b.Dy() > 4000 {
		t.Errorf("Draw = %v, want %d dots wide and a hand's length", b, width)
	}
	// Text keeps to the margins; only the carpet's edges reach the sides.
	edge := 30
	for y := b.Min.Y + edge; y < b.Max.Y-edge; y++ {
		for _, x := range []int{0, 1, 2, width - 3, width - 2, width - 1} {
			if img.At(x, y) == color.Gray16Model.Convert(color.Black) || isInk(img, x, y) {
				t.Fatalf("ink at %d,%d: outside the margin", x, y)
			}
		}
	}
	if got := scanned(t, img); got != seal {
		t.Errorf("zbarimg reads %.40q…, want %.40q…", got, seal)
	}
}

func isInk(img image.Image, x, y int) bool {
	r, _, _, _ := img.At(x, y).RGBA()
	return r == 0
}

// scanned returns what an independent reader makes of the picture's code.
func scanned(t *testing.T, img image.Image) string {
	t.Helper()
	zbar, err := exec.LookPath("zbarimg")
	if err != nil {
		if os.Getenv("PENJIRE_PEERS") == "require" {
			t.Fatal("zbarimg is not installed, and PENJIRE_PEERS=require")
		}
		t.Skip("NOT CHECKED: zbarimg is not installed, so no seal was read back")
	}
	name := filepath.Join(t.TempDir(), "paper.png")
	write(t, name, img)
	out, err := exec.Command(zbar, "-q", "--raw", "-Sdisable", "-Sqrcode.enable", name).Output()
	if err != nil {
		t.Fatalf("zbarimg: %v", err)
	}
	return strings.TrimSuffix(string(out), "\n")
}

func write(t *testing.T, name string, img image.Image) {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := png.Encode(f, img); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// The papers look as they were approved to look. After a change on purpose, run
// with -update and look at the pictures.
func TestGolden(t *testing.T) {
	marked := certified(t, "ru")
	marked.Marked = true
	for name, draw := range map[string]func(int, int) (image.Image, error){
		"receipt-tk":   receipt(t, "tk", "residence-certificate").Draw,
		"receipt-en":   receipt(t, "en", "complaint").Draw,
		"copy-tk":      certified(t, "tk").Draw,
		"copy-marked":  marked.Draw,
		"copy-part":    partial(t, "ru").Draw,
		"receipt-58mm": func(int, int) (image.Image, error) { return receipt(t, "ru", "job-seeker").Draw(384, 203) },
	} {
		t.Run(name, func(t *testing.T) {
			img, err := draw(576, 203)
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join("testdata", name+".png")
			if *update {
				write(t, file, img)
			}
			f, err := os.Open(file)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			want, err := png.Decode(f)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := img.Bounds(), want.Bounds(); got != want {
				t.Fatalf("Draw = %v, want %v as in %s", got, want, file)
			}
			b := img.Bounds()
			for y := range b.Dy() {
				for x := range b.Dx() {
					if isInk(img, x, y) != isInk(want, x, y) {
						t.Fatalf("dot %d,%d differs from %s", x, y, file)
					}
				}
			}
		})
	}
}

// What the paper claims must change with what happened.
func TestTruth(t *testing.T) {
	height := func(r Receipt) int {
		img, err := r.Draw(576, 203)
		if err != nil {
			t.Fatal(err)
		}
		return img.Bounds().Dy()
	}
	r := receipt(t, "en", "job-seeker")
	plain := height(r)
	r.Marked = true
	if got := height(r); got <= plain {
		t.Errorf("a marked receipt is %d dots long, a plain one %d: the mark is missing", got, plain)
	}
	// A copy must say that it is a copy, in the words of ED-9.
	for lang, want := range map[string]string{"tk": "ELEKTRON RESMINAMANYŇ KAGYZ NUSGASY", "ru": "КОПИЯ", "en": "COPY"} {
		if got := words.CopyHead.In(lang); !strings.Contains(got, want) {
			t.Errorf("CopyHead = %q, want %q in it", got, want)
		}
	}
}

// A code that cannot be printed large enough to be read is refused, not shrunk.
func TestTooMuch(t *testing.T) {
	r := receipt(t, "tk", "job-seeker")
	r.Seal = strings.Repeat("A", 1600)
	if img, err := r.Draw(384, 203); err == nil {
		t.Errorf("Draw = %v, want an error for a seal of 1600 characters on 58 mm", img.Bounds())
	}
	r.Seal = strings.Repeat("A", 9000)
	if _, err := r.Draw(576, 203); err == nil {
		t.Error("Draw = nil, want an error for a seal that no code holds")
	}
	c := certified(t, "tk")
	c.Facts = append(c.Facts, Fact{Label: "Nusga", Value: citizen.NewText(strings.Repeat("nusga ", 5000))})
	if _, err := c.Draw(576, 203); err == nil {
		t.Error("Draw = nil, want an error for a paper longer than half a metre")
	}
	if _, err := r.Draw(100, 203); err == nil {
		t.Error("Draw = nil, want an error for a printer of 100 dots")
	}
}

// Every letter that the papers use has a glyph: the fonts are subsets.
func TestLetters(t *testing.T) {
	all, err := parsed()
	if err != nil {
		t.Fatal(err)
	}
	c, err := packs.Catalogue(1)
	if err != nil {
		t.Fatal(err)
	}
	texts := []catalog.Text{{
		TK: "aäbçdefgžhijňklmnoöprsştuüwyýzAÄBÇDEFGŽHIJŇKLMNOÖPRSŞTUÜWYÝZ",
		RU: "абвгдеёжзийклмнопрстуфхцчшщъыьэюяАБВГДЕЁЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯ", EN: "•№«»“”’–—·…\u00a0",
	}}
	v := reflect.ValueOf(words)
	for i := range v.NumField() {
		text := v.Field(i).Interface().(catalog.Text)
		for _, lang := range []string{"tk", "ru", "en"} {
			if strings.TrimSpace(text.In(lang)) == "" {
				t.Errorf("words.%s has no %s", v.Type().Field(i).Name, lang)
			}
		}
		texts = append(texts, text)
	}
	for _, a := range c.Agencies {
		texts = append(texts, a.Name)
	}
	for _, s := range c.Services {
		texts = append(texts, s.Title, s.Result.Title)
		for _, f := range s.Result.Facts {
			texts = append(texts, f.Label)
		}
	}
	var b sfnt.Buffer
	for _, name := range []string{regular, bold} {
		for _, text := range texts {
			for _, r := range text.TK + text.RU + text.EN {
				if i, err := all[name].GlyphIndex(&b, r); err != nil || i == 0 {
					t.Errorf("%s has no %q", name, r)
				}
			}
		}
	}
}
