package outbox

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

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
	return o.write(ctx, func(t *tx) error {
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

// letGo marks the sealed bytes of a receipted request as no longer needed and
// removes such bytes when enough came together or room is short.
func (t *tx) letGo(slot int32) error {
	if t.trash == nil {
		t.trash = append([]int32{}, t.o.mem.trash...)
	}
	t.trash = append(t.trash, slot)
	if len(t.trash) >= trashMax || t.o.mem.free(t.o.o.MaxSize) < t.o.o.MaxSize/4 {
		return t.empty()
	}
	left := append([]int32(nil), t.trash...)
	t.after = append(t.after, func(m *memory) { m.trash = left })
	return nil
}

// empty removes the sealed bytes in t.trash.
func (t *tx) empty() error {
	for _, i := range t.trash {
		epoch, seq := t.o.mem.key(i)
		if err := t.remove(t.sealed, epochKey(epoch, seq)); err != nil {
			return err
		}
	}
	t.trash = t.trash[:0]
	t.after = append(t.after, func(m *memory) { m.trash = nil })
	return nil
}
