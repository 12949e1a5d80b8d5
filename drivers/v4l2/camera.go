package v4l2

import (
	"context"
	"errors"
	"fmt"
	"image"
	"time"

	"golang.org/x/sys/unix"

	"github.com/penjire/penjire/drivers/device"
)

// Capabilities of a node, and other numbers of linux/videodev2.h.
const (
	capVideoCapture = 0x00000001
	capStreaming    = 0x04000000
	capDevice       = 0x80000000

	typeCapture    = 1 // V4L2_BUF_TYPE_VIDEO_CAPTURE
	memoryMap      = 1 // V4L2_MEMORY_MMAP
	sizeDiscrete   = 1 // V4L2_FRMSIZE_TYPE_DISCRETE
	flagError      = 0x40
	buffers        = 4
	maxFrame       = 64 << 20
	maxEnum        = 64
	maxBadPictures = 16
)

// camera is an open node.
type camera struct {
	d    *Dev
	node Node
	l    Layout
}

// open opens the camera and asks whether it is one.
func (d *Dev) open() (*camera, error) {
	n, err := d.o.Open(d.path)
	if err != nil {
		return nil, fmt.Errorf("open: %w", meaning(err))
	}
	b := make([]byte, capabilitySize)
	err = n.Ioctl(queryCap(), b)
	if err == nil {
		have := get(b, 84)
		if have&capDevice != 0 {
			have = get(b, 88) // of this node, not of the whole device
		}
		if have&(capVideoCapture|capStreaming) != capVideoCapture|capStreaming {
			err = fmt.Errorf("node can do %#x and takes no pictures: %w", have, device.ErrUnsupported)
		}
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("ask what it can do: %w", meaning(err)), n.Close())
	}
	return &camera{d, n, d.l}, nil
}

// formats returns the formats that the camera has and we read, best first.
func (c *camera) formats() ([]uint32, error) {
	have := map[uint32]bool{}
	for i := range uint32(maxEnum) {
		b := make([]byte, fmtdescSize)
		put(b, 0, i)
		put(b, 4, typeCapture)
		err := c.node.Ioctl(enumFormat(), b)
		if errors.Is(err, unix.EINVAL) {
			break // that was the last one
		}
		if err != nil {
			return nil, fmt.Errorf("ask for formats: %w", meaning(err))
		}
		have[get(b, 44)] = true
	}
	var out []uint32
	// Packed, a USB cable carries the large sizes; unpacked, the small ones only.
	for _, f := range []uint32{fourMJPEG, fourJPEG, fourYUYV} {
		if have[f] {
			out = append(out, f)
		}
	}
	if out == nil {
		return nil, fmt.Errorf("camera has %d formats, none of them YUYV or MJPEG: %w", len(have), device.ErrUnsupported)
	}
	return out, nil
}

// choose returns the format and size for a picture at least width dots wide, or the
// largest there is; 0: the largest.
func (c *camera) choose(width int) (format uint32, w, h int, err error) {
	formats, err := c.formats()
	if err != nil {
		return 0, 0, 0, err
	}
	for _, f := range formats {
		sizes, err := c.sizes(f, width)
		if err != nil {
			return 0, 0, 0, err
		}
		for _, s := range sizes {
			enough, before := width > 0 && s.X >= width, width > 0 && w >= width
			switch {
			case s.X > c.d.o.MaxWidth:
			case w == 0, !before && s.X*s.Y > w*h, before && enough && s.X*s.Y < w*h:
				format, w, h = f, s.X, s.Y
			}
		}
	}
	if w == 0 {
		// A camera may have one size and not say it.
		return formats[0], c.d.o.MaxWidth, c.d.o.MaxWidth * 3 / 4, nil
	}
	return format, w, h, nil
}

// sizes returns the sizes of pictures in a format. Of a range, these are the ends and
// what is next above width.
func (c *camera) sizes(format uint32, width int) ([]image.Point, error) {
	var out []image.Point
	for i := range uint32(maxEnum) {
		b := make([]byte, frmsizeSize)
		put(b, 0, i)
		put(b, 4, format)
		err := c.node.Ioctl(enumSizes(), b)
		if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOTTY) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("ask for sizes: %w", meaning(err))
		}
		if get(b, 8) == sizeDiscrete {
			out = append(out, image.Pt(int(get(b, 12)), int(get(b, 16))))
			continue
		}
		at := func(i int) int { return int(min(get(b, 12+4*i), 1<<16)) }
		minW, maxW, minH, maxH := at(0), min(at(1), c.d.o.MaxWidth), at(3), at(4)
		out = append(out, image.Pt(minW, minH), image.Pt(maxW, min(maxH, maxW*3/4)))
		if width > minW && width < maxW && at(2) > 0 {
			w := minW + (width-minW+at(2)-1)/at(2)*at(2)
			out = append(out, image.Pt(w, min(max(w*3/4, minH), maxH)))
		}
		break
	}
	return out, nil
}

// agree sets a format and returns what the camera made of it.
func (c *camera) agree(width int) (frame, error) {
	format, w, h, err := c.choose(width)
	if err != nil {
		return frame{}, err
	}
	b := make([]byte, c.l.formatSize)
	put(b, 0, typeCapture)
	pix := b[c.l.formatAt:]
	put(pix, 0, uint32(w))
	put(pix, 4, uint32(h))
	put(pix, 8, format)
	put(pix, 12, 1) // progressive
	if err := c.node.Ioctl(c.l.setFormat(), b); err != nil {
		return frame{}, fmt.Errorf("set the format: %w", meaning(err))
	}
	f := frame{width: int(get(pix, 0)), height: int(get(pix, 4)), format: get(pix, 8), stride: int(get(pix, 16)), size: int(get(pix, 20))}
	if f.format != format || f.width < 1 || f.height < 1 || f.size < 1 || f.size > maxFrame || f.width > 1<<15 || f.height > 1<<15 {
		return frame{}, fmt.Errorf("camera agreed to %+v: %w", f, device.ErrProtocol)
	}
	return f, nil
}

// picture takes one picture, and closes the camera.
func (c *camera) picture(ctx context.Context, dpi int) (img image.Image, err error) {
	defer context.AfterFunc(ctx, func() { _ = c.node.Close() })() // ends a wait; closed twice is harmless
	defer func() {
		if cerr := c.node.Close(); err == nil && ctx.Err() == nil {
			err = meaning(cerr)
		}
	}()
	f, err := c.agree(dpi * c.d.o.FieldMM * 10 / 254)
	if err != nil {
		return nil, err
	}
	mem, err := c.share()
	defer func() {
		for _, m := range mem {
			err = errors.Join(err, c.node.Unmap(m))
		}
	}()
	if err != nil {
		return nil, err
	}
	kind := make([]byte, 4)
	put(kind, 0, typeCapture)
	if err := c.node.Ioctl(streamOn(), kind); err != nil {
		return nil, fmt.Errorf("start: %w", meaning(err))
	}
	img, err = c.look(f, mem)
	if serr := c.node.Ioctl(streamOff(), kind); err == nil && serr != nil {
		err = fmt.Errorf("stop: %w", meaning(serr))
	}
	return img, err
}

// share asks for buffers, maps them and gives them to the camera.
func (c *camera) share() (mem [][]byte, err error) {
	b := make([]byte, requestSize)
	put(b, 0, buffers)
	put(b, 4, typeCapture)
	put(b, 8, memoryMap)
	if err := c.node.Ioctl(requestBuffers(), b); err != nil {
		return nil, fmt.Errorf("ask for memory: %w", meaning(err))
	}
	n := get(b, 0)
	if n < 1 || n > 32 {
		return nil, fmt.Errorf("camera gives %d buffers: %w", n, device.ErrProtocol)
	}
	for i := range n {
		b := c.buffer(i)
		if err := c.node.Ioctl(c.l.queryBuffer(), b); err != nil {
			return mem, fmt.Errorf("ask for buffer %d: %w", i, meaning(err))
		}
		length := get(b, c.l.length)
		if length < 1 || length > maxFrame {
			return mem, fmt.Errorf("buffer %d has %d bytes: %w", i, length, device.ErrProtocol)
		}
		m, err := c.node.Map(get(b, c.l.m), int(length))
		if err != nil {
			return mem, fmt.Errorf("map buffer %d: %w", i, meaning(err))
		}
		mem = append(mem, m)
		if err := c.node.Ioctl(c.l.queue(), c.buffer(i)); err != nil {
			return mem, fmt.Errorf("queue buffer %d: %w", i, meaning(err))
		}
	}
	return mem, nil
}

func (c *camera) buffer(index uint32) []byte {
	b := make([]byte, c.l.bufferSize)
	put(b, 0, index)
	put(b, 4, typeCapture)
	put(b, c.l.memory, memoryMap)
	return b
}

// look takes pictures until one is good that is not of the warming up.
func (c *camera) look(f frame, mem [][]byte) (image.Image, error) {
	var bad error
	for good, n := 0, 0; n < max(c.d.o.Warmup, 0)+maxBadPictures; n++ {
		b := c.buffer(0)
		if err := c.node.Wait(c.l.dequeue(), b, time.Now().Add(c.d.o.Frame)); err != nil {
			return nil, fmt.Errorf("wait for picture %d: %w", n, meaning(err))
		}
		index, used := get(b, 0), int(get(b, 8))
		if int(index) >= len(mem) || used > len(mem[index]) {
			return nil, fmt.Errorf("picture of %d bytes in buffer %d of %d: %w", used, index, len(mem), device.ErrProtocol)
		}
		switch {
		case get(b, 12)&flagError != 0:
			bad = fmt.Errorf("picture was damaged on the way: %w", device.ErrProtocol)
		case good < c.d.o.Warmup:
			good++
		default:
			var img image.Image
			if img, bad = f.develop(mem[index][:used]); bad == nil {
				return img, nil
			}
		}
		if err := c.node.Ioctl(c.l.queue(), c.buffer(index)); err != nil {
			return nil, fmt.Errorf("queue buffer %d: %w", index, meaning(err))
		}
	}
	return nil, fmt.Errorf("no picture of %d was good: %w", maxBadPictures, bad)
}
