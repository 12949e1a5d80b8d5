package framebuffer

import (
	"fmt"
	"image"
	"image/color"
	"path/filepath"
	"strings"
	"testing"
	"unsafe"
)

// corners is a picture whose four corners have four colours.
func corners(w, h int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	img.SetRGBA(0, 0, color.RGBA{0xFF, 0, 0, 0xFF})
	img.SetRGBA(w-1, 0, color.RGBA{0, 0xFF, 0, 0xFF})
	img.SetRGBA(w-1, h-1, color.RGBA{0, 0, 0xFF, 0xFF})
	img.SetRGBA(0, h-1, color.RGBA{0xFF, 0xFF, 0xFF, 0xFF})
	return img
}

// TestFormatsAndRotations shows a picture in every format, turned every way, and
// finds its corners where a hand that turns the display would.
func TestFormatsAndRotations(t *testing.T) {
	for _, f := range []Format{RGB565, RGB888, XRGB8888, {Bits: 32, Red: Field{0, 8}, Green: Field{8, 8}, Blue: Field{16, 8}}} {
		for _, rotation := range []int{0, 90, 180, 270} {
			t.Run(fmt.Sprint(f.Bits, f.Red, rotation), func(t *testing.T) {
				m := f.Sized(6, 4)
				m.Stride += 8 // some displays leave a gap
				s, err := OpenFile(filepath.Join(t.TempDir(), "fb"), m)
				if err != nil {
					t.Fatal(err)
				}
				defer func() {
					if err := s.Close(); err != nil {
						t.Error(err)
					}
				}()
				size := s.Size(rotation)
				img := corners(size.X, size.Y)
				s.Show(img, img.Rect, rotation)
				got := s.Picture()
				// Clockwise from the upper left one: red, green, blue, white.
				at := []image.Point{{0, 0}, {5, 0}, {5, 3}, {0, 3}}
				for i, want := range []color.RGBA{{0xFF, 0, 0, 0xFF}, {0, 0xFF, 0, 0xFF}, {0, 0, 0xFF, 0xFF}, {0xFF, 0xFF, 0xFF, 0xFF}} {
					p := at[(i+rotation/90)%4]
					if c := got.RGBAAt(p.X, p.Y); c != want {
						t.Errorf("corner %d at %v is %v, want %v", i, p, c, want)
					}
				}
			})
		}
	}
}

// TestPart: only the part that was asked for changes.
func TestPart(t *testing.T) {
	s, err := OpenFile(filepath.Join(t.TempDir(), "fb"), XRGB8888.Sized(8, 8))
	if err != nil {
		t.Fatal(err)
	}
	img := image.NewRGBA(image.Rect(0, 0, 8, 8))
	for i := range img.Pix {
		img.Pix[i] = 0xFF
	}
	s.Show(img, image.Rect(2, 3, 100, 5), 0)
	for y := range 8 {
		for x := range 8 {
			want := uint8(0)
			if x >= 2 && y >= 3 && y < 5 {
				want = 0xFF
			}
			if got := s.Picture().RGBAAt(x, y).R; got != want {
				t.Errorf("(%d, %d) = %d, want %d", x, y, got, want)
			}
		}
	}
	// A picture larger than the screen leaves nothing outside it.
	big := corners(20, 20)
	s.Show(big, big.Rect, 90)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("a second Close = %v, want nil", err)
	}
}

// TestKernelStructures: sizes and places are those of include/uapi/linux/fb.h.
func TestKernelStructures(t *testing.T) {
	if got := unsafe.Sizeof(varInfo{}); got != 160 {
		t.Errorf("fb_var_screeninfo has %d bytes, want 160", got)
	}
	want := uintptr(80)
	if unsafe.Sizeof(uintptr(0)) == 4 {
		want = 68
	}
	if got := unsafe.Sizeof(fixInfo{}); got != want {
		t.Errorf("fb_fix_screeninfo has %d bytes, want %d", got, want)
	}
}

func TestWhatTheKernelSays(t *testing.T) {
	// As bochs and virtio-gpu answer at 1280 × 800.
	v := varInfo{XRes: 1280, YRes: 800, BitsPerPixel: 32, Red: bitfield{16, 8, 0}, Green: bitfield{8, 8, 0}, Blue: bitfield{0, 8, 0}}
	x := fixInfo{Visual: trueColor, LineLength: 5120, SmemLen: 5120 * 800}
	if m, err := v.format(x); err != nil || m != XRGB8888.Sized(1280, 800) {
		t.Errorf("format = %+v, %v", m, err)
	}
	for name, change := range map[string]func(*varInfo, *fixInfo){
		"palette":       func(v *varInfo, x *fixInfo) { v.BitsPerPixel, x.Visual = 8, 3 },
		"planes":        func(_ *varInfo, x *fixInfo) { x.Type = 1 },
		"grey":          func(v *varInfo, _ *fixInfo) { v.Grayscale = 1 },
		"short lines":   func(_ *varInfo, x *fixInfo) { x.LineLength = 100 },
		"no lines":      func(v *varInfo, _ *fixInfo) { v.YRes = 0 },
		"too large":     func(v *varInfo, x *fixInfo) { v.XRes, x.LineLength = 1<<31, 1<<31 },
		"few bytes":     func(_ *varInfo, x *fixInfo) { x.SmemLen = 1000 },
		"strange bits":  func(v *varInfo, _ *fixInfo) { v.BitsPerPixel = 15 },
		"wide colour":   func(v *varInfo, _ *fixInfo) { v.Red.Length = 10 },
		"colour beyond": func(v *varInfo, _ *fixInfo) { v.Red.Offset = 30 },
		"no colour":     func(v *varInfo, _ *fixInfo) { v.Blue.Length = 0 },
		"turned bits":   func(v *varInfo, _ *fixInfo) { v.Blue.MSBRight = 1 },
	} {
		v, x := v, x
		change(&v, &x)
		if m, err := v.format(x); err == nil {
			t.Errorf("%s: format = %+v, want an error", name, m)
		}
	}
}

func TestNoScreen(t *testing.T) {
	if _, err := Open(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("Open of nothing = nil")
	}
	if _, err := Open("/dev/null"); err == nil || !strings.Contains(err.Error(), "format") {
		t.Errorf("Open(/dev/null) = %v, want that it has no format", err)
	}
	if _, err := OpenFile("/dev/null", RGB565.Sized(8, 8)); err == nil {
		t.Error("OpenFile(/dev/null) = nil, want an error")
	}
	if _, err := OpenFile(filepath.Join(t.TempDir(), "fb"), RGB565); err == nil {
		t.Error("OpenFile of no size = nil, want an error")
	}
}

func BenchmarkShow(b *testing.B) {
	s, err := OpenFile(filepath.Join(b.TempDir(), "fb"), XRGB8888.Sized(1080, 1920))
	if err != nil {
		b.Fatal(err)
	}
	img := corners(1080, 1920)
	for b.Loop() {
		s.Show(img, img.Rect, 0)
	}
}
