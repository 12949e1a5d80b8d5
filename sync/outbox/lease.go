package outbox

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/penjire/penjire/sync/journal"
)

// Lease returns the requests that have no receipt, without large ones (see
// LeaseLarge), urgent lanes first and
// within a lane the oldest first, up to max of them and about maxBytes of
// sealed bytes (at least one, if there is one). Requests that leave for the
// first time are marked Sending, with a journal entry, and that is durable
// when Lease returns: from then on they cannot be withdrawn.
//
// Until a receipt comes, every Lease returns the same requests again. Zero or
// less for max or maxBytes is no limit of that kind.
func (o *Outbox) Lease(ctx context.Context, max, maxBytes int) ([]Record, error) {
	var out []Record
	err := o.write(ctx, func(t *tx) error {
		out = nil
		bytesOut := 0
		m := &t.o.mem
		for _, l := range m.lanes {
			for _, i := range l.line {
				if !m.slots[i].waits || m.slots[i].large {
					continue
				}
				if max > 0 && len(out) >= max {
					return nil
				}
				rec, ok, err := t.lease(i, bytesOut, maxBytes, len(out) == 0)
				if err != nil {
					return err
				}
				if !ok {
					return nil
				}
				if rec.Seq == 0 {
					continue
				}
				bytesOut += len(rec.Sealed)
				out = append(out, rec)
			}
		}
		if m.settled() { // who is told of a change leases again
			t.after = append(t.after, (*memory).sweep)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// lease takes the request of slot i. ok is false where it would be too much;
// the record is zero where another write of this transaction settled it.
func (t *tx) lease(i int32, have, most int, first bool) (rec Record, ok bool, err error) {
	epoch, seq := t.o.mem.key(i)
	r, err := t.getRequest(epoch, seq)
	if err != nil {
		return Record{}, false, err
	}
	if !r.waits() {
		return Record{}, true, nil
	}
	if most > 0 && !first && have+r.Size > most {
		return Record{}, false, nil
	}
	var sealed []byte
	if !r.large() {
		if sealed, err = t.getSealed(epoch, seq, &r); err != nil {
			return Record{}, false, err
		}
	}
	if r.state() == Accepted {
		e := journal.Entry{Kind: journal.Sent, Fields: journal.Fields{Doc: r.Doc, Seq: seq}}
		if epoch != t.epoch {
			e.Fields.Epoch = epoch[:]
		}
		if _, err := t.append(e); err != nil {
			return Record{}, false, err
		}
		r.enter(Sending, t.now)
		if err := t.update(epoch, seq, &r); err != nil {
			return Record{}, false, err
		}
	}
	return Record{Request: r.public(epoch, seq), Sealed: sealed}, true, nil
}

// getSealed returns the request's sealed bytes, verified.
func (s *store) getSealed(epoch Epoch, seq uint64, r *request) ([]byte, error) {
	in, key := s.sealedPlace(epoch, seq, r.Size)
	b := in.Get(key)
	if b == nil {
		return nil, fmt.Errorf("outbox: sealed bytes of request %d are gone: %w", seq, ErrDamaged)
	}
	v, err := wholeValue(b, kindSealed, seq)
	if err != nil {
		return nil, err
	}
	if err := r.owns(v); err != nil {
		return nil, fmt.Errorf("outbox: sealed bytes of request %d: %w", seq, err)
	}
	return bytes.Clone(v.payload[len(Doc{}):]), nil
}

// owns reports whether the sealed value, or what names their file, is the
// request's.
func (r *request) owns(v value) error {
	doc, digest, size, err := sealedBy(v)
	if err != nil {
		return err
	}
	if !bytes.Equal(doc[:], r.Doc) || !bytes.Equal(digest[:], r.Digest) || size != int64(r.Size) {
		return fmt.Errorf("they are another's: %w", ErrDamaged)
	}
	return nil
}

// Defer moves requests behind the others of their lanes until the next Open:
// what the portal could not take must not stop what is behind it.
func (o *Outbox) Defer(ctx context.Context, docs ...Doc) error {
	return o.write(ctx, func(t *tx) error {
		t.after = append(t.after, func(m *memory) {
			for _, d := range docs {
				i, ok := m.byDoc(d)
				if !ok {
					continue
				}
				for j := range m.lanes {
					l := &m.lanes[j]
					if at := slices.Index(l.line, i); at >= 0 {
						l.line = append(slices.Delete(l.line, at, at+1), i)
					}
				}
			}
		})
		return nil
	})
}

// Withdraw takes back a request that never left: its queued print job goes with it,
// and its sealed bytes in a commit that follows; in a file that is full they go
// when there is room for that commit (tidy), or at the next opening. ErrSent after the first lease. Withdrawing twice is
// no error.
func (o *Outbox) Withdraw(ctx context.Context, doc Doc) error {
	err := o.writeLarge(ctx, func(t *tx) error {
		slot, epoch, seq, r, err := t.find(doc)
		if err != nil {
			return fmt.Errorf("outbox: withdraw a request: %w", err)
		}
		switch r.state() {
		case Withdrawn:
			return nil
		case Accepted:
		default:
			return fmt.Errorf("outbox: withdraw request %d, %v: %w", seq, r.state(), ErrSent)
		}
		if _, err := t.append(journal.Entry{Kind: journal.Withdrawn, Fields: journal.Fields{Doc: r.Doc, Seq: seq}}); err != nil {
			return err
		}
		r.enter(Withdrawn, t.now)
		t.dropQueued(&r)
		if err := t.update(epoch, seq, &r); err != nil {
			return err
		}
		if slot < 0 { // it was accepted in this very transaction
			return t.removeSealed(epoch, seq, &r)
		}
		return t.letGo(slot)
	})
	if err != nil {
		return err
	}
	return o.tidy(ctx)
}
