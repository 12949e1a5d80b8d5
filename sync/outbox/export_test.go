package outbox

import (
	"context"
	"runtime"
)

// Commits returns how many commits the file has had.
func (o *Outbox) Commits() int {
	o.mu.RLock()
	defer o.mu.RUnlock()
	return o.mem.last
}

// Hold stops the writer until n writes wait for it, which then share a commit.
func (o *Outbox) Hold(n int) error {
	held, done := make(chan struct{}), make(chan error, 1)
	go func() {
		done <- o.write(context.Background(), func(*tx) error {
			close(held)
			for len(o.w.ops) < n {
				runtime.Gosched()
			}
			return nil
		})
	}()
	select {
	case <-held:
		return nil
	case err := <-done:
		return err
	}
}

// Raise raises an alarm as who reads does.
func (o *Outbox) Raise(code string) { o.raise(code) }
