package outbox

import (
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/penjire/penjire/sync/journal"
)

var (
	bucketMeta    = []byte("meta")
	bucketRequest = []byte("request")
	bucketSealed  = []byte("sealed")
	bucketJournal = []byte("journal")
	bucketItem    = []byte("item")

	metaKey = []byte("outbox")

	buckets = [][]byte{bucketMeta, bucketRequest, bucketSealed, bucketJournal, bucketItem}
)

// store is the file's buckets in one transaction.
type store struct {
	b                                    *bolt.Tx
	meta, request, sealed, journal, item *bolt.Bucket
	epoch                                Epoch
}

func newStore(b *bolt.Tx, epoch Epoch) (store, error) {
	s := store{b: b, epoch: epoch}
	for i, p := range []**bolt.Bucket{&s.meta, &s.request, &s.sealed, &s.journal, &s.item} {
		if *p = b.Bucket(buckets[i]); *p == nil {
			return store{}, fmt.Errorf("outbox: no bucket %s: %w", buckets[i], ErrDamaged)
		}
	}
	return s, nil
}

// sealedPlace is where sealed bytes stand, or what names their file.
func (s *store) sealedPlace(e Epoch, seq uint64, size int) (*bolt.Bucket, []byte) {
	if size <= besideMost {
		return s.request, besideKey(e, seq)
	}
	return s.sealed, epochKey(e, seq)
}

// tx is one write transaction, which several writes share. Memory is not
// touched before the commit: what should change there is queued in after.
type tx struct {
	store
	o     *Outbox
	now   time.Time
	rev   uint64
	edge  journal.Edge // of the journal
	seq   uint64
	after []func(*memory)
	total int      // writes to the file in this transaction
	puts  [][]byte // the values it stores
	clean bool     // the current op wrote nothing yet

	fresh map[Doc]uint64 // accepted in this transaction
	taken int64          // bytes they take
	trash []int32        // memory.trash as it will be; nil: as it is
	blobs [][32]byte     // files that requests of this transaction let go of
}

func (o *Outbox) newTx(b *bolt.Tx) (*tx, error) {
	s, err := newStore(b, o.mem.epoch)
	if err != nil {
		return nil, err
	}
	// New values come at the end, so pages can be filled; requests change
	// several times and keep a little room.
	s.sealed.FillPercent, s.journal.FillPercent, s.request.FillPercent = 0.95, 0.95, 0.9
	return &tx{
		store: s, o: o, now: o.o.Now(), rev: o.mem.rev + 1,
		edge: o.mem.edge.Clone(), seq: s.request.Sequence(),
		fresh: map[Doc]uint64{},
	}, nil
}

func (t *tx) put(b *bolt.Bucket, k kind, epoch Epoch, number uint64, payload []byte) error {
	v := value{kind: k, epoch: epoch, number: number, revision: t.rev, payload: payload}
	return t.putRaw(b, v.key(), v.marshal())
}

// putRaw stores a value that is marshalled already.
func (t *tx) putRaw(b *bolt.Bucket, key, raw []byte) error {
	t.clean = false
	t.total++
	if err := b.Put(key, raw); err != nil {
		return fmt.Errorf("outbox: store a value of kind %d: %w", raw[5], err)
	}
	t.puts = append(t.puts, raw)
	return nil
}

func (t *tx) remove(b *bolt.Bucket, key []byte) error {
	t.clean = false
	t.total++
	if err := b.Delete(key); err != nil {
		return fmt.Errorf("outbox: remove a value: %w", err)
	}
	return nil
}

func (t *tx) putRequest(epoch Epoch, seq uint64, r *request) error {
	if err := r.valid(); err != nil {
		return fmt.Errorf("outbox: store request %d: %w", seq, err)
	}
	v := value{kind: kindRequest, epoch: epoch, number: seq, revision: t.rev}
	raw := r.append(v.begin(requestRoom + len(r.Durable) + len(r.Decided)))
	return t.putRaw(t.request, v.key(), finish(raw))
}

func (s *store) getRequest(epoch Epoch, seq uint64) (request, error) {
	b := s.request.Get(epochKey(epoch, seq))
	if b == nil {
		return request{}, fmt.Errorf("outbox: request %d is gone: %w", seq, ErrDamaged)
	}
	v, err := wholeValue(b, kindRequest, seq)
	if err != nil {
		return request{}, err
	}
	return parseRequest(v.payload)
}

// find returns the document's request; slot is -1 where it was accepted in
// this very transaction and memory does not know it yet.
func (t *tx) find(d Doc) (slot int32, epoch Epoch, seq uint64, r request, err error) {
	if seq, ok := t.fresh[d]; ok {
		r, err := t.getRequest(t.epoch, seq)
		return -1, t.epoch, seq, r, err
	}
	i, ok := t.o.mem.byDoc(d)
	if !ok {
		return 0, epoch, 0, r, ErrNotFound
	}
	epoch, seq = t.o.mem.key(i)
	if r, err = t.getRequest(epoch, seq); err != nil {
		return 0, epoch, 0, r, err
	}
	if Doc(r.Doc) != d {
		return 0, epoch, 0, r, ErrNotFound
	}
	return i, epoch, seq, r, nil
}

// removeSealed removes the sealed bytes of a request, and their file after the
// commit.
func (t *tx) removeSealed(epoch Epoch, seq uint64, r *request) error {
	if r.large() {
		doc, digest := Doc(r.Doc), [32]byte(r.Digest)
		t.after = append(t.after, func(m *memory) {
			if i, ok := m.byDoc(doc); ok {
				m.dropBlob(digest, i)
			}
			t.blobs = append(t.blobs, digest)
		})
	}
	in, key := t.sealedPlace(epoch, seq, r.Size)
	return t.remove(in, key)
}

// update stores a changed request and lets memory follow.
func (t *tx) update(epoch Epoch, seq uint64, r *request) error {
	if err := t.putRequest(epoch, seq, r); err != nil {
		return err
	}
	d, c := Doc(r.Doc), *r
	t.after = append(t.after, func(m *memory) {
		if i, ok := m.byDoc(d); ok {
			m.set(i, &c)
		}
	})
	return nil
}

// journalReader reads the tree's hashes from the journal's values.
type journalReader struct {
	b     *bolt.Bucket
	epoch Epoch
}

// ReadHash implements journal.Reader: the hash of a complete subtree stands
// with the last entry in it.
func (r journalReader) ReadHash(level int, n int64) (journal.Hash, error) {
	last := (n+1)<<level - 1
	v := r.b.Get(epochKey(r.epoch, uint64(last)))
	if at := headLen + 1 + 32*level; v != nil && len(v) > at+32 && int(v[headLen]) > level {
		return journal.Hash(v[at:]), nil
	}
	return journal.Hash{}, fmt.Errorf("outbox: no hash of level %d at journal entry %d: %w", level, last, ErrDamaged)
}

// append adds an entry to the journal and returns its index.
func (t *tx) append(e journal.Entry) (int64, error) {
	if e.At.IsZero() {
		e.At = t.now
	}
	if e.Boot == "" {
		e.Boot = t.o.o.Boot
	}
	b, err := e.Marshal()
	if err != nil {
		return 0, err
	}
	index := t.edge.Size()
	hs := t.edge.Add(journal.LeafHash(b))
	v := value{kind: kindJournal, epoch: t.epoch, number: uint64(index), revision: t.rev}
	raw := appendLeaf(v.begin(1+32*len(hs)+len(b)), hs, b)
	if err := t.putRaw(t.journal, v.key(), finish(raw)); err != nil {
		return 0, err
	}
	return index, nil
}
