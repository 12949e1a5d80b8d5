package portal

import (
	"context"
	"crypto/sha256"
	"time"

	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/wire"
)

// records takes in a frame of records: everything that can be taken, with one
// commit, before any receipt goes out.
func (s *session) records(ctx context.Context, f *wire.Records) error {
	if err := s.silent(ctx); err != nil {
		return s.busy(ctx, err)
	}
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
	in, err := s.gate(ctx, f.Epoch, in)
	if err != nil || len(in) == 0 {
		return err
	}
	return s.takeIn(ctx, in)
}

// takeIn takes in records of one epoch with one commit, and then sends their receipts.
func (s *session) takeIn(ctx context.Context, in []ledger.Incoming) error {
	out, err := s.p.ledger.Intake(ctx, s.kiosk, s.p.c.Now(), in, s.durable)
	if err != nil {
		return s.busy(ctx, err)
	}
	s.bill(in, out)
	var receipts [][]byte
	for i, o := range out {
		receipts = append(receipts, o.Receipt)
		if o.Fork && o.New {
			s.p.c.Log.Error("portal: a kiosk has a clone", "kiosk", s.kiosk, "seq", in[i].Seq)
		}
	}
	if s.late != nil {
		s.late.took(in, out)
	}
	s.p.kickDecide()
	groups, err := wire.Groups(receipts, nil, s.hello.Epoch, s.late != nil)
	if err != nil {
		return s.busy(ctx, err)
	}
	return s.conn.Send(ctx, &wire.Receipts{Groups: groups})
}

// durable signs the receipts of what is new.
func (s *session) durable(fresh []ledger.Incoming, at time.Time) ([][]byte, error) {
	rs := make([]wire.Receipt, len(fresh))
	for i, r := range fresh {
		rs[i] = wire.Receipt{
			Level: wire.Durable, Kiosk: s.kiosk, Epoch: r.Epoch, Seq: r.Seq, Doc: r.Doc, Digest: r.Digest,
			Stage: wire.StageDelivered, At: at.Unix(), Confirmer: s.p.c.Name,
		}
		if r.Fork != nil {
			rs[i].Fork = r.Fork[:]
		}
	}
	return wire.SignReceipts(rs, s.p.c.Receipt.Key, s.p.c.Receipt.Cert)
}
