package outbox

import (
	"context"
	"encoding/hex"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"github.com/penjire/penjire/sync/journal"
)

// Append adds an entry to the journal and returns its index after it is
// durable. A zero At is filled with the clock, an empty Boot with Options.Boot.
func (o *Outbox) Append(ctx context.Context, e journal.Entry) (index int64, err error) {
	err = o.write(ctx, func(t *tx) error {
		index, err = t.append(e)
		return err
	})
	return index, err
}

// Head returns the size and root of the journal.
func (o *Outbox) Head() (size int64, root [32]byte) {
	o.mu.RLock()
	defer o.mu.RUnlock()
	return o.mem.edge.Size(), o.mem.edge.Root()
}

// Checkpoint returns the head with its origin, for signing and sending.
func (o *Outbox) Checkpoint() journal.Checkpoint {
	o.mu.RLock()
	defer o.mu.RUnlock()
	return journal.Checkpoint{Origin: origin(o.o.Kiosk, o.mem.epoch), Size: o.mem.edge.Size(), Root: o.mem.edge.Root()}
}

func (o *Outbox) epoch() Epoch {
	o.mu.RLock()
	defer o.mu.RUnlock()
	return o.mem.epoch
}

func origin(kiosk string, e Epoch) string { return kiosk + "/" + hex.EncodeToString(e[:]) }

// Entry returns entry number i of the journal, or ErrNotFound.
func (o *Outbox) Entry(ctx context.Context, i int64) (journal.Entry, error) {
	var e journal.Entry
	err := o.tree(ctx, func(s *store, size int64) error {
		if i < 0 || i >= size {
			return fmt.Errorf("outbox: journal entry %d of %d: %w", i, size, ErrNotFound)
		}
		_, b, err := s.getLeaf(i)
		if err != nil {
			return err
		}
		e, err = journal.ParseEntry(b)
		return err
	})
	return e, err
}

func (s *store) getLeaf(i int64) ([]journal.Hash, []byte, error) {
	b := s.journal.Get(epochKey(s.epoch, uint64(i)))
	if b == nil {
		return nil, nil, fmt.Errorf("outbox: journal entry %d is gone: %w", i, ErrDamaged)
	}
	v, err := wholeValue(b, kindJournal, uint64(i))
	if err != nil {
		return nil, nil, err
	}
	return parseLeaf(v.payload)
}

// RootAt returns the root of the tree of the first size entries.
func (o *Outbox) RootAt(ctx context.Context, size int64) ([32]byte, error) {
	var root journal.Hash
	err := o.tree(ctx, func(s *store, have int64) (err error) {
		if size < 0 || size > have {
			return fmt.Errorf("outbox: root of %d entries: the journal has %d: %w", size, have, ErrNotFound)
		}
		root, err = journal.Root(size, journalReader{s.journal, s.epoch})
		return err
	})
	return root, err
}

// Inclusion proves that entry number index is among the first size.
func (o *Outbox) Inclusion(ctx context.Context, index, size int64) ([][32]byte, error) {
	var p []journal.Hash
	err := o.tree(ctx, func(s *store, have int64) (err error) {
		if size > have {
			return fmt.Errorf("outbox: prove entry %d of %d: the journal has %d: %w", index, size, have, ErrNotFound)
		}
		p, err = journal.Inclusion(index, size, journalReader{s.journal, s.epoch})
		return err
	})
	return p, err
}

// Consistency proves that the first old entries begin the first size.
func (o *Outbox) Consistency(ctx context.Context, old, size int64) ([][32]byte, error) {
	var p []journal.Hash
	err := o.tree(ctx, func(s *store, have int64) (err error) {
		if size > have {
			return fmt.Errorf("outbox: prove that %d entries begin %d: the journal has %d: %w", old, size, have, ErrNotFound)
		}
		p, err = journal.Consistency(old, size, journalReader{s.journal, s.epoch})
		return err
	})
	return p, err
}

func (o *Outbox) tree(ctx context.Context, fn func(s *store, size int64) error) error {
	size, _ := o.Head()
	return o.view(ctx, func(b *bolt.Tx) error {
		s, err := newStore(b, o.epoch())
		if err != nil {
			return err
		}
		return fn(&s, size)
	})
}
