// Package framebuffer puts pictures on the screen by the kernel's framebuffer device,
// /dev/fb0: where no compositor runs, every kernel driver for displays offers one.
//
// # Reference
//
// Linux, Documentation/fb/api.rst and include/uapi/linux/fb.h: FBIOGET_VSCREENINFO,
// FBIOGET_FSCREENINFO; packed pixels in true colour with 16, 24 or 32 bits.
//
// A regular file can stand in for the device: its pixels are laid out the same, and
// it is the far end in tests and on machines without a display.
package framebuffer

import (
	"errors"
	"fmt"
	"image"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Field is where a colour stands in a pixel.
type Field struct{ Offset, Length uint32 }

// Format is how a screen's pixels are laid out.
type Format struct {
	Width, Height    int // in pixels, as the panel is built
	Stride           int // bytes from one line to the next
	Bits             int // of a pixel: 16, 24 or 32
	Red, Green, Blue Field
}

// The usual formats of a line without a gap.
var (
	RGB565   = Format{Bits: 16, Red: Field{11, 5}, Green: Field{5, 6}, Blue: Field{0, 5}}
	RGB888   = Format{Bits: 24, Red: Field{16, 8}, Green: Field{8, 8}, Blue: Field{0, 8}}
	XRGB8888 = Format{Bits: 32, Red: Field{16, 8}, Green: Field{8, 8}, Blue: Field{0, 8}}
)

// Sized returns f for a screen of w × h pixels.
func (f Format) Sized(w, h int) Format {
	f.Width, f.Height, f.Stride = w, h, w*f.Bits/8
	return f
}

// The largest screen that is believed.
const maxSide = 16384

func (f Format) check() error {
	ok := f.Width > 0 && f.Height > 0 && f.Width <= maxSide && f.Height <= maxSide
	if !ok || f.Bits != 16 && f.Bits != 24 && f.Bits != 32 {
		return fmt.Errorf("framebuffer: got %d × %d pixels of %d bits, want 16, 24 or 32 bits in true colour", f.Width, f.Height, f.Bits)
	}
	if f.Stride < f.Width*f.Bits/8 || f.Stride > maxSide*16 {
		return fmt.Errorf("framebuffer: got lines of %d bytes for %d pixels of %d bits", f.Stride, f.Width, f.Bits)
	}
	for _, c := range []Field{f.Red, f.Green, f.Blue} {
		if c.Length < 1 || c.Length > 8 || c.Offset > 31 || c.Offset+c.Length > uint32(f.Bits) {
			return fmt.Errorf("framebuffer: got a colour of %d bits at bit %d in pixels of %d", c.Length, c.Offset, f.Bits)
		}
	}
	return nil
}

// Screen is an open framebuffer. It may not be used by several goroutines at once.
type Screen struct {
	f   *os.File
	fmt Format
	mem []byte
}

// Open opens the device at path, as /dev/fb0, and draws nothing yet.
func Open(path string) (*Screen, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("framebuffer: open: %w", err)
	}
	m, err := ask(f)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("framebuffer: %s: %w", path, err), f.Close())
	}
	return mapped(f, m)
}

// OpenFile makes the regular file at path a screen of that format.
func OpenFile(path string, m Format) (*Screen, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("framebuffer: open: %w", err)
	}
	if st, err := f.Stat(); err != nil || !st.Mode().IsRegular() {
		return nil, errors.Join(fmt.Errorf("framebuffer: %s is no regular file", path), err, f.Close())
	}
	if err := m.check(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if err := f.Truncate(int64(m.Stride) * int64(m.Height)); err != nil {
		return nil, errors.Join(fmt.Errorf("framebuffer: %w", err), f.Close())
	}
	return mapped(f, m)
}

func mapped(f *os.File, m Format) (*Screen, error) {
	mem, err := unix.Mmap(int(f.Fd()), 0, m.Stride*m.Height, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("framebuffer: map %s: %w", f.Name(), err), f.Close())
	}
	return &Screen{f, m, mem}, nil
}

// Format returns how the pixels are laid out.
func (s *Screen) Format() Format { return s.fmt }

// Size returns how large pictures for the screen are when it is turned by rotation
// degrees clockwise.
func (s *Screen) Size(rotation int) image.Point {
	if rotation == 90 || rotation == 270 {
		return image.Pt(s.fmt.Height, s.fmt.Width)
	}
	return image.Pt(s.fmt.Width, s.fmt.Height)
}

// Show puts the part r of img on the screen, turned by rotation degrees clockwise: 0,
// 90, 180 or 270. The picture's point (0, 0) is the upper left corner of the screen as
// one sees it then; what lies outside the screen is left out.
func (s *Screen) Show(img *image.RGBA, r image.Rectangle, rotation int) {
	s.fmt.put(s.mem, img, r.Intersect(img.Rect).Intersect(image.Rectangle{Max: s.Size(rotation)}), rotation)
}

// Close lets the device go. What is on the screen stays there.
func (s *Screen) Close() error {
	if s.f == nil {
		return nil
	}
	err := errors.Join(unix.Munmap(s.mem), s.f.Close())
	s.f, s.mem = nil, nil
	return err
}

// The kernel's structures, from include/uapi/linux/fb.h. The first is the same on
// 32 and on 64 bits.
type bitfield struct{ Offset, Length, MSBRight uint32 }

type varInfo struct {
	XRes, YRes, XVirtual, YVirtual, XOffset, YOffset uint32
	BitsPerPixel, Grayscale                          uint32
	Red, Green, Blue, Transp                         bitfield
	NonStd                                           uint32
	_                                                [76]byte
}

type fixInfo struct {
	ID                        [16]byte
	SmemStart                 uintptr
	SmemLen                   uint32
	Type, TypeAux, Visual     uint32
	XPanStep, YPanStep, YWrap uint16
	LineLength                uint32
	MMIOStart                 uintptr
	MMIOLen, Accel            uint32
	Capabilities, Res1, Res2  uint16
}

const (
	getVarInfo = 0x4600 // FBIOGET_VSCREENINFO
	getFixInfo = 0x4602 // FBIOGET_FSCREENINFO

	packedPixels = 0 // FB_TYPE_PACKED_PIXELS
	trueColor    = 2 // FB_VISUAL_TRUECOLOR
)

// ask asks the kernel how the device's pixels are laid out.
func ask(f *os.File) (Format, error) {
	var v varInfo
	var x fixInfo
	for req, p := range map[uintptr]unsafe.Pointer{getVarInfo: unsafe.Pointer(&v), getFixInfo: unsafe.Pointer(&x)} {
		if _, _, e := unix.Syscall(unix.SYS_IOCTL, f.Fd(), req, uintptr(p)); e != 0 {
			return Format{}, fmt.Errorf("ask for the screen's format: %w", e)
		}
	}
	return v.format(x)
}

// format understands what the kernel said.
func (v varInfo) format(x fixInfo) (Format, error) {
	if x.Type != packedPixels || x.Visual != trueColor || v.Grayscale != 0 || v.NonStd != 0 {
		return Format{}, fmt.Errorf("got pixels of type %d, visual %d, want packed ones in true colour", x.Type, x.Visual)
	}
	if v.Red.MSBRight|v.Green.MSBRight|v.Blue.MSBRight != 0 {
		return Format{}, errors.New("got colours whose first bit is the least, want the greatest")
	}
	m := Format{
		Width: int(min(v.XRes, 1<<20)), Height: int(min(v.YRes, 1<<20)), Stride: int(min(x.LineLength, 1<<24)), Bits: int(min(v.BitsPerPixel, 1<<10)),
		Red: Field{v.Red.Offset, v.Red.Length}, Green: Field{v.Green.Offset, v.Green.Length}, Blue: Field{v.Blue.Offset, v.Blue.Length},
	}
	if err := m.check(); err != nil {
		return Format{}, err
	}
	if need := uint64(m.Stride) * uint64(m.Height); x.SmemLen != 0 && need > uint64(x.SmemLen) {
		return Format{}, fmt.Errorf("got %d bytes of memory for %d lines of %d", x.SmemLen, m.Height, m.Stride)
	}
	return m, nil
}
