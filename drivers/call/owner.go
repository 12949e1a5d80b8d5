package call

import (
	"context"
	"time"

	"github.com/penjire/penjire/drivers/link"
)

// Owner is the goroutine that owns a device's line, from New to Halt.
type Owner struct {
	Ctx   context.Context // ends with Halt
	Calls *Queue

	cancel context.CancelFunc
	done   chan struct{}
}

// NewOwner returns an owner that has not begun.
func NewOwner() *Owner {
	o := &Owner{done: make(chan struct{})}
	o.Calls = NewQueue(o.done)
	o.Ctx, o.cancel = context.WithCancel(context.Background())
	return o
}

// Go begins run, which returns soon after Ctx has ended.
func (o *Owner) Go(run func()) {
	go func() {
		defer close(o.done)
		run()
	}()
}

// Keep is a run for Go: it has a session on port, again and again, and calls gone
// with the error that ended it. Between sessions calls are answered, every is the
// time to the next try, and a device that is plugged in shortens it.
func (o *Owner) Keep(port link.Port, every time.Duration, session func() error, gone func(error)) {
	reopen := link.NewReopen(port, every)
	defer reopen.Close()
	for o.Ctx.Err() == nil {
		gone(session())
		o.Calls.ServeWhile(func() { reopen.Wait(o.Ctx) })
	}
}

// Halt ends run and returns when it has. It may be called twice.
func (o *Owner) Halt() error {
	o.cancel()
	<-o.done
	return nil
}
