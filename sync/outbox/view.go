package outbox

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// view runs fn on what is durable.
func (o *Outbox) view(ctx context.Context, fn func(*bolt.Tx) error) (err error) {
	if err := context.Cause(ctx); err != nil {
		return fmt.Errorf("outbox: read: %w", err)
	}
	o.files.RLock()
	defer o.files.RUnlock()
	if o.db == nil {
		return o.w.err()
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("outbox: read %s: %v: %w", o.path, p, ErrDamaged)
		}
		if errors.Is(err, ErrDamaged) {
			o.doubt()
		}
	}()
	err = o.db.View(fn)
	if errors.Is(err, berrors.ErrDatabaseNotOpen) {
		return ErrClosed
	}
	return err
}

// raise adds an alarm for as long as the outbox is open.
func (o *Outbox) raise(code string) {
	o.mu.Lock()
	o.mem.alarm(code)
	o.mu.Unlock()
}

// raised reports whether the alarm stands.
func (o *Outbox) raised(code string) bool {
	o.mu.RLock() // who reads may raise one
	defer o.mu.RUnlock()
	return slices.Contains(o.mem.alarms, code)
}

// Changes returns a channel that gets a value after something changed; changes
// that nobody took yet are one. Each caller gets a channel of its own, for as
// long as the outbox lives: call it once and keep it.
func (o *Outbox) Changes() <-chan struct{} {
	c := make(chan struct{}, 1)
	o.mu.Lock()
	o.subs = append(o.subs, c)
	o.mu.Unlock()
	return c
}
