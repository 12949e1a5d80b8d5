package outbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	bolt "go.etcd.io/bbolt"
)

// open finds or makes the file, checks it, and loads memory from it. A file
// that is broken is replaced, once.
func (o *Outbox) open(ctx context.Context) error {
	err := o.openFile(ctx)
	if !errors.Is(err, ErrDamaged) {
		return err
	}
	cause := err
	if o.db != nil {
		// What a failed load leaves open must not disturb the salvage.
		if err := o.db.Close(); err != nil {
			return errors.Join(cause, fmt.Errorf("outbox: close a damaged file: %w", err))
		}
		o.db = nil
	}
	if err := errors.Join(o.ahead.close()); err != nil {
		return errors.Join(cause, err)
	}
	o.ahead = ahead{}
	if err := o.replace(cause); err != nil {
		return errors.Join(cause, err)
	}
	return o.openFile(ctx)
}

func (o *Outbox) openFile(ctx context.Context) error {
	_, err := os.Lstat(o.path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		if err := o.fresh(); err != nil {
			return err
		}
	case err != nil:
		return fmt.Errorf("outbox: look for %s: %w", o.path, err)
	default:
		if err := o.precheck(ctx); err != nil {
			return err
		}
	}
	if o.db, err = openBolt(o.path, o.o); err != nil {
		return err
	}
	if err := o.compact(); err != nil {
		return err
	}
	if o.ahead, err = openAhead(o.path); err != nil {
		return err
	}
	return o.load()
}

// fresh makes a new, empty file. Where there was one before, that is not
// normal and said so.
func (o *Outbox) fresh() error {
	aside, err := filepath.Glob(o.path + asideExt + "*")
	if err != nil {
		return fmt.Errorf("outbox: look for files set aside: %w", err)
	}
	used, err := o.used()
	if err != nil {
		return err
	}
	large, err := filepath.Glob(filepath.Join(o.dir(), blobFolder, "*"))
	if err != nil {
		return fmt.Errorf("outbox: look for large requests: %w", err)
	}
	m := meta{Kiosk: o.o.Kiosk, Created: toMilli(o.o.Now())}
	if len(aside) > 0 || len(large) > 0 || used {
		m.Alarms = []string{AlarmMissing}
	}
	return create(o.path, o.o, func(b *bolt.Tx, e Epoch) error { return putFirstMeta(b, e, m) })
}

func putFirstMeta(b *bolt.Tx, e Epoch, m meta) error {
	p, err := encode(m)
	if err != nil {
		return err
	}
	v := value{kind: kindMeta, epoch: e, revision: 1, payload: p}
	if err := b.Bucket(bucketMeta).Put(v.key(), v.marshal()); err != nil {
		return fmt.Errorf("outbox: store the file's own record: %w", err)
	}
	return nil
}

// compact copies the file to a smaller one when more than half of it, and
// enough to be worth it, is free. It runs at Open only, before anybody waits.
func (o *Outbox) compact() error {
	page := int64(o.db.Info().PageSize)
	st := o.db.Stats()
	free := int64(st.FreePageN+st.PendingPageN) * page
	var size int64
	if err := o.db.View(func(b *bolt.Tx) error { size = b.Size(); return nil }); err != nil {
		return fmt.Errorf("outbox: size of %s: %w", o.path, err)
	}
	if free < compactLeast || free < size/2 {
		return nil
	}
	temp := filepath.Join(filepath.Dir(o.path), tempName)
	if err := ignoreMissing(os.Remove(temp)); err != nil {
		return fmt.Errorf("outbox: remove an unfinished file: %w", err)
	}
	opts := bboltOptions(o.o)
	opts.OpenFile, opts.NoSync = nil, true // install flushes all of it, once
	dst, err := bolt.Open(temp, 0o600, opts)
	if err != nil {
		return fmt.Errorf("outbox: compact %s: %w", o.path, err)
	}
	dst.AllocSize = 64 << 10
	err = bolt.Compact(dst, o.db, 1<<20)
	if err := errors.Join(err, dst.Close()); err != nil {
		// No room for the copy, most likely: the file stays as it is.
		return errors.Join(ignoreMissing(os.Remove(temp)))
	}
	if err := o.db.Close(); err != nil {
		return fmt.Errorf("outbox: close %s after compacting: %w", o.path, err)
	}
	o.db = nil
	if err := install(temp, o.path); full(err) != nil && !errors.Is(full(err), ErrFull) {
		return err
	} else if err != nil { // as above: the flush before the new name found none
		if err := ignoreMissing(os.Remove(temp)); err != nil {
			return fmt.Errorf("outbox: remove an unfinished file: %w", err)
		}
	}
	o.db, err = openBolt(o.path, o.o)
	return err
}

const compactLeast = 4 << 20

// load builds memory from the file. Every request's value is verified on the
// way, and that the parts which must go on from where they were do so.
func (o *Outbox) load() error {
	m := newMemory()
	err := o.db.View(func(b *bolt.Tx) error {
		s, err := newStore(b, Epoch{})
		if err != nil {
			return err
		}
		if err := m.loadMeta(&s, o.o.Kiosk); err != nil {
			return err
		}
		s.epoch = m.epoch
		for _, load := range []func(*store) error{m.loadRequests, m.loadSealed, m.loadJournal, m.loadItems} {
			if err := load(&s); err != nil {
				return err
			}
		}
		m.last = b.ID()
		st := o.db.Stats()
		m.used = b.Size() - int64(st.FreePageN+st.PendingPageN)*int64(o.db.Info().PageSize)
		return nil
	})
	if err != nil {
		return err
	}
	m.fileSize = o.ahead.size
	// Higher than a commit that the last crash cut may have left on free pages.
	m.found, m.stored = m.rev, m.rev
	m.rev += revisionGap
	o.mu.Lock()
	o.mem = m
	o.lookAtBlobs()
	o.mu.Unlock()
	return nil
}

// revisionGap is how far the revisions of an opening begin above those found.
const revisionGap = 1 << 10
