package camera

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
)

func fourCC(s string) uint32 {
	return uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24
}

// Picture returns what a picture w dots wide and h high of m shows.
func Picture(m image.Image, w, h int) image.Image {
	b := m.Bounds()
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			out.Set(x, y, m.At(b.Min.X+x*b.Dx()/w, b.Min.Y+y*b.Dy()/h))
		}
	}
	return out
}

// night is what a camera sees that has not found its exposure.
var night = image.NewGray(image.Rect(0, 0, 1, 1))

// picture returns the bytes of the next picture, and its flags. n.mu is held.
func (n *Node) picture(scene image.Image) (b []byte, flags uint32) {
	if n.taken < n.c.o.Dark {
		scene = night
	}
	if n.shown != scene || n.packed == nil {
		m := Picture(scene, n.width, n.height)
		if n.format == fourCC("YUYV") {
			n.packed = yuyv(m)
		} else {
			n.packed = mjpeg(m)
		}
		n.shown = scene
	}
	b = n.packed
	switch {
	case n.fault == Short:
		b = b[:len(b)/2]
	case n.fault == Garbage:
		b = bytes.Repeat([]byte{0xA5, 0x00, 0x5A}, len(b)/7)
	case n.fault == Flagged && n.taken%2 == 0:
		return bytes.Repeat([]byte{0x80}, len(b)), 0x40
	}
	return b, flags
}

// yuyv packs m as a webcam does: BT.601, 16 to 235.
func yuyv(m image.Image) []byte {
	var out []byte
	for y := range m.Bounds().Dy() {
		for x := 0; x < m.Bounds().Dx(); x += 2 {
			a := color.YCbCrModel.Convert(m.At(x, y)).(color.YCbCr)
			b := color.YCbCrModel.Convert(m.At(x+1, y)).(color.YCbCr)
			luma := func(v uint8) byte { return byte(16 + (int(v)*219+127)/255) }
			chroma := func(v uint8) byte { return byte(128 + (int(v)-128)*224/255) }
			out = append(out, luma(a.Y), chroma(a.Cb), luma(b.Y), chroma(a.Cr))
		}
	}
	return out
}

// mjpeg packs m as a webcam does: without the Huffman tables that everybody has.
// Those that Go writes are the standard's.
func mjpeg(m image.Image) []byte {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: 95}); err != nil {
		panic(err) // a buffer takes everything
	}
	return withoutTables(b.Bytes())
}

// withoutTables takes the DHT segments out of a JPEG.
func withoutTables(b []byte) []byte {
	out := append([]byte(nil), b[:2]...)
	for at := 2; at+4 <= len(b); {
		n := 2 + int(b[at+2])<<8 + int(b[at+3])
		switch b[at+1] {
		case 0xDA:
			return append(out, b[at:]...)
		case 0xC4:
		default:
			out = append(out, b[at:at+n]...)
		}
		at += n
	}
	return out
}
