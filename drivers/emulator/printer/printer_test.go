package printer_test

import (
	"bytes"
	"image"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/emulator/printer"
	"github.com/penjire/penjire/drivers/link"
	"golang.org/x/text/encoding/charmap"
	"rsc.io/qr"
)

// talk plugs p in and returns the host's end of its line.
func talk(t *testing.T, p *printer.Printer) link.Line {
	t.Helper()
	host, dev := link.Pipe("printer", 1<<16)
	done := make(chan struct{})
	go func() { defer close(done); p.Serve(dev) }()
	t.Cleanup(func() {
		if err := host.Close(); err != nil {
			t.Error(err)
		}
		<-done
	})
	return host
}

// say writes b and GS r 1, and returns what the printer answers to all of it.
func say(t *testing.T, l link.Line, want int, b ...byte) []byte {
	t.Helper()
	if _, err := l.Write(b); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 0, want)
	for len(got) < want {
		buf := make([]byte, want-len(got))
		n, err := l.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, buf[:n]...)
	}
	return got
}

func TestText(t *testing.T) {
	p := printer.New(printer.Opts{})
	l := talk(t, p)
	encode := func(c *charmap.Charmap, s string) []byte {
		b, err := c.NewEncoder().Bytes([]byte(s))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	var b []byte
	b = append(b, 0x1B, '@', 0x1C, '.', 0x1B, 'a', 1, 0x1B, 'E', 1, 0x1D, '!', 0x11, 0x1B, 't', 18)
	b = append(b, encode(charmap.CodePage852, "äÄ çÇ žŽ ňŇ\nöÖ şŞ üÜ ýÝ\n")...)
	b = append(b, 0x1D, '!', 0, 0x1B, 'E', 0, 0x1B, 'a', 0, 0x1B, 't', 17)
	b = append(b, encode(charmap.CodePage866, "Справка №12 Ёё, "+strings.Repeat("длинная строка ", 8)+"\n")...)
	b = append(b, 0x1B, 'd', 2, 0x1D, 'V', 66, 0, 0x1D, 'r', 1)
	if got := say(t, l, 1, b...); got[0] != 0 {
		t.Errorf("GS r 1 = %02X, want 00", got[0])
	}
	papers := p.Papers()
	if len(papers) != 1 {
		t.Fatalf("papers: got %d, want 1", len(papers))
	}
	m := papers[0].Image()
	// Two lines twice as high, a Russian text of three lines, and feeds.
	if ink := count(m, image.Rect(0, 0, 576, 96)); ink < 2000 {
		t.Errorf("ink in the large lines: got %d dots, want letters", ink)
	}
	if ink := count(m, image.Rect(0, 112, 576, 200)); ink < 2000 {
		t.Errorf("ink in the small lines: got %d dots, want letters", ink)
	}
	if ink := count(m, image.Rect(0, 0, 100, 96)); ink != 0 {
		t.Errorf("ink left of centred lines: got %d dots, want 0", ink)
	}
	if u := p.Unknown(); len(u) > 0 {
		t.Errorf("Unknown = %q, want none", u)
	}
}

func count(m *image.Gray, r image.Rectangle) int {
	n := 0
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			if m.GrayAt(x, y).Y == 0 {
				n++
			}
		}
	}
	return n
}

// TestAnswers are answers that receiptio, another program's client, accepted.
func TestAnswers(t *testing.T) {
	p := printer.New(printer.Opts{})
	l := talk(t, p)
	all := func() []byte {
		return say(t, l, 4, 0x10, 4, 1, 0x10, 4, 2, 0x10, 4, 3, 0x10, 4, 4)
	}
	for _, v := range []struct {
		do   func()
		want []byte
	}{
		{func() {}, []byte{0x12, 0x12, 0x12, 0x12}},
		{func() { p.SetPaper(device.PaperLow) }, []byte{0x12, 0x12, 0x12, 0x1E}},
		{func() { p.SetPaper(device.PaperOut) }, []byte{0x1A, 0x32, 0x12, 0x7E}},
		{func() { p.SetCover(device.CoverOpen) }, []byte{0x1A, 0x36, 0x12, 0x7E}},
		{func() { p.SetCover(device.CoverClosed); p.SetPaper(device.PaperJammed) }, []byte{0x1A, 0x72, 0x1A, 0x7E}},
		{func() { p.SetPaper(device.PaperFull) }, []byte{0x12, 0x12, 0x12, 0x12}},
	} {
		v.do()
		if got := all(); !bytes.Equal(got, v.want) {
			t.Errorf("DLE EOT 1 to 4 with %+v = % X, want % X", p.State(), got, v.want)
		}
	}
	const want = "_SPECIMEN-80\x00" + "\x37\x22abcd\x00"
	got := say(t, l, len(want), 0x1D, 'I', 67, 0x1D, '(', 'H', 6, 0, 0x30, 0x30, 'a', 'b', 'c', 'd')
	if string(got) != want {
		t.Errorf("GS I 67, GS ( H = %q, want %q", got, want)
	}
}

// TestOfflineKeeps: what was sent to an offline printer comes out afterwards,
// unless it was told to forget it.
func TestOfflineKeeps(t *testing.T) {
	for _, forget := range []bool{false, true} {
		p := printer.New(printer.Opts{})
		l := talk(t, p)
		p.SetCover(device.CoverOpen)
		job := []byte{0x1D, 'v', '0', 0, 1, 0, 1, 0, 0xFF, 0x1D, 'V', 0}
		say(t, l, 1, append(job, 0x10, 4, 1)...)
		if forget {
			if got := say(t, l, 3, 0x10, 0x14, 8, 1, 3, 20, 1, 6, 2, 8); !bytes.Equal(got, []byte{0x37, 0x25, 0}) {
				t.Errorf("DLE DC4 8 = % X, want 37 25 00", got)
			}
		}
		p.SetCover(device.CoverClosed)
		say(t, l, 1, 0x1D, 'r', 1)
		want := 1
		if forget {
			want = 0
		}
		if n := len(p.Papers()); n != want {
			t.Errorf("papers with forget %v: got %d, want %d", forget, n, want)
		}
	}
}

func TestTearAndKeep(t *testing.T) {
	p := printer.New(printer.Opts{Keep: 2, Width: 16})
	l := talk(t, p)
	row := []byte{0x1D, 'v', '0', 0, 2, 0, 1, 0, 0xFF, 0x00}
	say(t, l, 1, append(row, 0x1D, 'r', 1)...)
	if h := p.Hanging(); h == nil || h.Rows != 1 || !p.State().Printing {
		t.Errorf("Hanging = %+v, want one row", h)
	}
	p.Tear()
	for range 3 {
		say(t, l, 1, append(slices.Clone(row), 0x1D, 'V', 1, 0x1D, 'r', 1)...)
	}
	if n, s := len(p.Papers()), p.State(); n != 2 || s.Papers != 4 || s.Printing {
		t.Errorf("papers: got %d of %+v, want the last 2 of 4", n, s)
	}
	var roll bytes.Buffer
	if err := p.WriteRoll(&roll); err != nil {
		t.Fatal(err)
	}
	if m, err := png.Decode(&roll); err != nil || m.Bounds() != image.Rect(0, 0, 16+64, 2*(1+64)+24) {
		t.Errorf("roll = %v, %v, want two papers and a gap", m.Bounds(), err)
	}
}

// TestZbarReadsThePaper prints a QR code as dots and has zbarimg, which knows
// nothing of us, read it from the picture of the paper.
func TestZbarReadsThePaper(t *testing.T) {
	zbar, err := exec.LookPath("zbarimg")
	if err != nil {
		if os.Getenv("PENJIRE_PEERS") == "require" {
			t.Fatalf("peer zbarimg is missing: %v (apt-get install zbar-tools)", err)
		}
		t.Skip("LEFT OUT: the peer zbarimg is not installed; the paper's picture was not read by another program")
	}
	const text = "HTTPS://PORTAL.SPECIMEN/V/MFRGGZDFMZTWQ2LKMFRGGZDFMZTWQ2LK"
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		t.Fatal(err)
	}
	const module, quiet = 5, 4
	rows := (code.Size + 2*quiet) * module
	stride := (rows + 7) / 8
	b := []byte{0x1B, 'a', 1, 0x1D, 'v', '0', 0, byte(stride), 0, byte(rows), byte(rows >> 8)}
	for y := range rows {
		row := make([]byte, stride)
		for x := range rows {
			if code.Black(x/module-quiet, y/module-quiet) {
				row[x/8] |= 0x80 >> (x % 8)
			}
		}
		b = append(b, row...)
	}
	p := printer.New(printer.Opts{})
	say(t, talk(t, p), 1, append(b, 0x1D, 'V', 66, 0, 0x1D, 'r', 1)...)
	name := filepath.Join(t.TempDir(), "paper.png")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Last().WritePNG(f); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), zbar, "-q", "--raw", name).Output()
	if err != nil || strings.TrimSpace(string(out)) != text {
		t.Errorf("zbarimg = %q, %v, want %q", out, err, text)
	}
}

// FuzzPrinter feeds the interpreter anything: it neither stops nor prints
// outside its paper.
func FuzzPrinter(f *testing.F) {
	f.Add([]byte{0x1D, 'v', '0', 3, 2, 0, 1, 0, 0xFF, 0x00, 'a', 0x0A})
	f.Add([]byte{0x1B, '!', 0x30, 'A', 0x0A, 0x1D, '(', 'k', 3, 0, 1, 2, 3, 0x10, 0x14, 1, 0, 1})
	f.Add([]byte("\x1D8L\x0E\x00\x00\x00\x30\x70\x30\x01\x01\x31\x08\x00\x04\x00abcd\x1D(L\x02\x00\x30\x32\x1B*\x21\x01\x00abc\n"))
	f.Add([]byte("\x1D(k\x03\x001C\x06\x1D(k\x05\x001P0Az\x1D(k\x03\x001Q0\x1De\x03\x08\x1De\x02\x1DG\x31AbCd\x1Bi\x1DG\x30\x1Bv\x1Br\x01"))
	f.Fuzz(func(t *testing.T, b []byte) {
		o := printer.Opts{Width: 64, Presenter: true, Retracts: true}
		if len(b) > 0 {
			o.Dialect = printer.Dialect(b[0] % 3)
		}
		p := printer.New(o)
		host, dev := link.Pipe("printer", 1<<16)
		done := make(chan struct{})
		go func() { defer close(done); p.Serve(dev) }()
		go func() {
			buf := make([]byte, 256)
			for {
				if _, err := host.Read(buf); err != nil {
					return
				}
			}
		}()
		if _, err := host.Write(b); err != nil {
			t.Error(err)
		}
		if err := host.Close(); err != nil {
			t.Error(err)
		}
		<-done
		if l := p.Last(); l != nil && l.Width != 64 {
			t.Errorf("paper is %d dots wide, want 64", l.Width)
		}
	})
}
