package outbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	bolt "go.etcd.io/bbolt"
)

// Blob are the sealed bytes of a large request, to be read in pieces. Close it.
type Blob struct {
	f *os.File
	io.ReaderAt
}

// Close lets go of the file.
func (b *Blob) Close() error { return b.f.Close() }

// LeaseLarge is Lease for one request whose sealed bytes are more than MaxInline:
// the first of its line that skip does not pass by. The Record has no Sealed: the
// bytes are read from the Blob, which was compared with the request's digest when
// it was leased for the first time since Open. Record.Sent is how much of it the
// portal was last known to have.
//
// One whose file is gone or another raises AlarmLost, is not sent, and holds up
// nobody. ErrNotFound: there is none that can go.
func (o *Outbox) LeaseLarge(ctx context.Context, skip func(Doc) bool) (Record, *Blob, error) {
	var none Record
	for _, p := range o.largeLine() {
		r, err := o.requestOf(ctx, p.epoch, p.seq)
		if err != nil {
			return none, nil, err
		}
		if r.Doc == nil || !r.waits() || skip != nil && skip(Doc(r.Doc)) {
			continue
		}
		if err := o.proveBlob(ctx, [32]byte(r.Digest), int64(r.Size)); errors.Is(err, errBlob) {
			continue
		} else if err != nil {
			return none, nil, err
		}
		f, err := os.Open(blobPath(o.dir(), [32]byte(r.Digest)))
		if err != nil {
			o.lose([32]byte(r.Digest))
			continue
		}
		var rec Record
		err = o.write(ctx, func(t *tx) error {
			rec = Record{}
			i, _, _, now, err := t.find(Doc(r.Doc)) // the file may have been opened again
			if errors.Is(err, ErrNotFound) || err == nil && (i < 0 || !bytes.Equal(now.Digest, r.Digest)) {
				return nil
			}
			if err == nil {
				rec, _, err = t.lease(i, 0, 0, true)
			}
			return err
		})
		if err == nil && rec.Seq != 0 {
			return rec, &Blob{f: f, ReaderAt: f}, nil
		}
		if err := errors.Join(err, f.Close()); err != nil {
			return none, nil, err
		}
	}
	return none, nil, fmt.Errorf("outbox: lease a large request: %w", ErrNotFound)
}

// identity is where a request stands, whatever becomes of the memory meanwhile.
type identity struct {
	epoch Epoch
	seq   uint64
}

// largeLine returns the large requests that wait and whose files are there, in order.
func (o *Outbox) largeLine() (line []identity) {
	o.mu.RLock()
	defer o.mu.RUnlock()
	for _, l := range o.mem.lanes {
		for _, i := range l.line {
			if s := &o.mem.slots[i]; s.waits && s.large && !s.lost {
				epoch, seq := o.mem.key(i)
				line = append(line, identity{epoch, seq})
			}
		}
	}
	return line
}

// requestOf returns the request, or a zero one where it is not there any more.
func (o *Outbox) requestOf(ctx context.Context, epoch Epoch, seq uint64) (r request, err error) {
	err = o.view(ctx, func(b *bolt.Tx) error {
		s, err := newStore(b, epoch)
		if err != nil || s.request.Get(epochKey(epoch, seq)) == nil {
			return err
		}
		r, err = s.getRequest(epoch, seq)
		return err
	})
	return r, err
}

// proveBlob compares a file with its digest, once since Open. One that is not what
// it was is lost.
func (o *Outbox) proveBlob(ctx context.Context, digest [32]byte, size int64) error {
	o.mu.RLock()
	proved := o.proved[digest]
	o.mu.RUnlock()
	if proved {
		return nil
	}
	err := checkBlob(ctx, o.dir(), digest, size)
	if errors.Is(err, errBlob) {
		o.lose(digest)
	}
	if err == nil {
		o.mu.Lock()
		o.proved[digest] = true
		o.mu.Unlock()
	}
	return err
}

// proveBlobs is proveBlob for all files that are needed. It returns those that are lost.
func (o *Outbox) proveBlobs(ctx context.Context) (lost map[[32]byte]bool, err error) {
	sizes := map[[32]byte]int64{}
	o.mu.RLock()
	for digest, b := range o.mem.blobs {
		sizes[digest] = b.size
	}
	o.mu.RUnlock()
	lost = map[[32]byte]bool{}
	for digest, size := range sizes {
		if err := o.proveBlob(ctx, digest, size); errors.Is(err, errBlob) {
			lost[digest] = true
		} else if err != nil {
			return nil, err
		}
	}
	return lost, nil
}

// Doubt has the sealed bytes of a large request compared with their digest again
// before they are leased the next time: the portal found others.
func (o *Outbox) Doubt(digest [32]byte) {
	o.mu.Lock()
	delete(o.proved, digest)
	o.mu.Unlock()
}

// lose takes the requests with that file out of their lines and raises the alarm.
func (o *Outbox) lose(digest [32]byte) {
	o.mu.Lock()
	o.mem.loseBlob(digest)
	subs := o.subs
	o.mu.Unlock()
	for _, c := range subs {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

// Sent notes how much of the large request with that SHA-256 the portal said that it
// has, for a carrier that cannot ask. It may be less than before: a portal that was
// restored. One that is not here is no error.
func (o *Outbox) Sent(ctx context.Context, digest [32]byte, n int64) error {
	return o.write(ctx, func(t *tx) error {
		b := t.o.mem.blobs[digest]
		if b == nil || n < 0 || n > b.size {
			return nil
		}
		for _, i := range b.slots {
			epoch, seq := t.o.mem.key(i)
			r, err := t.getRequest(epoch, seq)
			if err != nil {
				return fmt.Errorf("outbox: note what was sent: %w", err)
			}
			if !r.waits() || n == r.Sent {
				continue
			}
			r.Sent = n
			if err := t.update(epoch, seq, &r); err != nil {
				return err
			}
		}
		return nil
	})
}

// blobUse is a file and the requests that need it.
type blobUse struct {
	size  int64
	slots []int32
}

// useBlob notes that the request of slot i needs the file.
func (m *memory) useBlob(digest [32]byte, size int64, i int32) {
	b := m.blobs[digest]
	if b == nil {
		b = &blobUse{size: size}
		m.blobs[digest] = b
		m.blobBytes += size
	}
	if !slices.Contains(b.slots, i) {
		b.slots = append(b.slots, i)
	}
}

// dropBlob notes that it does not any more.
func (m *memory) dropBlob(digest [32]byte, i int32) {
	b := m.blobs[digest]
	if b == nil {
		return
	}
	b.slots = slices.DeleteFunc(b.slots, func(j int32) bool { return i == j })
	if len(b.slots) == 0 {
		delete(m.blobs, digest)
		m.blobBytes -= b.size
	}
}

// loseBlob takes the requests of a file out of their lines.
func (m *memory) loseBlob(digest [32]byte) {
	b := m.blobs[digest]
	if b == nil {
		return
	}
	for _, i := range b.slots {
		if m.slots[i].waits && !m.slots[i].lost {
			m.slots[i].lost = true
			m.large--
			m.lost++
			m.alarm(AlarmLost)
		}
	}
}
