package framebuffer

import "image"

// part returns the upper bits of an eight-bit colour, where they belong in a pixel.
func (c Field) part(v uint8) uint32 { return uint32(v) >> (8 - c.Length) << c.Offset }

// put writes the part r of img into mem, in little-endian pixels as every machine has
// them that this runs on. Every pixel of r is on the screen.
func (f Format) put(mem []byte, img *image.RGBA, r image.Rectangle, rotation int) {
	n := f.Bits / 8
	// The byte of the picture's first pixel, and how far the next one to the right and
	// the next one below are from it.
	first, right, below := 0, n, f.Stride
	switch rotation {
	case 90:
		first, right, below = (f.Width-1)*n, f.Stride, -n
	case 180:
		first, right, below = (f.Height-1)*f.Stride+(f.Width-1)*n, -n, -f.Stride
	case 270:
		first, right, below = (f.Height-1)*f.Stride, -f.Stride, n
	}
	for y := r.Min.Y; y < r.Max.Y; y++ {
		at := first + y*below + r.Min.X*right
		row := img.Pix[img.PixOffset(r.Min.X, y):]
		for i := 0; i < 4*r.Dx(); i += 4 {
			v := f.Red.part(row[i]) | f.Green.part(row[i+1]) | f.Blue.part(row[i+2])
			to := mem[at : at+n]
			to[0], to[1] = uint8(v), uint8(v>>8)
			if n > 2 {
				to[2] = uint8(v >> 16)
			}
			if n > 3 {
				to[3] = uint8(v >> 24)
			}
			at += right
		}
	}
}

// Picture returns what is on the screen, as the panel is built: for whoever looks at
// a file instead of a display.
func (s *Screen) Picture() *image.RGBA {
	f := s.fmt
	img := image.NewRGBA(image.Rect(0, 0, f.Width, f.Height))
	for y := range f.Height {
		for x := range f.Width {
			var v uint32
			for i := range f.Bits / 8 {
				v |= uint32(s.mem[y*f.Stride+x*f.Bits/8+i]) << (8 * i)
			}
			p := img.Pix[img.PixOffset(x, y):]
			p[0], p[1], p[2], p[3] = f.Red.full(v), f.Green.full(v), f.Blue.full(v), 0xFF
		}
	}
	return img
}

// full returns the colour in v with eight bits; the greatest value stays the greatest.
func (c Field) full(v uint32) uint8 {
	most := uint32(1)<<c.Length - 1
	return uint8((v >> c.Offset & most) * 0xFF / most)
}
