package outbox

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/penjire/penjire/sync/journal"
)

// reviveEvery is the least time between two openings of a file that was found
// damaged while it was open: each may set a file aside.
var reviveEvery = time.Minute

// doubt has the writer look at the file, soon: something in it is damaged.
func (o *Outbox) doubt() {
	o.raise(AlarmDamaged)
	select {
	case o.w.look <- struct{}{}:
	default:
	}
}

// revive closes the file and opens it again, as Open does, where it takes no
// writes any more or was found damaged: what is broken is set aside, what can be
// saved is carried into a new epoch, and the outbox goes on. The alarm stays. It
// runs in the writer; readers wait.
func (o *Outbox) revive() {
	if !o.w.revived.IsZero() && time.Since(o.w.revived) < reviveEvery {
		return
	}
	o.w.revived = time.Now()
	o.files.Lock()
	defer o.files.Unlock()
	ctx := context.Background()
	old := o.mem.epoch
	if err := o.reopen(ctx); err != nil {
		err = fmt.Errorf("outbox: open a damaged file again: %w", errors.Join(err, ErrDamaged))
		o.w.broken.Store(&err)
		return
	}
	o.w.broken.Store(nil)
	o.w.stuck.Store(false)
	o.raise(AlarmDamaged)
	anew := o.epoch() != old
	done := make(chan error, 1)
	o.commit([]op{{done: done, fn: func(t *tx) error {
		if anew { // a new journal: it says which start it belongs to
			if _, err := t.append(journal.Entry{Kind: journal.Boot, Fields: journal.Fields{Reason: o.o.Version}}); err != nil {
				return err
			}
		}
		return t.interrupted() // how it ended may not have been taken
	}}})
	if !anew {
		return
	}
	o.mu.RLock()
	taps := slices.Clone(o.taps)
	o.mu.RUnlock()
	for _, p := range taps {
		p.poke()
	}
}

// reopen closes what is open and opens it anew.
func (o *Outbox) reopen(ctx context.Context) error {
	if err := o.ahead.close(); err != nil {
		return err
	}
	o.ahead = ahead{}
	if o.w.stuck.Load() {
		// bbolt holds its locks for ever, and the file's. The handle is left to
		// itself, and another file takes the place of this one.
		cause := o.w.err()
		o.db = nil
		if err := o.replace(cause); err != nil {
			return err
		}
		return o.openFile(ctx)
	}
	if o.db != nil {
		if err := o.db.Close(); err != nil {
			return fmt.Errorf("outbox: close a damaged file: %w", err)
		}
		o.db = nil
	}
	return o.open(ctx)
}
