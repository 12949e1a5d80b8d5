package portal

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/journal"
	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/wire"
)

// records takes in a frame of records: everything that can be taken, with one
// commit, before any receipt goes out.
func (s *session) records(ctx context.Context, f *wire.Records) error {
	var in []ledger.Incoming
	for _, r := range f.Records {
		if len(r.Sealed) > wire.MaxSealed {
			if err := s.conn.Send(ctx, &wire.Nack{Of: wire.TypeRecords, Epoch: f.Epoch, Seq: r.Seq, Code: "record.too_large"}); err != nil {
				return err
			}
			continue
		}
		// The code of a document that nobody has opened yet is a guess: where it
		// follows from a secret, decide replaces it.
		in = append(in, ledger.Incoming{
			Epoch: f.Epoch, Seq: r.Seq, Doc: r.Doc, Code: edoc.ID(r.Doc).Code(), Service: r.Service, Lang: r.Lang,
			Claimed: time.Unix(r.Claimed, 0), Channel: ledger.ChannelKiosk, Digest: sha256.Sum256(r.Sealed), Sealed: r.Sealed,
		})
	}
	if len(in) == 0 {
		return nil
	}
	out, err := s.p.ledger.Intake(ctx, s.kiosk, s.p.c.Now(), in, func(r ledger.Incoming, at time.Time) ([]byte, error) {
		rec := wire.Receipt{
			Level: wire.Durable, Kiosk: s.kiosk, Epoch: r.Epoch, Seq: r.Seq, Doc: r.Doc, Digest: r.Digest,
			Stage: wire.StageDelivered, At: at.Unix(), Confirmer: s.p.c.Name,
		}
		if r.Fork != nil {
			rec.Fork = r.Fork[:]
		}
		return wire.SignReceipt(rec, s.p.c.Receipt.Key, s.p.c.Receipt.Cert)
	})
	if err != nil {
		return s.busy(ctx, err)
	}
	answer := &wire.Receipts{}
	for i, o := range out {
		answer.Receipts = append(answer.Receipts, o.Receipt)
		if o.Fork && o.New {
			s.p.c.Log.Error("portal: a kiosk has a clone", "kiosk", s.kiosk, "seq", in[i].Seq)
		}
	}
	s.p.kickDecide()
	return s.conn.Send(ctx, answer)
}

// checkpoint keeps the kiosk's journal head if it follows from the last one
// (WIRE-JRN-1); if not, it tells the kiosk and raises an alarm, and the session
// goes on: what citizens asked for must not wait for it.
func (s *session) checkpoint(ctx context.Context, f *wire.Checkpoint) error {
	head, err := s.checkHead(f)
	if err == nil && head.Size > s.head.Size {
		token, _, stampErr := s.p.c.Stamper.Stamp(ctx, sha256.Sum256(head.Note))
		if stampErr != nil { // the head is kept without: it counts by itself
			s.p.c.Log.Warn("portal: a journal head has no time stamp", "kiosk", s.kiosk, "err", stampErr)
		}
		head.Stamp = token
	}
	if err == nil {
		err = s.p.ledger.SetHead(ctx, s.kiosk, f.Epoch, s.head, head)
	}
	switch {
	case err == nil:
		s.head = head
		return nil
	case !errors.Is(err, errHead) && !errors.Is(err, ledger.ErrHead):
		return s.busy(ctx, err)
	}
	s.p.c.Log.Error("portal: a kiosk's journal does not follow", "kiosk", s.kiosk, "err", err)
	if err := s.p.ledger.Raise(ctx, ledger.Alarm{
		At: s.p.c.Now(), Kiosk: s.kiosk, Code: "journal.inconsistent",
		Note: fmt.Sprintf("epoch %s, kept size %d", hex.EncodeToString(f.Epoch[:4]), s.head.Size),
	}); err != nil {
		return s.busy(ctx, err)
	}
	return s.conn.Send(ctx, &wire.Nack{Of: wire.TypeCheckpoint, Epoch: f.Epoch, Code: "journal.inconsistent"})
}

// errHead is wrapped by what is wrong with a head.
var errHead = errors.New("the head does not follow")

// checkHead verifies a head: signed by this kiosk, of this journal, and
// following from the head we have.
func (s *session) checkHead(f *wire.Checkpoint) (ledger.Head, error) {
	if f.Epoch != s.hello.Epoch {
		return ledger.Head{}, fmt.Errorf("of another epoch than hello: %w", errHead)
	}
	v, err := journal.NewVerifier(s.kiosk, s.cert.PublicKey)
	if err != nil {
		return ledger.Head{}, fmt.Errorf("%w: %w", errHead, err)
	}
	c, err := journal.OpenCheckpoint(f.Head, v)
	if err != nil {
		return ledger.Head{}, fmt.Errorf("%w: %w", errHead, err)
	}
	if want := s.kiosk + "/" + hex.EncodeToString(f.Epoch[:]); c.Origin != want {
		return ledger.Head{}, fmt.Errorf("of the journal %s, want %s: %w", c.Origin, want, errHead)
	}
	root := s.head.Root
	if s.head.Size == 0 {
		root = journal.EmptyRoot
	}
	if f.From != s.head.Size || c.Size < s.head.Size {
		return ledger.Head{}, fmt.Errorf("from %d to %d, the last one kept has %d: %w", f.From, c.Size, s.head.Size, errHead)
	}
	if err := journal.CheckConsistency(f.Proof, s.head.Size, c.Size, root, c.Root); err != nil {
		return ledger.Head{}, fmt.Errorf("%w: %w", errHead, err)
	}
	return ledger.Head{Size: c.Size, Root: c.Root, Note: f.Head, At: s.p.c.Now()}, nil
}
