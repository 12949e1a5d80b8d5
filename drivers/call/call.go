// Package call takes callers' wishes to the one goroutine that owns a device's line,
// so that each wish has one answer: done, not done, or nobody knows.
package call

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/penjire/penjire/drivers/device"
)

// Queue is where callers wait for the owner.
type Queue struct {
	calls chan *call
	ended <-chan struct{} // closed when nobody serves any more
}

// call is one caller's wish.
type call struct {
	ctx   context.Context
	do    func(ctx context.Context) error
	state atomic.Int32 // 0: nobody has taken it; 1: it is being done; 2: the caller has left
	done  chan error
}

// NewQueue returns a queue whose calls fail with ErrHalted once ended is closed.
func NewQueue(ended <-chan struct{}) *Queue {
	return &Queue{calls: make(chan *call), ended: ended}
}

// ServeFor does what callers want for that long, or until ctx ends.
func (q *Queue) ServeFor(ctx context.Context, t time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, t)
	defer cancel()
	q.ServeUntil(ctx.Done())
}

// ServeUntil does what callers want until end is closed.
func (q *Queue) ServeUntil(end <-chan struct{}) {
	for {
		select {
		case <-end:
			return
		case c := <-q.calls:
			if c.state.CompareAndSwap(0, 1) {
				c.done <- c.do(c.ctx)
			}
		}
	}
}

// ServeWhile does what callers want while f runs.
func (q *Queue) ServeWhile(f func()) {
	over := make(chan struct{})
	go func() { defer close(over); f() }()
	q.ServeUntil(over)
}

// Do has the owner do f, and returns what it returned. Where ctx ends before the
// owner has begun, nothing happens; afterwards nobody knows.
func (q *Queue) Do(ctx context.Context, f func(ctx context.Context) error) error {
	k := &call{ctx: ctx, do: f, done: make(chan error, 1)}
	select {
	case <-q.ended:
		return Failed(device.SideEffectNo, device.ErrHalted)
	default:
	}
	if err := ctx.Err(); err != nil {
		return Failed(device.SideEffectNo, err)
	}
	select {
	case q.calls <- k:
	case <-ctx.Done():
		return Failed(device.SideEffectNo, ctx.Err())
	case <-q.ended:
		return Failed(device.SideEffectNo, device.ErrHalted)
	}
	select {
	case err := <-k.done:
		return err
	case <-ctx.Done():
		if k.state.CompareAndSwap(0, 2) {
			return Failed(device.SideEffectNo, ctx.Err())
		}
		select { // it may have been done at the same moment
		case err := <-k.done:
			return err
		default:
			return Failed(device.SideEffectUnknown, ctx.Err())
		}
	case <-q.ended:
		select {
		case err := <-k.done:
			return err
		default:
		}
		if k.state.CompareAndSwap(0, 2) {
			return Failed(device.SideEffectNo, device.ErrHalted)
		}
		return Failed(device.SideEffectUnknown, device.ErrHalted)
	}
}
