package portal

import (
	"context"
	"time"

	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/wire"
)

func (s *session) beacon(ctx context.Context) error {
	b, err := wire.SignTime(wire.Time{
		Kiosk: s.kiosk, Epoch: s.hello.Epoch, At: s.p.c.Now().Unix(), Confirmer: s.p.c.Name,
	}, s.p.c.Receipt.Key, s.p.c.Receipt.Cert)
	if err != nil {
		return s.busy(ctx, err)
	}
	return s.conn.Send(ctx, &wire.Beacon{Signed: b})
}

// down sends items in order, the next ones after the last are acked, and a
// beacon now and then.
func (s *session) down(ctx context.Context) error {
	cursor := s.hello.Cursor
	knows := known{s.hello.Trust, s.hello.Catalogue}
	beacon := time.NewTicker(s.p.c.Beacon)
	defer beacon.Stop()
	for {
		if err := s.teach(ctx, &knows, cursor); err != nil {
			return err
		}
		its, err := s.p.ledger.Items(ctx, s.kiosk, cursor, itemsAtOnce)
		if err != nil {
			return s.busy(ctx, err)
		}
		f, next := s.items(its, cursor)
		if len(f.Items) > 0 {
			if err := s.hand(ctx, f); err != nil {
				return err
			}
			if err := s.p.ledger.Acked(ctx, s.kiosk, f.Items[len(f.Items)-1].ID, s.p.c.Now()); err != nil {
				return s.busy(ctx, err)
			}
		}
		cursor = next
		if len(its) > 0 {
			continue
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.wake:
		case <-beacon.C:
			if err := s.beacon(ctx); err != nil {
				return err
			}
		case <-s.acks: // of something sent in an earlier life
		}
	}
}

// hand sends items and waits until the kiosk has stored them.
func (s *session) hand(ctx context.Context, f *wire.Items) error {
	if err := s.conn.Send(ctx, f); err != nil || s.late != nil {
		return err // what is in a file is acked by the next hello's cursor
	}
	for acked := uint64(0); acked < f.Items[len(f.Items)-1].ID; {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case acked = <-s.acks:
		}
	}
	return nil
}

// items puts as many of its into a frame as fit, without the catalogues and
// bundles, which teach sends, and returns the cursor after them.
func (s *session) items(its []ledger.Item, cursor uint64) (*wire.Items, uint64) {
	f, n := &wire.Items{}, 0
	for _, it := range its {
		if it.Kind != ledger.ItemCatalogue && it.Kind != ledger.ItemTrust {
			if len(f.Items) > 0 && n+len(it.Bytes) > itemBytes {
				break
			}
			n += len(it.Bytes)
			f.Items = append(f.Items, wire.Item{
				ID: it.ID, Kind: it.Kind, Doc: it.Doc, Stage: stages[it.Stage], At: it.At.Unix(), Bytes: it.Bytes,
			})
		}
		cursor = it.ID
	}
	return f, cursor
}

// stages are the numbers on the wire of the ledger's states.
var stages = map[ledger.State]uint8{
	ledger.Registered: wire.StageRegistered, ledger.Refused: wire.StageRefused,
	ledger.Answered: wire.StageAnswered, ledger.Returned: wire.StageReturned,
}
