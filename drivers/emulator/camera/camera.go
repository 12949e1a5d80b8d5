// Package camera is a camera above a field for papers, in software, as the Video for
// Linux interface shows one: it answers the ioctls of linux/videodev2.h in the
// layout of 32 or of 64 bits, fills mapped memory with pictures, is dark until it
// has found its exposure, and misbehaves on demand. It is no kernel: what it does
// not check, a kernel may.
package camera

import (
	"image"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Kind is what goes wrong with the next picture.
type Kind int

// The faults.
const (
	Pulled  Kind = 1 // the camera is gone in the middle
	Still   Kind = 2 // no picture comes
	Short   Kind = 3 // every picture is cut off in its middle
	Garbage Kind = 4 // every picture is nonsense
	Flagged Kind = 5 // the kernel marks every other picture as damaged, and it is
)

// Opts say what kind of camera it is.
type Opts struct {
	Formats []string      // "YUYV", "MJPG"; nil: both
	Sizes   []image.Point // nil: 160 to 640 dots; empty: it does not say
	Range   bool          // says its sizes as a range
	Frame   time.Duration // between pictures; 0: 33 ms
	Dark    int           // pictures until it has found its exposure
	Bits32  bool          // the structures of 32 bits
}

// Camera is the camera. Its methods may be called from any goroutine.
type Camera struct {
	o Opts

	mu     sync.Mutex
	scene  image.Image
	gone   chan struct{} // closed when it is unplugged
	faults []Kind
	middle func()
	count  int
	open   int
	mapped int
}

// New returns a camera that is plugged in.
func New(o Opts) *Camera {
	if o.Formats == nil {
		o.Formats = []string{"YUYV", "MJPG"}
	}
	if o.Sizes == nil {
		o.Sizes = []image.Point{{X: 160, Y: 120}, {X: 320, Y: 240}, {X: 640, Y: 480}}
	}
	if o.Frame == 0 {
		o.Frame = 33 * time.Millisecond
	}
	return &Camera{o: o, gone: make(chan struct{}), scene: image.NewGray(image.Rect(0, 0, 8, 6))}
}

// Lay puts a paper under it.
func (c *Camera) Lay(m image.Image) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.scene = m
}

// Unplug takes the camera away.
func (c *Camera) Unplug() {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.gone:
	default:
		close(c.gone)
	}
}

// Replug brings it back. Who has it open has the one that is gone.
func (c *Camera) Replug() {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.gone:
		c.gone = make(chan struct{})
	default:
	}
}

// Next makes k happen to the next picture that is taken.
func (c *Camera) Next(k Kind) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults = append(c.faults, k)
}

// Middle calls f once, in the middle of the next picture.
func (c *Camera) Middle(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.middle = f
}

// Count returns how often pictures were begun.
func (c *Camera) Count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.count
}

// Held returns how many have it open, and how many of its buffers are mapped.
func (c *Camera) Held() (open, mapped int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.open, c.mapped
}

// Open opens it. The path does not matter.
func (c *Camera) Open(path string) (*Node, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.gone:
		return nil, &os.PathError{Op: "open", Path: path, Err: unix.ENOENT}
	default:
	}
	c.open++
	return &Node{c: c, gone: c.gone, closed: make(chan struct{})}, nil
}

// Node is the camera, opened.
type Node struct {
	c      *Camera
	gone   chan struct{}
	closed chan struct{}
	once   sync.Once

	mu     sync.Mutex
	format uint32
	width  int
	height int
	mem    [][]byte
	queued []uint32
	on     bool
	taken  int // pictures since it was started
	next   time.Time
	fault  Kind
	shown  image.Image // what packed is a picture of, in this format and size
	packed []byte
}

// Close ends a Wait.
func (n *Node) Close() error {
	err := os.ErrClosed
	n.once.Do(func() {
		close(n.closed)
		n.c.mu.Lock()
		n.c.open--
		n.c.mu.Unlock()
		err = nil
	})
	return err
}

// Map maps a buffer: its offset is its number, in pages.
func (n *Node) Map(offset uint32, length int) ([]byte, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	i := int(offset / pageSize)
	if offset%pageSize != 0 || i >= len(n.mem) || length != len(n.mem[i]) {
		return nil, unix.EINVAL
	}
	n.c.mu.Lock()
	defer n.c.mu.Unlock()
	n.c.mapped++
	return n.mem[i], nil
}

// Unmap undoes Map.
func (n *Node) Unmap([]byte) error {
	n.c.mu.Lock()
	defer n.c.mu.Unlock()
	n.c.mapped--
	return nil
}

const pageSize = 4096
