package call

import "context"

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

// Halt ends run and returns when it has. It may be called twice.
func (o *Owner) Halt() error {
	o.cancel()
	<-o.done
	return nil
}
