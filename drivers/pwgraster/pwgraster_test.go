package pwgraster_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"image"
	"image/color"
	"io"
	"testing"

	"github.com/penjire/penjire/drivers/pwgraster"
)

// page returns a picture with blank lines, long and short runs, and noise.
func page(w, h int, inColor bool) image.Image {
	img := image.NewRGBA(image.Rect(3, 5, 3+w, 5+h)) // not at the origin
	x := uint32(w*7919 + h)
	for i := range h {
		for j := range w {
			c := color.RGBA{0xFF, 0xFF, 0xFF, 0xFF}
			x ^= x << 13
			x ^= x >> 17
			x ^= x << 5
			switch {
			case i%4 == 1 && x&1 == 0:
				c = color.RGBA{byte(x >> 8), byte(x >> 16), byte(x >> 24), 0xFF}
			case i%4 == 2 && j/5%2 == 0:
				c = color.RGBA{0x10, 0x20, 0x30, 0xFF}
			}
			img.SetRGBA(3+j, 5+i, c)
		}
	}
	if inColor {
		return img
	}
	g := image.NewGray(img.Rect)
	for i := range h {
		for j := range w {
			g.Set(3+j, 5+i, img.At(3+j, 5+i))
		}
	}
	return g
}

func encode(t testing.TB, pages ...image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	e := pwgraster.NewEncoder(&b)
	for _, p := range pages {
		_, gray := p.(*image.Gray)
		h := pwgraster.Header{DPI: 300, Width: p.Bounds().Dx(), Height: p.Bounds().Dy(), Color: !gray, Pages: len(pages), SizeName: "iso_a4_210x297mm"}
		if err := e.Encode(h, p); err != nil {
			t.Fatalf("Encode = %v, want nil", err)
		}
	}
	return b.Bytes()
}

// TestRuns has the runs of 5102.4, section 4.4, byte for byte.
func TestRuns(t *testing.T) {
	row := func(pix ...byte) *image.Gray {
		return &image.Gray{Pix: pix, Stride: len(pix), Rect: image.Rect(0, 0, len(pix), 1)}
	}
	for name, v := range map[string]struct {
		img  *image.Gray
		want string
	}{
		"one pixel":        {row(7), "00" + "0007"},
		"a run":            {row(7, 7, 7), "00" + "0207"},
		"literals":         {row(1, 2, 3), "00" + "FE010203"},
		"literals, run":    {row(1, 2, 3, 4, 4), "00" + "FE010203" + "0104"},
		"run, literals":    {row(4, 4, 1, 2, 3), "00" + "0104" + "FE010203"},
		"129 of a kind":    {row(bytes.Repeat([]byte{9}, 129)...), "00" + "7F09" + "0009"},
		"three lines same": {&image.Gray{Pix: bytes.Repeat([]byte{5}, 6), Stride: 2, Rect: image.Rect(0, 0, 2, 3)}, "02" + "0105"},
	} {
		b := encode(t, v.img)
		want, err := hex.DecodeString(v.want)
		if err != nil {
			t.Fatal(err)
		}
		if got := b[4+1796:]; !bytes.Equal(got, want) {
			t.Errorf("%s: got % X, want % X", name, got, want)
		}
	}
	// 300 lines alike: a repeat count holds 256 of them.
	tall := image.NewGray(image.Rect(0, 0, 1, 300))
	if got, want := encode(t, tall)[4+1796:], []byte{255, 0, 0, 43, 0, 0}; !bytes.Equal(got, want) {
		t.Errorf("300 lines: got % X, want % X", got, want)
	}
}

func TestRoundTrip(t *testing.T) {
	for _, inColor := range []bool{false, true} {
		pages := []image.Image{page(1, 1, inColor), page(257, 300, inColor), page(640, 33, inColor)}
		d := pwgraster.NewDecoder(bytes.NewReader(encode(t, pages...)))
		for i, want := range pages {
			h, got, err := d.Decode()
			if err != nil || h.Color != inColor || h.DPI != 300 || h.Pages != 3 || h.SizeName != "iso_a4_210x297mm" {
				t.Fatalf("Decode page %d = %+v, %v", i, h, err)
			}
			same(t, got, want)
		}
		if _, _, err := d.Decode(); err != io.EOF {
			t.Errorf("Decode after the last page = %v, want io.EOF", err)
		}
	}
}

func same(t *testing.T, got, want image.Image) {
	t.Helper()
	g, w := got.Bounds(), want.Bounds()
	if g.Size() != w.Size() {
		t.Fatalf("page is %v, want %v", g.Size(), w.Size())
	}
	for y := range w.Dy() {
		for x := range w.Dx() {
			gr, gg, gb, _ := got.At(g.Min.X+x, g.Min.Y+y).RGBA()
			wr, wg, wb, _ := want.At(w.Min.X+x, w.Min.Y+y).RGBA()
			if gr != wr || gg != wg || gb != wb {
				t.Fatalf("dot %d in line %d: got %v, want %v", x, y, got.At(g.Min.X+x, g.Min.Y+y), want.At(w.Min.X+x, w.Min.Y+y))
			}
		}
	}
}

// TestClearToEnd: the run that whitens the rest of a line is read, though we
// never write it.
func TestClearToEnd(t *testing.T) {
	b := encode(t, page(4, 1, false))[:4+1796]
	_, img, err := pwgraster.NewDecoder(bytes.NewReader(append(b, 0, 0, 7, 128))).Decode()
	if err != nil {
		t.Fatalf("Decode = %v, want nil", err)
	}
	same(t, img, &image.Gray{Pix: []byte{7, 0xFF, 0xFF, 0xFF}, Stride: 4, Rect: image.Rect(0, 0, 4, 1)})
}

func TestRefuses(t *testing.T) {
	whole := encode(t, page(16, 8, false))
	for n := range whole {
		if _, _, err := pwgraster.NewDecoder(bytes.NewReader(whole[:n])).Decode(); err == nil {
			t.Fatalf("Decode of the first %d of %d bytes = nil, want an error", n, len(whole))
		}
	}
	if err := pwgraster.NewEncoder(io.Discard).Encode(pwgraster.Header{DPI: 300, Width: 5, Height: 5}, page(4, 5, false)); err == nil {
		t.Error("Encode of a picture of another size = nil, want an error")
	}
	d := pwgraster.NewDecoder(bytes.NewReader(whole))
	d.MaxDots = 16*8 - 1
	if _, _, err := d.Decode(); !errors.Is(err, pwgraster.ErrFormat) {
		t.Errorf("Decode of a page that is too large = %v, want ErrFormat", err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(encode(f, page(9, 9, false)))
	f.Add(encode(f, page(9, 9, true), page(3, 2, true)))
	f.Add([]byte("RaS2"))
	f.Fuzz(func(t *testing.T, b []byte) {
		d := pwgraster.NewDecoder(bytes.NewReader(b))
		d.MaxDots = 1 << 20
		for {
			h, img, err := d.Decode()
			if err != nil {
				return
			}
			// What was read can be written and is the same then.
			var out bytes.Buffer
			if len(h.SizeName) > 63 {
				return
			}
			if err := pwgraster.NewEncoder(&out).Encode(h, img); err != nil {
				t.Fatalf("Encode of what was decoded = %v", err)
			}
			_, again, err := pwgraster.NewDecoder(&out).Decode()
			if err != nil {
				t.Fatalf("Decode of what was encoded = %v", err)
			}
			same(t, again, img)
		}
	})
}
