package outbox

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync"

	bolt "go.etcd.io/bbolt"

	"github.com/penjire/penjire/sync/journal"
)

// tapMax is the most bytes of committed values that wait to be copied. Where
// more come, who copies reads them from the file instead.
const tapMax = 8 << 20

// tap takes the values that commits store, for who copies them elsewhere. The
// writer never waits for it.
type tap struct {
	mu   sync.Mutex
	vals [][]byte
	size int
	rev  uint64       // of the last of vals
	head journal.Edge // the journal then
	lost bool         // some were dropped: they are in the file
	wake chan struct{}
}

func newTap() *tap { return &tap{wake: make(chan struct{}, 1)} }

func (p *tap) give(vals [][]byte, rev uint64, head journal.Edge) {
	p.mu.Lock()
	for _, v := range vals {
		p.size += len(v)
	}
	p.vals, p.rev, p.head = append(p.vals, vals...), rev, head
	if p.size > tapMax {
		p.vals, p.size, p.lost = nil, 0, true
	}
	p.mu.Unlock()
	p.poke()
}

func (p *tap) poke() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// moment is a commit and the journal after it.
type moment struct {
	rev  uint64
	head journal.Edge
}

// take returns what came since the last call.
func (p *tap) take() (vals [][]byte, at moment, lost bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	vals, lost = p.vals, p.lost
	p.vals, p.size, p.lost = nil, 0, false
	return vals, moment{p.rev, p.head}, lost
}

// listen connects the tap and returns the revision that is durable now: what
// came until then is in the file, what comes later comes to the tap.
func (o *Outbox) listen(p *tap) (Epoch, moment) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !slices.Contains(o.taps, p) {
		o.taps = append(slices.Clone(o.taps), p)
	}
	return o.mem.epoch, moment{o.mem.stored, o.mem.edge}
}

func (o *Outbox) moment() moment {
	o.mu.RLock()
	defer o.mu.RUnlock()
	return moment{o.mem.stored, o.mem.edge}
}

func (o *Outbox) unlisten(p *tap) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.taps = slices.DeleteFunc(slices.Clone(o.taps), func(q *tap) bool { return q == p })
	p.take()
}

// copyChunk is how many bytes of values one look at the file takes: a reader
// that stays long keeps the file from growing.
const copyChunk = 256 << 10

// copyValues hands out every value of the file whose revision is above since, in
// chunks, each value as it is stored. Between chunks commits go on: of a value
// that changes meanwhile either form is handed out, or both, the older first. It
// returns the highest revision that it saw, up to now.
func (o *Outbox) copyValues(ctx context.Context, since, now uint64, emit func([]byte) error) (rev uint64, err error) {
	chunk := make([]byte, 0, copyChunk+copyChunk/4)
	var named []value // in chunk, those that name files
	for _, bucket := range buckets {
		var key []byte
		for more := true; more; {
			chunk, named = chunk[:0], named[:0]
			err := o.view(ctx, func(b *bolt.Tx) error {
				in := b.Bucket(bucket)
				if in == nil {
					return fmt.Errorf("outbox: no bucket %s: %w", bucket, ErrDamaged)
				}
				c := in.Cursor()
				k, raw := c.First()
				if key != nil {
					if k, raw = c.Seek(key); bytes.Equal(k, key) {
						k, raw = c.Next()
					}
				}
				seen := 0
				for ; k != nil; k, raw = c.Next() {
					if len(chunk) >= copyChunk || seen >= copyChunk {
						return nil
					}
					key = append(key[:0], k...)
					v, n, err := parseValue(raw)
					if err != nil || n != len(raw) {
						return fmt.Errorf("outbox: copy a value of %s: %w: %w", bucket, err, ErrDamaged)
					}
					seen += headLen
					if v.revision <= now {
						rev = max(rev, v.revision)
					}
					if v.revision > since {
						chunk = append(chunk, raw...)
						if v.kind == kindLarge {
							v.payload = bytes.Clone(v.payload)
							named = append(named, v)
						}
					}
				}
				more = false
				return nil
			})
			if err != nil {
				return 0, err
			}
			for _, v := range named {
				if err := o.copyParts(ctx, v, emit); err != nil {
					return 0, err
				}
			}
			if len(chunk) > 0 {
				if err := emit(chunk); err != nil {
					return 0, err
				}
			}
		}
	}
	return rev, nil
}
