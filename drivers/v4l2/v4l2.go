// Package v4l2 takes pictures with a camera that the Linux kernel knows: a document
// camera, or a webcam above a field for papers.
//
// # Reference
//
// linux/videodev2.h and the kernel's documentation, "Video for Linux API": querying
// capabilities, data formats, streaming I/O with memory mapping.
package v4l2

import (
	"context"
	"errors"
	"fmt"
	"image"
	"sync"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/link"
)

// Opts are a camera's settings. Zero values are the defaults.
type Opts struct {
	FieldMM  int           // how much of the paper a picture shows from left to right; 0: 297
	MaxWidth int           // dots; 0: 4096
	Warmup   int           // pictures that are thrown away while the camera finds its exposure; 0: 8; -1: none
	Poll     time.Duration // between looks whether the camera is there; 0: 1500 ms
	Frame    time.Duration // that a picture may take; 0: 3 s

	// Open opens a camera; nil: the kernel's.
	Open func(path string) (Node, error)
	// Layout is what the kernel expects; nil: this machine's.
	Layout *Layout
}

// Dev is a camera.
//
// Contract, beyond [device.ImageScanner]: the camera is open, and its light is on,
// only while it takes a picture, and a picture shows what lay there after the call.
// A picture that was damaged on the way is thrown away, and the next one taken; no
// paper moves, so that nothing has a side effect.
type Dev struct {
	path string
	o    Opts
	l    Layout

	ctx    context.Context
	cancel context.CancelFunc
	done   chan struct{}
	bus    chan struct{} // one token: who holds it has the camera open

	watch link.Watch

	mu     sync.Mutex
	health device.Health
}

var _ device.ImageScanner = (*Dev)(nil)

// New returns the camera at path, such as /dev/video0 or a name below
// /dev/v4l/by-path, and starts looking for it. It waits for nothing.
func New(path string, o Opts) (*Dev, error) {
	if path == "" || o.FieldMM < 0 || o.MaxWidth < 0 || o.Warmup < -1 || o.Poll < 0 || o.Frame < 0 {
		return nil, fmt.Errorf("v4l2: camera at %q: got %+v, want a path and nothing negative", path, o)
	}
	if o.FieldMM == 0 {
		o.FieldMM = 297
	}
	if o.MaxWidth == 0 {
		o.MaxWidth = 4096
	}
	if o.Warmup == 0 {
		o.Warmup = 8
	}
	if o.Poll == 0 {
		o.Poll = 1500 * time.Millisecond
	}
	if o.Frame == 0 {
		o.Frame = 3 * time.Second
	}
	if o.Open == nil {
		o.Open = openNode
	}
	d := &Dev{path: path, o: o, l: native(), health: device.Starting, done: make(chan struct{}), bus: make(chan struct{}, 1)}
	if o.Layout != nil {
		d.l = *o.Layout
	}
	d.ctx, d.cancel = context.WithCancel(context.Background())
	go d.run()
	return d, nil
}

// String implements conn.Resource.
func (d *Dev) String() string { return "camera at " + d.path }

// Halt implements conn.Resource.
func (d *Dev) Halt() error {
	d.cancel()
	<-d.done
	return nil
}

// Health implements device.Device.
func (d *Dev) Health() device.Health {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.health
}

// Changes implements device.Watcher.
func (d *Dev) Changes(ctx context.Context) <-chan struct{} { return d.watch.Channel(ctx) }

func (d *Dev) set(h device.Health) {
	d.mu.Lock()
	same := d.health == h
	d.health = h
	d.mu.Unlock()
	if !same {
		d.watch.Wake()
	}
}

// note takes over what err says of the camera.
func (d *Dev) note(err error) {
	switch {
	case err == nil:
		d.set(device.Online)
	case errors.Is(err, device.ErrUnplugged):
		d.set(device.NoDevice)
	case errors.Is(err, device.ErrBusy):
		d.set(device.Busy)
	default:
		d.set(device.HardwareError)
	}
}

// run looks whether the camera is there until Halt.
func (d *Dev) run() {
	defer close(d.done)
	for d.ctx.Err() == nil {
		d.bus <- struct{}{}
		c, err := d.open()
		if err == nil {
			err = c.node.Close()
		}
		d.note(err)
		<-d.bus
		t := time.NewTimer(d.o.Poll)
		select {
		case <-t.C:
		case <-d.ctx.Done():
		}
		t.Stop()
	}
	d.bus <- struct{}{} // a picture under way ends first
	<-d.bus
	d.set(device.Offline)
}

// Capture implements device.ImageScanner. Captures wait for one another.
func (d *Dev) Capture(ctx context.Context, dpi int) (image.Image, error) {
	img, err := d.capture(ctx, dpi)
	if err != nil {
		return nil, &device.Error{Dev: d.String(), Op: "take a picture", SideEffect: device.SideEffectNo, Err: err}
	}
	return img, nil
}

func (d *Dev) capture(ctx context.Context, dpi int) (img image.Image, err error) {
	if dpi < 0 {
		return nil, fmt.Errorf("%d dots per inch: %w", dpi, device.ErrUnsupported)
	}
	select {
	case d.bus <- struct{}{}:
		defer func() { <-d.bus }()
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-d.ctx.Done():
	}
	if d.ctx.Err() != nil {
		return nil, device.ErrHalted
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(d.ctx, func() { cancel(device.ErrHalted) })()
	c, err := d.open()
	if err == nil {
		img, err = c.picture(ctx, dpi)
	}
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err == nil, errors.Is(err, device.ErrUnplugged):
		d.note(err)
	}
	return img, err
}
