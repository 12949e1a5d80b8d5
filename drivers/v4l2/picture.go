package v4l2

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"

	"github.com/penjire/penjire/drivers/device"
)

// The pixel formats that are read (linux/videodev2.h).
var (
	fourYUYV  = fourCC("YUYV")
	fourMJPEG = fourCC("MJPG")
	fourJPEG  = fourCC("JPEG")
)

func fourCC(s string) uint32 {
	return uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24
}

// frame is what the camera agreed to send.
type frame struct {
	width, height, stride, size int
	format                      uint32
}

// develop makes a picture of the bytes of a frame.
func (f frame) develop(b []byte) (image.Image, error) {
	if f.format == fourYUYV {
		return f.yuyv(b)
	}
	b = withTables(b)
	// Its size is asked first: a damaged one could want all the memory there is.
	c, err := jpeg.DecodeConfig(bytes.NewReader(b))
	if err == nil && (c.Width != f.width || c.Height != f.height) {
		return nil, fmt.Errorf("frame is %d by %d, want %d by %d: %w", c.Width, c.Height, f.width, f.height, device.ErrProtocol)
	}
	var m image.Image
	if err == nil {
		m, err = jpeg.Decode(bytes.NewReader(b))
	}
	if err != nil {
		return nil, fmt.Errorf("frame of %d bytes: %w: %w", len(b), device.ErrProtocol, err)
	}
	return m, nil
}

// yuyv reads lines of Y0 U Y1 V. Cameras send 16 to 235 (the V4L2 default for YUV:
// limited range); pictures of Go have the full one.
func (f frame) yuyv(b []byte) (image.Image, error) {
	if len(b) < f.stride*f.height || f.stride < 2*f.width || f.width%2 != 0 {
		return nil, fmt.Errorf("frame of %d bytes, want %d lines of %d: %w", len(b), f.height, f.stride, device.ErrProtocol)
	}
	m := image.NewYCbCr(image.Rect(0, 0, f.width, f.height), image.YCbCrSubsampleRatio422)
	for y := range f.height {
		row := b[y*f.stride:]
		for x := 0; x < f.width; x += 2 {
			p := row[2*x : 2*x+4]
			m.Y[y*m.YStride+x], m.Y[y*m.YStride+x+1] = luma[p[0]], luma[p[2]]
			m.Cb[y*m.CStride+x/2], m.Cr[y*m.CStride+x/2] = chroma[p[1]], chroma[p[3]]
		}
	}
	return m, nil
}

// luma and chroma stretch the limited range to the full one.
var luma, chroma = func() (l, c [256]byte) {
	for i := range 256 {
		l[i] = byte(min(max((i-16)*255+109, 0)/219, 255))
		c[i] = byte(min(max((i-128)*255/224+128, 0), 255))
	}
	return l, c
}()

// withTables returns a picture with Huffman tables. Cameras leave out the ones that
// everybody has (ITU-T T.81, annex K.3), and jpeg wants them.
func withTables(b []byte) []byte {
	if len(b) < 4 || b[0] != 0xFF || b[1] != 0xD8 {
		return b
	}
	for at := 2; at+4 <= len(b) && b[at] == 0xFF; {
		switch b[at+1] {
		case 0xC4: // it brings its own
			return b
		case 0xDA: // the picture begins
			out := append([]byte(nil), b[:at]...)
			return append(append(out, tables...), b[at:]...)
		}
		at += 2 + int(b[at+2])<<8 + int(b[at+3])
	}
	return b
}

// tables is a DHT segment with the four tables of annex K.3: for each its class and
// number, how many codes of each length there are, and what they mean.
var tables = func() []byte {
	dc := func(id byte, counts string) []byte {
		return append(append([]byte{id}, counts...), 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)
	}
	ac := func(id byte, counts, first string) []byte {
		return append(append(append([]byte{id}, counts...), first...), rest(first)...)
	}
	var all []byte
	all = append(all, dc(0x00, "\x00\x01\x05\x01\x01\x01\x01\x01\x01\x00\x00\x00\x00\x00\x00\x00")...)
	all = append(all, ac(0x10, "\x00\x02\x01\x03\x03\x02\x04\x03\x05\x05\x04\x04\x00\x00\x01\x7d",
		"\x01\x02\x03\x00\x04\x11\x05\x12\x21\x31\x41\x06\x13\x51\x61\x07\x22\x71\x14\x32\x81\x91\xa1\x08\x23\x42\xb1\xc1\x15\x52\xd1\xf0\x24\x33\x62\x72\x82")...)
	all = append(all, dc(0x01, "\x00\x03\x01\x01\x01\x01\x01\x01\x01\x01\x01\x00\x00\x00\x00\x00")...)
	all = append(all, ac(0x11, "\x00\x02\x01\x02\x04\x04\x03\x04\x07\x05\x04\x04\x00\x01\x02\x77",
		"\x00\x01\x02\x03\x11\x04\x05\x21\x31\x06\x12\x41\x51\x07\x61\x71\x13\x22\x32\x81\x08\x14\x42\x91\xa1\xb1\xc1\x09\x23\x33\x52\xf0\x15\x62\x72\xd1\x0a\x16\x24\x34\xe1\x25\xf1")...)
	n := len(all) + 2
	return append([]byte{0xFF, 0xC4, byte(n >> 8), byte(n)}, all...)
}()

// rest are the codes that follow in both tables of AC: all that are left of run and
// size, in order.
func rest(first string) []byte {
	seen := map[byte]bool{}
	for _, c := range []byte(first) {
		seen[c] = true
	}
	var out []byte
	for c := range 256 {
		if size := c & 0xF; size >= 1 && size <= 10 && !seen[byte(c)] {
			out = append(out, byte(c))
		}
	}
	return out
}
