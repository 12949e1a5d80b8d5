package outbox

import (
	"context"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// PutItem stores what came down and moves the cursor, in one commit. An item
// at or below the cursor was stored before and changes nothing. An item with
// Stage Answered, Refused or Returned moves its request there. An item without
// Bytes only moves the cursor.
//
// ErrFull where it does not fit beside what is kept for receipts: the cursor
// stays, and the item can come again.
func (o *Outbox) PutItem(ctx context.Context, it Item) error {
	switch {
	case it.ID == 0:
		return errors.New("outbox: store an item without an id")
	case len(it.Bytes) > MaxItem:
		return fmt.Errorf("outbox: store item %d of %d bytes, at most %d: %w", it.ID, len(it.Bytes), MaxItem, ErrTooLarge)
	case !it.Stage.ofItem():
		return fmt.Errorf("outbox: item %d makes a request %v", it.ID, it.Stage)
	case it.Stage != 0 && (it.Doc == Doc{} || len(it.Bytes) == 0):
		return fmt.Errorf("outbox: item %d makes a request %v without a document or bytes", it.ID, it.Stage)
	}
	return o.writeLarge(ctx, func(t *tx) error {
		m, err := t.readMeta()
		if err != nil {
			return err
		}
		if it.ID <= m.Cursor {
			return nil
		}
		if len(it.Bytes) > 0 {
			if room(len(it.Bytes)) > t.o.mem.free(t.o.o.MaxSize)-t.taken {
				return fmt.Errorf("outbox: store item %d of %d bytes: %w", it.ID, len(it.Bytes), ErrFull)
			}
			if err := t.putItem(&it); err != nil {
				return err
			}
		}
		m.Cursor = it.ID
		if err := t.putMeta(m); err != nil {
			return err
		}
		t.after = append(t.after, func(m *memory) { m.cursor = it.ID })
		return nil
	})
}

func (t *tx) putItem(it *Item) error {
	w := item{Kind: it.Kind, Stage: it.Stage, At: toMilli(it.At), Bytes: it.Bytes}
	if it.Doc != (Doc{}) {
		w.Doc = it.Doc[:]
	}
	p, err := encode(w)
	if err != nil {
		return err
	}
	if it.Doc != (Doc{}) {
		_, epoch, seq, r, err := t.find(it.Doc)
		switch {
		case err == nil:
			r.Item = it.ID
			if it.Stage != 0 && r.state().leads(it.Stage) {
				r.enter(it.Stage, it.At)
			}
			if err := t.update(epoch, seq, &r); err != nil {
				return err
			}
		case errors.Is(err, ErrNotFound):
			doc := it.Doc
			t.after = append(t.after, func(m *memory) { m.items[doc] = it.ID })
		default:
			return err
		}
	}
	t.taken += room(len(it.Bytes))
	return t.put(t.item, kindItem, t.epoch, it.ID, p)
}

func (s *store) readMeta() (meta, error) {
	b := s.meta.Get(metaKey)
	if b == nil {
		return meta{}, fmt.Errorf("outbox: the file's own record is gone: %w", ErrDamaged)
	}
	v, err := wholeValue(b, kindMeta, 0)
	if err != nil {
		return meta{}, err
	}
	return parseMeta(v.payload, false)
}

func (t *tx) putMeta(m meta) error {
	p, err := encode(m)
	if err != nil {
		return err
	}
	return t.put(t.meta, kindMeta, t.epoch, 0, p)
}

// Cursor returns the id of the last item stored; 0 before the first.
func (o *Outbox) Cursor() uint64 {
	o.mu.RLock()
	defer o.mu.RUnlock()
	return o.mem.cursor
}

// Item returns the last item stored for the document, or ErrNotFound.
func (o *Outbox) Item(ctx context.Context, doc Doc) (Item, error) {
	o.mu.RLock()
	id := o.mem.items[doc]
	o.mu.RUnlock()
	if id == 0 {
		r, err := o.Get(ctx, doc)
		if err != nil {
			return Item{}, err
		}
		id = r.Item
	}
	if id == 0 {
		return Item{}, fmt.Errorf("outbox: item of a document: %w", ErrNotFound)
	}
	var out Item
	err := o.view(ctx, func(b *bolt.Tx) error {
		s, err := newStore(b, o.epoch())
		if err != nil {
			return err
		}
		w, err := s.getItem(id)
		if err != nil {
			return err
		}
		out = Item{ID: id, Kind: w.Kind, Doc: doc, Stage: w.Stage, At: fromMilli(w.At), Bytes: w.Bytes}
		return nil
	})
	return out, err
}

func (s *store) getItem(id uint64) (item, error) {
	b := s.item.Get(numberKey(id))
	if b == nil {
		return item{}, fmt.Errorf("outbox: item %d is gone: %w", id, ErrDamaged)
	}
	v, err := wholeValue(b, kindItem, id)
	if err != nil {
		return item{}, err
	}
	return parseItem(v.payload, false)
}
