package outbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"github.com/penjire/penjire/sync/journal"
)

// faults collects what a check finds; enough of them end it.
type faults []error

func (f *faults) add(format string, args ...any) {
	*f = append(*f, fmt.Errorf("outbox: check: "+format, args...))
}

func (f *faults) many() bool { return len(*f) >= 20 }

func (f *faults) err() error {
	if len(*f) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %w", errors.Join(*f...), ErrDamaged)
}

// checkTx verifies the file as the transaction sees it. One that is not deep
// looks at bbolt's structure and at every value's checksum and place; what the
// values say is judged when they are loaded.
func checkTx(ctx context.Context, b *bolt.Tx, deep bool, named func(digest [32]byte, size int64)) error {
	if err := checkPages(b); err != nil {
		return err // walking on would follow broken pages
	}
	return checkContents(ctx, b, deep, named)
}

// checkPages verifies bbolt's structure.
func checkPages(b *bolt.Tx) error {
	var f faults
	for err := range b.Check() { // to its end: it runs in a goroutine of its own
		if !f.many() {
			f.add("structure: %w", err)
		}
	}
	return f.err()
}

// checkContents verifies what is in the pages, which must be in order.
// What named is told of are the files that values name: it is not looked into them
// here.
func checkContents(ctx context.Context, b *bolt.Tx, deep bool, named func(digest [32]byte, size int64)) error {
	s, err := newStore(b, Epoch{})
	if err != nil {
		return err
	}
	raw := s.meta.Get(metaKey)
	if raw == nil {
		return fmt.Errorf("outbox: check: the file's own record is gone: %w", ErrDamaged)
	}
	v, err := wholeValue(raw, kindMeta, 0)
	if err != nil {
		return err
	}
	m, err := parseMeta(v.payload, true)
	if err != nil {
		return err
	}
	s.epoch = v.epoch
	c := checker{named: named, store: &s, cursor: m.Cursor, docs: map[Doc]struct{}{}, jobs: map[uint64]struct{}{}}
	steps := []func() error{c.journal, c.requests, c.sealedBytes, c.items}
	if !deep {
		steps = []func() error{c.values}
	}
	for _, step := range steps {
		if err := context.Cause(ctx); err != nil {
			return fmt.Errorf("outbox: check: %w", err)
		}
		if err := step(); err != nil {
			c.f = append(c.f, err)
		}
	}
	return c.f.err()
}

type checker struct {
	*store
	named  func(digest [32]byte, size int64)
	f      faults
	cursor uint64
	size   int64
	docs   map[Doc]struct{}
	jobs   map[uint64]struct{}
}

// each verifies every value of a bucket and hands it on.
func (c *checker) each(b *bolt.Bucket, k kind, keyLen int, fn func(value) error) error {
	cur := b.Cursor()
	for key, raw := cur.First(); key != nil && !c.f.many(); key, raw = cur.Next() {
		if b == c.request && len(key) != keyLen && (len(key) == 24 || len(key) == 25) {
			continue // the other kind in this bucket has its turn
		}
		if len(key) != keyLen {
			c.f.add("kind %d under a key of %d bytes", k, len(key))
			continue
		}
		number := short(key[keyLen/24*16:])
		v, err := whole(raw, k, number)
		if err == nil && !bytes.Equal(v.key(), key) {
			err = fmt.Errorf("value %d of kind %d under another's key", v.number, k)
		}
		if err == nil {
			err = fn(v)
		}
		if err != nil {
			c.f.add("kind %d number %d: %w", k, number, err)
		}
	}
	return nil
}

// whole is wholeValue, or wholeSealed for what stands in the bucket sealed.
func whole(raw []byte, k kind, number uint64) (value, error) {
	if k == kindSealed {
		return wholeSealed(raw, number)
	}
	return wholeValue(raw, k, number)
}

// values verifies every value and asks nothing more of it.
func (c *checker) values() error {
	nothing := func(value) error { return nil }
	return errors.Join(
		c.each(c.request, kindRequest, 24, nothing), c.each(c.request, kindSealed, 25, nothing),
		c.each(c.sealed, kindSealed, 24, nothing),
		c.each(c.store.journal, kindJournal, 24, nothing),
		c.each(c.item, kindItem, 8, nothing),
	)
}

func (c *checker) journal() error {
	var grown journal.Edge
	return c.each(c.store.journal, kindJournal, 24, func(v value) error {
		hs, entry, err := parseLeaf(v.payload)
		if err != nil {
			return err
		}
		if _, err := journal.ParseEntry(entry); err != nil {
			return err
		}
		if v.epoch != c.epoch {
			return nil // salvaged, and may have gaps
		}
		if v.number != uint64(c.size) {
			return fmt.Errorf("stands where entry %d should", c.size)
		}
		c.size++
		want := grown.Add(hs[0])
		if len(hs) != len(want) {
			return fmt.Errorf("brings %d hashes, want %d", len(hs), len(want))
		}
		for i := range hs {
			if hs[i] != want[i] {
				return fmt.Errorf("its hash of level %d does not follow from the entries", i)
			}
		}
		return nil
	})
}

func (c *checker) requests() error {
	next := uint64(1)
	err := c.each(c.request, kindRequest, 24, func(v value) error {
		r, err := parseRequest(v.payload)
		if err != nil {
			return err
		}
		d := Doc(r.Doc)
		if _, twice := c.docs[d]; twice {
			return errors.New("the document was accepted twice")
		}
		c.docs[d] = struct{}{}
		for _, kind := range []uint8{PrintReceipt, PrintCopy} {
			id := *r.job(kind)
			if id == 0 {
				continue
			}
			if _, twice := c.jobs[id]; twice || id > c.store.journal.Sequence() {
				return fmt.Errorf("print job %d, given twice or never: the last is %d", id, c.store.journal.Sequence())
			}
			c.jobs[id] = struct{}{}
		}
		if r.Item != 0 && c.item.Get(numberKey(r.Item)) == nil {
			return fmt.Errorf("its item %d is not here", r.Item)
		}
		in, key := c.sealedPlace(v.epoch, v.number, r.Size)
		if there := in.Get(key) != nil; there == r.Lost && r.waits() {
			return fmt.Errorf("is %v, sealed bytes there: %t", r.state(), there)
		}
		if v.epoch != c.epoch {
			return nil
		}
		if v.number != next {
			c.f.add("request %d stands where %d should", v.number, next)
		}
		next = v.number + 1
		return c.entryOf(&r, v.number)
	})
	if c.f.many() {
		return err
	}
	if last := c.request.Sequence(); last != next-1 {
		c.f.add("the last sequence given is %d, the last request %d", last, next-1)
	}
	return err
}

// entryOf compares a request with the journal entry that speaks of it.
func (c *checker) entryOf(r *request, seq uint64) error {
	_, b, err := c.getLeaf(r.Index)
	if err != nil {
		return err
	}
	e, err := journal.ParseEntry(b)
	if err != nil {
		return err
	}
	x := &e.Fields
	if e.Kind != journal.DocSigned || !bytes.Equal(x.Doc, r.Doc) || !bytes.Equal(x.Digest, r.Digest) ||
		!bytes.Equal(x.Epoch, c.epoch[:]) || x.Seq != seq {
		return fmt.Errorf("journal entry %d speaks of something else", r.Index)
	}
	root, err := journal.Root(r.Index+1, journalReader{c.store.journal, c.epoch})
	if err != nil {
		return err
	}
	if !bytes.Equal(root[:], r.Root) {
		return fmt.Errorf("its root is not the journal's at %d", r.Index+1)
	}
	return nil
}

func (c *checker) sealedBytes() error {
	look := func(v value) error {
		r, err := c.getRequest(v.epoch, v.number)
		if err != nil {
			return err
		}
		if err := r.owns(v); err != nil {
			return err
		}
		if v.kind == kindLarge {
			c.named([32]byte(r.Digest), int64(r.Size))
		}
		return nil
	}
	return errors.Join(c.each(c.request, kindSealed, 25, look), c.each(c.sealed, kindSealed, 24, look))
}

func (c *checker) items() error {
	return c.each(c.item, kindItem, 8, func(v value) error {
		if _, err := parseItem(v.payload, true); err != nil {
			return err
		}
		if v.epoch == c.epoch && v.number > c.cursor {
			return fmt.Errorf("lies beyond the cursor at %d", c.cursor)
		}
		return nil
	})
}
