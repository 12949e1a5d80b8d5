package link

import (
	"context"
	"sync"
)

// Watch tells any number of waiters that something changed. The zero Watch is
// ready.
type Watch struct {
	mu sync.Mutex
	ch chan struct{}
}

// Next returns a channel that the next Wake closes. Take it before looking at
// what is watched, and no change is missed.
func (w *Watch) Next() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ch == nil {
		w.ch = make(chan struct{})
	}
	return w.ch
}

// Wake tells everyone who waits.
func (w *Watch) Wake() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ch != nil {
		close(w.ch)
		w.ch = nil
	}
}

// Channel returns a channel that yields after Wakes, several together as one,
// and is closed when ctx ends.
func (w *Watch) Channel(ctx context.Context) <-chan struct{} {
	out := make(chan struct{}, 1)
	next := w.Next()
	go func() {
		defer close(out)
		for {
			select {
			case <-next:
			case <-ctx.Done():
				return
			}
			next = w.Next()
			select {
			case out <- struct{}{}:
			default:
			}
		}
	}()
	return out
}
