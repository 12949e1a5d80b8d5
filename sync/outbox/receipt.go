package outbox

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"

	"github.com/penjire/penjire/sync/journal"
)

// trashMax is how many receipted requests wait for each other until their
// sealed bytes are removed together.
const trashMax = 64

// Receipted stores receipts that the caller has verified. The first receipt of
// a stage is kept; the same again changes nothing. With a receipt the sealed
// bytes of the request are no longer needed and go, in batches.
//
// A receipt for a document that is not here is no error: it raises an alarm.
// One whose sequence is another's is ErrMismatch, and none of the batch is
// stored.
func (o *Outbox) Receipted(ctx context.Context, rs []Receipt) error {
	for i := range rs {
		r := &rs[i]
		switch {
		case r.Stage != Delivered && r.Stage != Registered && r.Stage != Refused:
			return fmt.Errorf("outbox: receipt that makes request %d %v", r.Seq, r.Stage)
		case len(r.Bytes) == 0 || len(r.Bytes) > MaxReceipt:
			return fmt.Errorf("outbox: receipt of %d bytes for request %d, 1 to %d: %w", len(r.Bytes), r.Seq, MaxReceipt, ErrTooLarge)
		}
	}
	err := o.write(ctx, func(t *tx) error {
		for i := range rs { // look at all before the first write
			_, _, seq, _, err := t.find(rs[i].Doc)
			if err == nil && seq != rs[i].Seq {
				return fmt.Errorf("outbox: receipt for request %d names the document of request %d: %w", rs[i].Seq, seq, ErrMismatch)
			}
			if err != nil && !errors.Is(err, ErrNotFound) {
				return err
			}
		}
		for i := range rs {
			if err := t.receipt(&rs[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	o.mu.RLock()
	due := len(o.mem.trash) >= trashMax || slices.ContainsFunc(o.mem.trash, func(i int32) bool { return o.mem.slots[i].large }) || len(o.mem.trash) > 0 && o.mem.free(o.o.MaxSize) < o.o.MaxSize/4
	o.mu.RUnlock()
	if !due {
		return nil
	}
	return o.tidy(ctx)
}

func (t *tx) receipt(in *Receipt) error {
	slot, epoch, seq, r, err := t.find(in.Doc)
	if errors.Is(err, ErrNotFound) {
		t.after = append(t.after, func(m *memory) { m.alarm(AlarmUnknownReceipt) })
		return nil
	}
	if err != nil {
		return err
	}
	place := &r.Durable
	if in.Stage != Delivered {
		place = &r.Decided
	}
	if len(*place) > 0 {
		return nil // the first one counts
	}
	had := r.receipted()
	*place = bytes.Clone(in.Bytes)
	if r.state() == Withdrawn {
		t.after = append(t.after, func(m *memory) { m.alarm(AlarmWithdrawnReceipt) })
	}
	if r.state().leads(in.Stage) {
		r.enter(in.Stage, in.At)
	}
	digest := sha256.Sum256(in.Bytes)
	e := journal.Entry{Kind: journal.Receipt, Fields: journal.Fields{Doc: r.Doc, Stage: uint8(in.Stage), Digest: digest[:], Seq: seq}}
	if epoch != t.epoch {
		e.Fields.Epoch = epoch[:]
	}
	if _, err := t.append(e); err != nil {
		return err
	}
	if err := t.update(epoch, seq, &r); err != nil {
		return err
	}
	if had || slot < 0 {
		return nil
	}
	return t.letGo(slot)
}

// letGo marks the sealed bytes of a request that has its receipt, or was withdrawn, as
// no longer needed.
func (t *tx) letGo(slot int32) error {
	if t.trash == nil {
		t.trash = slices.Clone(t.o.mem.trash)
	}
	if slices.Contains(t.trash, slot) {
		return nil // a receipt for what was withdrawn
	}
	t.trash = append(t.trash, slot)
	left := slices.Clone(t.trash)
	t.after = append(t.after, func(m *memory) { m.trash = left })
	return nil
}

// tidy removes the sealed bytes that are no longer needed. It is a commit of its
// own: bbolt copies whole pages, with the large values beside the one that goes,
// and a file that is full and in pieces may have no room for that. The receipts
// must be stored all the same, or nothing could ever be removed; when more
// requests have theirs, there is room.
func (o *Outbox) tidy(ctx context.Context) error {
	err := o.write(ctx, func(t *tx) error {
		gone := slices.Clone(t.o.mem.trash)
		for _, i := range gone {
			epoch, seq := t.o.mem.key(i)
			r := request{Size: 1} // of one beside it nothing more is asked
			if t.o.mem.slots[i].apart {
				var err error
				if r, err = t.getRequest(epoch, seq); err != nil {
					return err
				}
			}
			if err := t.removeSealed(epoch, seq, &r); err != nil {
				return err
			}
		}
		t.after = append(t.after, func(m *memory) {
			m.trash = slices.DeleteFunc(slices.Clone(m.trash), func(i int32) bool { return slices.Contains(gone, i) })
		})
		return nil
	})
	if errors.Is(err, ErrFull) {
		return nil
	}
	return err
}

// writeLarge is write for what needs room. Where there is none, what is no longer
// needed goes first.
func (o *Outbox) writeLarge(ctx context.Context, fn func(*tx) error) error {
	err := o.write(ctx, fn)
	o.mu.RLock()
	trash := len(o.mem.trash)
	o.mu.RUnlock()
	if !errors.Is(err, ErrFull) || trash == 0 {
		return err
	}
	if err := o.tidy(ctx); err != nil {
		return err
	}
	return o.write(ctx, fn)
}
