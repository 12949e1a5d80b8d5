package camera

import (
	"encoding/binary"
	"image"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// The numbers of the requests that are known, with the size of what they carry:
// linux/videodev2.h as compiled on 64 bits, and on 32 where it differs.
const (
	queryCap    = 0x80685600
	enumFormat  = 0xC0405602
	setFormat64 = 0xC0D05605
	setFormat32 = 0xC0CC5605
	reqBuffers  = 0xC0145608
	query64     = 0xC0585609
	query32     = 0xC0505609
	queue64     = 0xC058560F
	queue32     = 0xC050560F
	dequeue64   = 0xC0585611
	dequeue32   = 0xC0505611
	streamOn    = 0x40045612
	streamOff   = 0x40045613
	enumSizes   = 0xC02C564A
)

var native = binary.NativeEndian

// Ioctl carries out a request.
func (n *Node) Ioctl(request uint32, arg []byte) error {
	if err := n.usable(request, arg); err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	get := func(at int) uint32 { return native.Uint32(arg[at:]) }
	put := func(at int, v uint32) { native.PutUint32(arg[at:], v) }
	switch request {
	case queryCap:
		copy(arg, "uvcvideo")
		copy(arg[16:], "Camera in software")
		put(84, 0x80000000|0x04000001|0x00800000) // device and metadata node together
		put(88, 0x04000001)
	case enumFormat:
		if get(4) != 1 || int(get(0)) >= len(n.c.o.Formats) {
			return unix.EINVAL
		}
		put(44, fourCC(n.c.o.Formats[get(0)]))
	case enumSizes:
		return n.sizes(get, put)
	case setFormat64, setFormat32:
		at := 8
		if request == setFormat32 {
			at = 4
		}
		return n.agree(get, put, at)
	case reqBuffers:
		if get(4) != 1 || get(8) != 1 || n.width == 0 {
			return unix.EINVAL
		}
		n.mem, n.queued = nil, nil
		for range min(get(0), 3) { // fewer than asked for, as a driver may
			n.mem = append(n.mem, make([]byte, n.width*n.height*2))
		}
		put(0, uint32(len(n.mem)))
	case query64, query32:
		i := get(0)
		if int(i) >= len(n.mem) || get(4) != 1 {
			return unix.EINVAL
		}
		length := 72
		if request == query32 {
			length = 68
		}
		put(64, i*pageSize)
		put(length, uint32(len(n.mem[i])))
	case queue64, queue32:
		i := get(0)
		if int(i) >= len(n.mem) || get(4) != 1 || get(60) != 1 || slices.Contains(n.queued, i) {
			return unix.EINVAL
		}
		n.queued = append(n.queued, i)
	case streamOn:
		n.start()
	case streamOff:
		n.on, n.queued = false, nil
	default:
		return unix.ENOTTY
	}
	return nil
}

// usable reports what the kernel says before it looks at a request.
func (n *Node) usable(request uint32, arg []byte) error {
	select {
	case <-n.closed:
		return os.ErrClosed
	case <-n.gone:
		return unix.ENODEV
	default:
	}
	// The other machine's structures are unknown requests.
	if n.c.o.Bits32 == slices.Contains([]uint32{setFormat64, query64, queue64, dequeue64}, request) &&
		slices.Contains([]uint32{setFormat64, query64, queue64, dequeue64, setFormat32, query32, queue32, dequeue32}, request) {
		return unix.ENOTTY
	}
	if len(arg) != int(request>>16&0x3FFF) {
		return unix.EFAULT
	}
	return nil
}

func (n *Node) sizes(get func(int) uint32, put func(int, uint32)) error {
	all := n.c.o.Sizes
	switch {
	case len(all) == 0:
		return unix.ENOTTY
	case n.c.o.Range:
		if get(0) > 0 {
			return unix.EINVAL
		}
		first, last := all[0], all[len(all)-1]
		for i, v := range []int{3, first.X, last.X, first.X, first.Y, last.Y, first.Y} {
			put(8+4*i, uint32(v))
		}
	case int(get(0)) >= len(all):
		return unix.EINVAL
	default:
		put(8, 1)
		put(12, uint32(all[get(0)].X))
		put(16, uint32(all[get(0)].Y))
	}
	return nil
}

// agree takes the size that is nearest to the one wanted.
func (n *Node) agree(get func(int) uint32, put func(int, uint32), at int) error {
	f := get(at + 8)
	if get(0) != 1 || !slices.ContainsFunc(n.c.o.Formats, func(s string) bool { return fourCC(s) == f }) {
		return unix.EINVAL
	}
	all := n.c.o.Sizes
	if len(all) == 0 {
		all = []image.Point{{X: 320, Y: 240}}
	}
	w := int(get(at))
	s := slices.MinFunc(all, func(a, b image.Point) int { return max(a.X-w, w-a.X) - max(b.X-w, w-b.X) })
	n.format, n.width, n.height, n.packed = f, s.X, s.Y, nil
	put(at, uint32(s.X))
	put(at+4, uint32(s.Y))
	stride := 0
	if f == fourCC("YUYV") {
		stride = 2 * s.X
	}
	put(at+16, uint32(stride))
	put(at+20, uint32(2*s.X*s.Y))
	return nil
}

// start begins taking pictures. n.mu is held.
func (n *Node) start() {
	n.on, n.taken, n.next = true, 0, time.Now().Add(n.c.o.Frame)
	c := n.c
	c.mu.Lock()
	defer c.mu.Unlock()
	c.count++
	n.fault = 0
	if len(c.faults) > 0 {
		n.fault, c.faults = c.faults[0], c.faults[1:]
	}
}

// Wait takes the next picture out.
func (n *Node) Wait(request uint32, arg []byte, deadline time.Time) error {
	if err := n.usable(request, arg); err != nil {
		return err
	}
	if request != dequeue64 && request != dequeue32 {
		return unix.ENOTTY
	}
	n.mu.Lock()
	at, fault, taken := n.next, n.fault, n.taken
	n.next = at.Add(n.c.o.Frame)
	on := n.on
	n.mu.Unlock()
	if !on {
		return unix.EINVAL
	}
	if taken == 2 {
		n.c.mu.Lock()
		f := n.c.middle
		n.c.middle = nil
		n.c.mu.Unlock()
		if f != nil {
			f()
		}
		if fault == Pulled {
			n.c.Unplug()
		}
	}
	if fault == Still && taken == 2 || at.After(deadline) {
		at = deadline.Add(time.Hour)
	}
	picture, late := time.NewTimer(time.Until(at)), time.NewTimer(time.Until(deadline))
	defer picture.Stop()
	defer late.Stop()
	select {
	case <-n.gone:
		return unix.ENODEV
	case <-n.closed:
		return os.ErrClosed
	case <-late.C:
		return os.ErrDeadlineExceeded
	case <-picture.C:
	}
	return n.fill(arg)
}

// fill puts a picture into the next buffer and describes it in arg.
func (n *Node) fill(arg []byte) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.queued) == 0 {
		return unix.EINVAL // who waits without a buffer waits for ever
	}
	i := n.queued[0]
	n.queued = n.queued[1:]
	n.c.mu.Lock()
	scene := n.c.scene
	n.c.mu.Unlock()
	b, flags := n.picture(scene)
	n.taken++
	native.PutUint32(arg[0:], i)
	native.PutUint32(arg[8:], uint32(copy(n.mem[i], b)))
	native.PutUint32(arg[12:], flags)
	return nil
}
