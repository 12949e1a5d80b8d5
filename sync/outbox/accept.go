package outbox

import (
	"context"
	"errors"
	"fmt"

	"github.com/penjire/penjire/sync/journal"
)

// Accept makes the request durable: its record, its state, the print job of
// its receipt and its journal entry become so in one commit. It returns after
// that, and waits shortly for the mirror, if that is well.
//
// A document that was accepted before is not accepted again: its request is
// returned as it stands. ErrFull and ErrTooLarge leave nothing behind.
func (o *Outbox) Accept(ctx context.Context, d Draft) (Request, error) {
	if err := d.valid(); err != nil {
		return Request{}, err
	}
	code, err := d.codeHash(o.o.Kiosk)
	if err != nil {
		return Request{}, err
	}
	s, own, err := o.sealedOf(ctx, &d)
	if err != nil {
		return Request{}, err
	}
	var out Request
	var rev uint64
	used := false
	err = o.writeLarge(ctx, func(t *tx) error {
		rev, used = t.rev, false
		_, epoch, seq, old, err := t.find(d.Doc)
		switch {
		case err == nil:
			out = old.public(epoch, seq)
			return nil
		case !errors.Is(err, ErrNotFound):
			return err
		}
		if o.raised(AlarmRestored) {
			return fmt.Errorf("outbox: accept: %w", ErrRestored)
		}
		if t.edge.Size() == 0 {
			return fmt.Errorf("outbox: accept before the journal began: %w", ErrDamaged)
		}
		if need := room(s.inline()); need > t.o.mem.free(t.o.o.MaxSize)-t.taken {
			return fmt.Errorf("outbox: accept a request of %d bytes: %w", s.size, ErrFull)
		}
		if err := diskRoom(o.dir(), int64(s.inline()), smallSpare); err != nil {
			return fmt.Errorf("outbox: accept a request of %d bytes: %w", s.size, err)
		}
		if err := s.usable(); err != nil {
			return err
		}
		r, err := t.accept(&d, s, code)
		if err != nil {
			return err
		}
		out, used = r.public(t.epoch, t.seq), true
		return nil
	})
	s.settle(ctx.Err() != nil || errors.Is(err, errUnsure), err == nil && used, err == nil || own)
	if err != nil {
		return Request{}, err
	}
	out.Code = d.Code
	if o.mirror != nil {
		o.mirror.wait(ctx, rev, o.o.MirrorWait)
	}
	return out, nil
}

// accept writes a new request and everything that comes with it.
func (t *tx) accept(d *Draft, s *Staged, code []byte) (*request, error) {
	e := journal.Entry{Kind: journal.DocSigned, At: d.Claimed, Fields: journal.Fields{
		Doc: d.Doc[:], Digest: s.digest[:], Epoch: t.epoch[:], Seq: t.seq + 1,
	}}
	if d.Signature != [32]byte{} {
		e.Fields.Signature = d.Signature[:]
	}
	index, err := t.append(e)
	if err != nil {
		return nil, err
	}
	if err := t.store.request.SetSequence(t.seq + 1); err != nil {
		return nil, fmt.Errorf("outbox: take sequence %d: %w", t.seq+1, err)
	}
	t.seq++
	root := t.edge.Root()
	r := &request{
		Doc: d.Doc[:], Service: d.Service, ServiceVersion: d.ServiceVersion, Lang: d.Lang, Lane: d.Lane,
		Claimed: toMilli(d.Claimed), Due: toMilli(d.Due), Digest: s.digest[:], Size: int(s.size),
		Index: index, Root: root[:], CodeHash: code,
	}
	r.enter(Accepted, d.Claimed)
	if d.Owner != (Owner{}) {
		r.Owner = d.Owner[:]
	}
	if err := t.queue(r, PrintReceipt, false); err != nil {
		return nil, err
	}
	if err := t.putRequest(t.epoch, t.seq, r); err != nil {
		return nil, err
	}
	if in, _ := t.sealedPlace(t.epoch, t.seq, int(s.size)); s.small != nil {
		err = t.put(in, kindSealed, t.epoch, t.seq, marshalSealed(d.Doc, s.small))
	} else {
		err = t.put(in, kindLarge, t.epoch, t.seq, marshalLarge(d.Doc, s.digest, s.size))
	}
	if err != nil {
		return nil, err
	}
	seq := t.seq
	t.fresh[d.Doc] = seq
	t.taken += room(s.inline())
	t.after = append(t.after, func(m *memory) {
		n, _ := m.epochNumber(m.epoch) // there since Open
		m.add(n, seq, r)
		if s.small == nil {
			s.state = stagedTaken
			t.o.release(s)
		}
	})
	return r, nil
}

func (d *Draft) valid() error {
	switch {
	case d.Staged != nil && len(d.Sealed) > 0:
		return errors.New("outbox: accept a request with two kinds of sealed bytes")
	case len(d.Sealed) > MaxSealed:
		return fmt.Errorf("outbox: accept a request of %d bytes, at most %d: %w", len(d.Sealed), MaxSealed, ErrTooLarge)
	case len(d.Sealed) == 0 && (d.Staged == nil || d.Staged.size == 0):
		return errors.New("outbox: accept a request without sealed bytes")
	case d.Doc == Doc{}:
		return errors.New("outbox: accept a request without a document")
	case d.Claimed.IsZero():
		return errors.New("outbox: accept a request without a claimed time")
	case !printable(d.Service, 1, maxService), !printable(d.Lang, 0, maxLang), !printable(d.Code, 0, maxCode):
		return errors.New("outbox: accept a request: service, language or code is not a short name")
	case d.ServiceVersion < 0:
		return fmt.Errorf("outbox: accept a request of service version %d", d.ServiceVersion)
	}
	return nil
}

// What is kept free for the receipts, states, prints and journal entries of
// requests that are here already, so that they can always be finished.
const (
	reserveBase = 256 << 10
	reserveEach = 3 << 10 // two receipts, five journal entries, a few states
)

// room is what a new request takes at most: its bytes, its values and the
// pages around them.
func room(sealed int) int64 { return int64(sealed) + 6<<10 }

// free is what new requests may still take.
func (m *memory) free(max int64) int64 {
	return max - m.used - growStep - reserveBase - int64(m.waits+1)*reserveEach
}
