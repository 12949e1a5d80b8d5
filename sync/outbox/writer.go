package outbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// batchMax is the most writes that share a commit.
const batchMax = 256

// zerosPay reports whether a commit of n writes is worth zeros ahead of the file.
// They spare a flush in two commits of three, or of many writes in each, and double
// what a growing file takes. One citizen waits for the flush; for dozens it is half
// the rate. Between them the pages that every commit writes anew leave no room for
// zeros in the 4 KiB that a request may take.
func zerosPay(n int) bool { return n < 16 || n >= 32 }

// op is one write waiting for the writer. Its function looks first and writes
// after: an error it returns before it wrote anything harms nobody else in the
// commit.
type op struct {
	fn   func(*tx) error
	done chan error
}

// writer is the one goroutine that writes. It takes all writes that came while
// the commit before was on its way to the medium and commits them together;
// nobody waits for a timer.
type writer struct {
	ops   chan op
	quit  chan struct{}
	ended chan struct{}
	look  chan struct{} // something is damaged
	begun bool          // what every start writes is written

	broken atomic.Pointer[error] // why it takes no more writes
	stuck  atomic.Bool           // bbolt panicked in a write and holds its locks for ever

	revived time.Time // when the file was last opened again
}

func (w *writer) err() error {
	if p := w.broken.Load(); p != nil {
		return *p
	}
	return nil
}

func (o *Outbox) startWriter() {
	o.w.ops, o.w.quit, o.w.ended = make(chan op, batchMax), make(chan struct{}), make(chan struct{})
	o.w.look = make(chan struct{}, 1)
	go o.runWriter()
}

// write runs fn in a write transaction and returns when it is durable.
func (o *Outbox) write(ctx context.Context, fn func(*tx) error) error {
	p := op{fn: fn, done: make(chan error, 1)}
	select {
	case <-o.w.quit:
		return ErrClosed
	default:
	}
	select {
	case o.w.ops <- p:
	case <-o.w.quit:
		return ErrClosed
	case <-ctx.Done():
		return fmt.Errorf("outbox: wait to write: %w", context.Cause(ctx))
	}
	select {
	case err := <-p.done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("outbox: wait for a write that may still become durable: %w", context.Cause(ctx))
	case <-o.w.ended:
		select {
		case err := <-p.done:
			return err
		default:
			return ErrClosed
		}
	}
}

func (o *Outbox) runWriter() {
	defer close(o.w.ended)
	debug.SetPanicOnFault(true) // a page the medium does not give back is an error, not the end of the process
	answered := 0
	for {
		var batch []op
		select {
		case p := <-o.w.ops:
			batch = append(batch, p)
		case <-o.w.look:
			o.revive()
			continue
		case <-o.w.quit:
			select { // what was handed in before the end is still written
			case p := <-o.w.ops:
				batch = append(batch, p)
			default:
				return
			}
		}
		batch = o.gather(batch, answered)
		answered = len(batch)
		if o.w.err() != nil {
			o.revive()
		}
		o.commit(batch)
	}
}

// gatherMost is how long gather lets others run, and yields how often in a row
// without a new write from them. It is less than one flush of a fast medium.
const (
	gatherMost = 200 * time.Microsecond
	yields     = 4
)

// gather takes in what else there is to write. Those who were answered a moment
// ago may have more: they run first, and their writes share this commit. It sets
// no timer, and with nobody there it returns at once; without it those who were
// answered and those who came meanwhile would take turns, in commits of half the
// size.
func (o *Outbox) gather(batch []op, answered int) []op {
	begun := time.Now()
	for quiet := 0; len(batch) < batchMax; {
		select {
		case p := <-o.w.ops:
			batch, quiet = append(batch, p), 0
			continue
		default:
		}
		if quiet == yields || quiet > 0 && answered < 2 || time.Since(begun) > gatherMost {
			break
		}
		quiet++
		runtime.Gosched()
	}
	return batch
}

// commit writes the batch in one transaction and answers everybody in it.
func (o *Outbox) commit(batch []op) {
	for len(batch) > 0 {
		errs, culprit, err := o.try(batch)
		switch {
		case err == nil:
			for i, p := range batch {
				p.done <- errs[i]
			}
			if o.ahead.due {
				o.prewrite() // nobody waits for that
			}
			return
		case culprit >= 0:
			// One write failed half-way. The transaction is undone; the
			// others go again without it.
			batch[culprit].done <- err
			batch = append(batch[:culprit:culprit], batch[culprit+1:]...)
		case errors.Is(err, ErrFull) && len(batch) > 1:
			// Together they found no room. One by one, the small ones may.
			for _, p := range batch {
				o.commit([]op{p})
			}
			return
		default:
			for _, p := range batch {
				p.done <- err
			}
			return
		}
	}
}

// try runs the batch. Either err is nil and errs has each write's own result,
// or nothing was written: because of the write number culprit, or of the
// commit itself where culprit is -1.
func (o *Outbox) try(batch []op) (errs []error, culprit int, err error) {
	if err := o.w.err(); err != nil {
		return nil, -1, err
	}
	defer func() {
		if p := recover(); p != nil {
			// bbolt panics on a damaged tree and holds its locks then.
			err = fmt.Errorf("outbox: write to %s: %v: %w", o.path, p, ErrDamaged)
			o.w.broken.Store(&err)
			o.w.stuck.Store(true)
			errs, culprit = nil, -1
			o.raise(AlarmDamaged)
		}
	}()
	b, err := o.db.Begin(true)
	if err != nil {
		return nil, -1, fmt.Errorf("outbox: begin a write: %w", err)
	}
	if b.ID() != o.mem.last+1 {
		// A commit that failed at its last flush, or may have: the file shows it
		// and the memory does not. What follows would be written over its
		// journal entries.
		_ = b.Rollback()
		return nil, -1, o.landed()
	}
	t, err := o.newTx(b)
	if err != nil {
		_ = b.Rollback()
		return nil, -1, err
	}
	if !o.w.begun {
		if err := t.begin(); err != nil {
			_ = b.Rollback()
			return nil, -1, full(err)
		}
	}
	errs = make([]error, len(batch))
	for i, p := range batch {
		t.clean = true
		errs[i] = p.fn(t)
		if errors.Is(errs[i], ErrDamaged) {
			o.doubt()
		}
		if errs[i] != nil && !t.clean {
			_ = b.Rollback()
			return nil, i, full(errs[i])
		}
	}
	if t.total == 0 {
		if err := b.Rollback(); err != nil {
			return nil, -1, fmt.Errorf("outbox: end a write that changed nothing: %w", err)
		}
		o.apply(t, 0)
		return errs, -1, nil
	}
	used := b.Size()
	if err := commitTx(b); err != nil {
		o.mem.rev++ // its values may stand on free pages
		if o.shown() != o.mem.last {
			return nil, -1, fmt.Errorf("%w: %w", errUnsure, errors.Join(o.landed(), err))
		}
		return nil, -1, full(fmt.Errorf("outbox: commit to %s: %w", o.path, err))
	}
	o.w.begun = true
	o.ahead.due = zerosPay(len(batch))
	o.apply(t, max(used, o.highWater()))
	return errs, -1, nil
}

// commitTx is what a test makes fail.
var commitTx = (*bolt.Tx).Commit

// errUnsure says that a write has failed and may be durable all the same.
var errUnsure = errors.New("a commit failed at its end")

// landed says that a commit which failed is in the file.
func (o *Outbox) landed() error {
	err := fmt.Errorf("outbox: write to %s: a commit that failed is in it: %w", o.path, ErrDamaged)
	o.w.broken.Store(&err)
	o.raise(AlarmDamaged)
	return err
}

// shown is bbolt's number of the commit that readers see.
func (o *Outbox) shown() (id int) {
	_ = o.db.View(func(b *bolt.Tx) error { id = b.ID(); return nil }) // opened by who asks
	return id
}

// highWater is where the file's last page ends.
func (o *Outbox) highWater() (n int64) {
	_ = o.db.View(func(b *bolt.Tx) error { n = b.Size(); return nil }) // opened by who asks
	return n
}

// apply makes the memory say what is durable now and tells who listens.
func (o *Outbox) apply(t *tx, highWater int64) {
	o.mu.Lock()
	for _, fn := range t.after {
		fn(&o.mem)
	}
	o.mem.edge, o.mem.rev = t.edge, t.rev
	if highWater > 0 {
		o.mem.last++
		o.ahead.used = highWater
		s := o.db.Stats()
		o.mem.used = highWater - int64(s.FreePageN+s.PendingPageN)*int64(o.db.Info().PageSize)
	}
	if len(t.puts) > 0 {
		o.mem.stored = t.rev
		for _, p := range o.taps {
			p.give(t.puts, t.rev, t.edge)
		}
	}
	subs := o.subs
	var unlink []string
	for _, digest := range t.blobs {
		delete(o.proved, digest)
		if o.mem.blobs[digest] == nil && o.staged[digest] == 0 {
			unlink = append(unlink, blobPath(o.dir(), digest))
		}
	}
	o.mu.Unlock()
	for _, path := range unlink {
		_ = os.Remove(path) // the next Open removes what is left
	}
	if t.total == 0 && len(t.after) == 0 {
		return
	}
	for _, c := range subs {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

// prewrite lets zeros go ahead of the next commits.
func (o *Outbox) prewrite() {
	o.ahead.due = false
	if !o.ahead.keep(o.o.MaxSize) {
		return
	}
	o.mu.Lock()
	o.mem.fileSize = o.ahead.size
	o.mu.Unlock()
}

// full turns the ways of having no room into ErrFull.
func full(err error) error {
	if errors.Is(err, berrors.ErrMaxSizeReached) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("%w: %w", err, ErrFull)
	}
	return err
}
