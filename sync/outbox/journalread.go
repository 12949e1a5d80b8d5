package outbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"github.com/penjire/penjire/sync/journal"
)

// ReadJournal hands the journal entries of a file that nobody has open to fn, of
// every epoch in it, in order; own says whether it is the epoch in use. It
// changes nothing. It checks each value and each entry's form, not the tree:
// CheckFile does. ErrLocked while a kiosk runs.
func ReadJournal(ctx context.Context, path string, fn func(e Epoch, own bool, index int64, entry journal.Entry) error) (err error) {
	if _, err := os.Stat(path); err != nil {
		return fmt.Errorf("outbox: read the journal: %w", err)
	}
	db, err := bolt.Open(path, 0o400, &bolt.Options{ReadOnly: true, Timeout: time.Second, OpenFile: openExisting})
	if errors.Is(err, berrors.ErrTimeout) {
		return fmt.Errorf("outbox: read the journal of %s: %w", path, ErrLocked)
	}
	if err != nil {
		return fmt.Errorf("outbox: read the journal of %s: %w: %w", path, err, ErrDamaged)
	}
	defer func() {
		if e := db.Close(); e != nil {
			err = errors.Join(err, fmt.Errorf("outbox: close %s: %w", path, e))
		}
	}()
	return db.View(func(b *bolt.Tx) error {
		s, err := newStore(b, Epoch{})
		if err != nil {
			return err
		}
		raw := s.meta.Get(metaKey)
		if raw == nil {
			return fmt.Errorf("outbox: read the journal: the file's own record is gone: %w", ErrDamaged)
		}
		meta, err := wholeValue(raw, kindMeta, 0)
		if err != nil {
			return err
		}
		c := s.journal.Cursor()
		for k, b := c.First(); k != nil; k, b = c.Next() {
			if err := context.Cause(ctx); err != nil {
				return fmt.Errorf("outbox: read the journal: %w", err)
			}
			if len(k) != 24 {
				return fmt.Errorf("outbox: journal entry under a key of %d bytes: %w", len(k), ErrDamaged)
			}
			v, err := wholeValue(b, kindJournal, short(k[16:]))
			if err != nil {
				return err
			}
			_, entry, err := parseLeaf(v.payload)
			if err != nil {
				return err
			}
			e, err := journal.ParseEntry(entry)
			if err != nil {
				return fmt.Errorf("outbox: read the journal: %w: %w", err, ErrDamaged)
			}
			if err := fn(v.epoch, v.epoch == meta.epoch, int64(v.number), e); err != nil {
				return err
			}
		}
		return nil
	})
}
