package uplink

import (
	"context"
	"errors"
	"fmt"

	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/wire"
)

var (
	errOther   = errors.New("it is not about a record that is here")
	errStorage = errors.New("outbox failed")
)

// receipts stores the DURABLE receipts that verify and name what we hold. What
// does not is not believed, and its records go again.
func (s *session) receipts(ctx context.Context, f *wire.Receipts) error {
	var good []outbox.Receipt
	var done []key
	for i := range f.Groups {
		kept, err := s.open(ctx, &f.Groups[i], wire.Durable)
		for _, k := range kept {
			var in outbox.Receipt
			if in, err = s.ours(ctx, k); err != nil {
				if s.late == nil || errors.Is(err, errStorage) {
					break
				}
				s.late.pass(err, "receipt.invalid")
				err = nil
				continue
			}
			if len(k.Fork) != 0 {
				s.u.st.refused("kiosk.fork")
				s.u.c.Log.Error("uplink: the portal has another record of this number: this kiosk has a clone", "seq", k.Seq)
			}
			good, done = append(good, in), append(done, key{k.Epoch, k.Seq})
		}
		switch {
		case errors.Is(err, errStorage):
			return &coded{CodeStorage, err}
		case err != nil && s.late != nil:
			s.late.pass(err, "receipt.invalid")
		case err != nil:
			// End the session: silence about a record would hold up the rest, and
			// a portal whose receipts fail is not one to go on sending to.
			s.u.st.refused("receipt.invalid")
			return &coded{CodeProtocol, fmt.Errorf("uplink: receipt: %w", err)}
		}
	}
	if err := s.u.c.Outbox.Receipted(ctx, good); err != nil {
		return &coded{CodeStorage, fmt.Errorf("uplink: store receipts: %w", err)}
	}
	if s.late != nil {
		s.late.Receipts += len(good)
	}
	for _, k := range done {
		s.settle(k)
	}
	return nil
}

// open verifies a group of receipts. The leaves of those that do not name their
// records are built from what is here. errStorage: nobody can tell.
func (s *session) open(ctx context.Context, g *wire.Group, level wire.Level) ([]wire.Kept, error) {
	return g.Open(level, s.u.c.Trust().Portals, func(epoch [16]byte, seq uint64) (doc, digest [32]byte, ok bool, err error) {
		have, err := s.u.c.Outbox.At(ctx, epoch, seq)
		switch {
		case errors.Is(err, outbox.ErrNotFound):
			return doc, digest, false, nil
		case err != nil:
			return doc, digest, false, fmt.Errorf("uplink: read a request: %w: %w", errStorage, err)
		}
		return have.Doc, have.SealedDigest, true, nil
	})
}

// ours compares a receipt with the record that it names (WIRE-SIG-5). errOther: it
// is about something that is not here; errStorage: nobody can tell.
func (s *session) ours(ctx context.Context, k wire.Kept) (outbox.Receipt, error) {
	have, err := s.u.c.Outbox.Get(ctx, k.Doc)
	switch {
	case errors.Is(err, outbox.ErrNotFound):
		return outbox.Receipt{}, errOther
	case err != nil:
		return outbox.Receipt{}, fmt.Errorf("uplink: read a request: %w: %w", errStorage, err)
	case k.Kiosk != s.u.kiosk || k.Epoch != have.Epoch || k.Seq != have.Seq || k.Digest != have.SealedDigest:
		return outbox.Receipt{}, errOther
	}
	return outbox.Receipt{Seq: k.Seq, Doc: k.Doc, Stage: outbox.State(k.Stage), At: k.When(), Bytes: k.Bytes}, nil
}
