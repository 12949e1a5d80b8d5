package outbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// place returns where the document's request is, if it is here at all. It is
// asked before the read begins: what memory knows is on disk, but a read that
// began earlier need not see it.
func (o *Outbox) place(doc Doc) (Epoch, uint64, bool) {
	o.mu.RLock()
	defer o.mu.RUnlock()
	i, ok := o.mem.byDoc(doc)
	if !ok {
		return Epoch{}, 0, false
	}
	epoch, seq := o.mem.key(i)
	return epoch, seq, true
}

// Get returns the request of the document, or ErrNotFound.
func (o *Outbox) Get(ctx context.Context, doc Doc) (Request, error) {
	epoch, seq, ok := o.place(doc)
	if !ok {
		return Request{}, fmt.Errorf("outbox: request of a document: %w", ErrNotFound)
	}
	var out Request
	err := o.view(ctx, func(b *bolt.Tx) error {
		s, err := newStore(b, o.epoch())
		if err != nil {
			return err
		}
		r, err := s.getRequest(epoch, seq)
		if err != nil {
			return err
		}
		if Doc(r.Doc) != doc {
			return fmt.Errorf("outbox: request of a document: %w", ErrNotFound)
		}
		out = r.public(epoch, seq)
		return nil
	})
	return out, err
}

// At returns the request with that number, or ErrNotFound.
func (o *Outbox) At(ctx context.Context, epoch Epoch, seq uint64) (Request, error) {
	var out Request
	err := o.view(ctx, func(b *bolt.Tx) error {
		s, err := newStore(b, o.epoch())
		if err != nil {
			return err
		}
		if s.request.Get(epochKey(epoch, seq)) == nil {
			return fmt.Errorf("outbox: request %d: %w", seq, ErrNotFound)
		}
		r, err := s.getRequest(epoch, seq)
		if err != nil {
			return err
		}
		out = r.public(epoch, seq)
		return nil
	})
	return out, err
}

// ByCode returns the request with the tracking code, or ErrNotFound. It takes
// time on purpose where the request has no owner, or there is none.
func (o *Outbox) ByCode(ctx context.Context, code string) (Request, error) {
	r, err := o.byHash(ctx, code, codeHash(code))
	if !errors.Is(err, ErrNotFound) {
		return r, err
	}
	h, err := hardHash(o.o.Kiosk, code)
	if err != nil {
		return Request{}, err
	}
	return o.byHash(ctx, code, h)
}

func (o *Outbox) byHash(ctx context.Context, code string, h []byte) (Request, error) {
	o.mu.RLock()
	i, ok := o.mem.codes[short(h)]
	var epoch Epoch
	var seq uint64
	if ok {
		epoch, seq = o.mem.key(i)
	}
	o.mu.RUnlock()
	if !ok || code == "" {
		return Request{}, fmt.Errorf("outbox: request of a code: %w", ErrNotFound)
	}
	var out Request
	err := o.view(ctx, func(b *bolt.Tx) error {
		s, err := newStore(b, o.epoch())
		if err != nil {
			return err
		}
		r, err := s.getRequest(epoch, seq)
		if err != nil {
			return err
		}
		if !bytes.Equal(r.CodeHash, h) {
			return fmt.Errorf("outbox: request of a code: %w", ErrNotFound)
		}
		out = r.public(epoch, seq)
		out.Code = code
		return nil
	})
	return out, err
}

// Mine returns the requests of one owner, the newest first. The zero Owner has
// none: requests without identification are found by code only.
func (o *Outbox) Mine(ctx context.Context, owner Owner) ([]Request, error) {
	if owner == (Owner{}) {
		return nil, nil
	}
	type key struct {
		epoch Epoch
		seq   uint64
	}
	var keys []key
	o.mu.RLock()
	if i, ok := o.mem.owners[short(owner[:])]; ok {
		for ; i >= 0; i = o.mem.slots[i].prev {
			e, n := o.mem.key(i)
			keys = append(keys, key{e, n})
		}
	}
	o.mu.RUnlock()
	if len(keys) == 0 {
		return nil, nil
	}
	var out []Request
	err := o.view(ctx, func(b *bolt.Tx) error {
		s, err := newStore(b, o.epoch())
		if err != nil {
			return err
		}
		for _, k := range keys {
			r, err := s.getRequest(k.epoch, k.seq)
			if err != nil {
				return err
			}
			if bytes.Equal(r.Owner, owner[:]) {
				out = append(out, r.public(k.epoch, k.seq))
			}
		}
		return nil
	})
	return out, err
}
