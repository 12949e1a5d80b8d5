package escpos_test

import (
	"errors"
	"flag"
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/devicetest"
	"github.com/penjire/penjire/drivers/emulator/printer"
	"github.com/penjire/penjire/drivers/escpos"
	"github.com/penjire/penjire/drivers/link/linktest"
)

var update = flag.Bool("update", false, "write the golden pictures anew")

const code = "HTTPS://PORTAL.SPECIMEN/V/MFRGGZDFMZTWQ2LKMFRGGZDFMZTWQ2LK"

// ticket has every letter of Turkmen and Russian, both in one line, in all sizes
// and places, letters that no code page has, a code and a picture.
func ticket(width int) []device.Line {
	ruler := image.NewGray(image.Rect(0, 0, width, 24))
	for i := range ruler.Pix {
		ruler.Pix[i] = 0xFF
		if x := i % width; x%8 == 0 {
			ruler.Pix[i] = 0
		}
	}
	return []device.Line{
		{Text: "Talapnama kabul edildi", Align: device.AlignCentre, Bold: true},
		{Text: "Заявка принята", Double: true, Align: device.AlignCentre},
		{Text: "äÄ çÇ žŽ ňŇ öÖ şŞ üÜ ýÝ"},
		{Text: "АБВГДЕЁЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮ"},
		{Text: "абвгдеёжзийклмнопрстуфхцчшщъыьэю", Bold: true},
		{Text: "Ňeniň № 12 / Номер № 12", Align: device.AlignRight},
		{Text: "Ýüňşöžäç", Double: true, Bold: true, Align: device.AlignRight},
		{},
		{Text: "# $ @ [ \\ ] ^ ` { | } ~"},
		{Text: "n\u030C is one letter, ≤ is in no page"},
		{Picture: ruler},
		{Text: "Aşgabat, 12.11.2026", Bold: true},
		{QR: code, Align: device.AlignCentre},
		{Text: "soň / конец"},
	}
}

// printTicket prints on an emulated printer of the profile and returns its paper.
func printTicket(t *testing.T, profile string) *image.Gray {
	return ticketOn(t, modelOf(t, profile, 0), escpos.Opts{Profile: profile})
}

// drawTicket prints it as pictures on a paper of that width.
func drawTicket(t *testing.T, width int) *image.Gray {
	return ticketOn(t, printer.New(printer.Opts{Width: width}), escpos.Opts{Width: width})
}

func ticketOn(t *testing.T, p *printer.Printer, o escpos.Opts) (m *image.Gray) {
	synctest.Test(t, func(t *testing.T) {
		d, err := escpos.New(linktest.Plug(t, "printer", p), o)
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := d.Halt(); err != nil {
				t.Error(err)
			}
		}()
		devicetest.Online(t, d)
		if out, err := d.PrintText(t.Context(), ticket(d.Width())); out != device.Printed || err != nil {
			t.Fatalf("PrintText = %v, %v, want Printed", out, err)
		}
		papers := p.Papers()
		if u := p.Unknown(); len(papers) != 1 || len(u) > 0 {
			t.Fatalf("got %d papers, and the commands %q that the printer does not know, want 1 and none", len(papers), u)
		}
		m = papers[0].Image()
	})
	return m
}

// TestTextInEveryProfile: on every model the ticket comes out dot for dot as on
// a printer of the same width that prints everything as a picture, and as it is
// in the golden picture, which a person has read.
func TestTextInEveryProfile(t *testing.T) {
	for _, name := range escpos.Profiles() {
		t.Run(name, func(t *testing.T) {
			got := printTicket(t, name)
			file := filepath.Join("testdata", "ticket-"+strconv.Itoa(got.Rect.Dx())+".png")
			if *update {
				writePNG(t, file, drawTicket(t, got.Rect.Dx()))
			}
			want := readPNG(t, file)
			// Papers end in white of different lengths.
			rows := max(got.Bounds().Dy(), want.Bounds().Dy())
			for y := range rows {
				for x := range got.Bounds().Dx() {
					if ink(got, x, y) != ink(want, x, y) {
						t.Fatalf("dot %d in row %d: ink is %v, want %v as in %s", x, y, ink(got, x, y), ink(want, x, y), file)
					}
				}
			}
		})
	}
}

// TestWrongPageIsSeen: the comparison can fail. A printer whose pages have other
// numbers than its profile says prints other letters.
func TestWrongPageIsSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, _ := printer.Model("star-tup500")
		p := printer.New(o)
		d := driveAs(t, linktest.Plug(t, "printer", p), "epson-tm-t20")
		devicetest.Online(t, d)
		if out, err := d.PrintText(t.Context(), ticket(d.Width())); out != device.Printed || err != nil {
			t.Fatalf("PrintText = %v, %v, want Printed", out, err)
		}
		got, want := p.Last().Image(), readPNG(t, filepath.Join("testdata", "ticket-576.png"))
		for y := range want.Bounds().Dy() {
			for x := range want.Bounds().Dx() {
				if ink(got, x, y) != ink(want, x, y) {
					return
				}
			}
		}
		t.Error("a printer with other pages printed the same paper")
	})
}

// TestZbarReadsEveryProfile: the code on the paper is read by zbarimg.
func TestZbarReadsEveryProfile(t *testing.T) {
	zbar, err := exec.LookPath("zbarimg")
	if err != nil {
		if os.Getenv("PENJIRE_PEERS") == "require" {
			t.Fatalf("peer zbarimg is missing: %v (apt-get install zbar-tools)", err)
		}
		t.Skip("LEFT OUT: the peer zbarimg is not installed; the printed codes were not read by another program")
	}
	for _, name := range escpos.Profiles() {
		file := filepath.Join(t.TempDir(), "paper.png")
		writePNG(t, file, printTicket(t, name))
		out, err := exec.CommandContext(t.Context(), zbar, "-q", "--raw", file).Output()
		if err != nil || strings.TrimSpace(string(out)) != code {
			t.Errorf("%s: zbarimg = %q, %v, want %q", name, out, err, code)
		}
	}
}

// TestTextRefuses: what cannot come out as it was given is not printed at all.
func TestTextRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := modelOf(t, escpos.Generic, 0)
		d := driveAs(t, linktest.Plug(t, "printer", p), "")
		devicetest.Online(t, d)
		if n := d.Columns(); n != 48 {
			t.Errorf("Columns = %d, want 48", n)
		}
		good := device.Line{Text: strings.Repeat("x", 48)}
		for name, l := range map[string]device.Line{
			"no such letter":     {Text: "漢字"},
			"a command":          {Text: "a\x1B@"},
			"two lines":          {Text: "a\nb"},
			"too long":           {Text: strings.Repeat("x", 49)},
			"too long, doubled":  {Text: strings.Repeat("x", 25), Double: true},
			"nowhere":            {Text: "x", Align: 3},
			"code with a letter": {QR: "Ň"},
			"code too large":     {QR: strings.Repeat("x", 3000)},
			"narrow picture":     {Picture: image.NewGray(image.Rect(0, 0, 8, 8))},
		} {
			out, err := d.PrintText(t.Context(), []device.Line{good, l})
			e, ok := errors.AsType[*device.Error](err)
			if out != device.NotPrinted || !ok || e.SideEffect != device.SideEffectNo {
				t.Errorf("%s: PrintText = %v, %v, want NotPrinted and no side effect", name, out, err)
			}
			if ok && l.Text != "" && len(l.Text) > 1 && strings.Contains(err.Error(), l.Text) {
				t.Errorf("%s: the error holds the text: %v", name, err)
			}
		}
		if out, err := d.PrintText(t.Context(), nil); out != device.NotPrinted || err == nil {
			t.Errorf("PrintText of nothing = %v, %v, want NotPrinted", out, err)
		}
		if n := len(p.Papers()); n != 0 {
			t.Errorf("papers: got %d, want 0", n)
		}
	})
}

func ink(m *image.Gray, x, y int) bool {
	return image.Pt(x, y).In(m.Rect) && m.GrayAt(x, y).Y < 0x80
}

func writePNG(t *testing.T, file string, m *image.Gray) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	// Two colours: such pictures are small.
	pal := image.NewPaletted(m.Rect, color.Palette{color.White, color.Black})
	for i, v := range m.Pix {
		if v < 0x80 {
			pal.Pix[i] = 1
		}
	}
	if err := errors.Join(png.Encode(f, pal), f.Close()); err != nil {
		t.Fatal(err)
	}
}

func readPNG(t *testing.T, file string) *image.Gray {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	m, err := png.Decode(f)
	if err = errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	g := image.NewGray(m.Bounds())
	for y := range g.Rect.Dy() {
		for x := range g.Rect.Dx() {
			g.Set(x, y, m.At(x, y))
		}
	}
	return g
}
