package portal

import (
	"context"
	"errors"
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
		if err := s.p.instruct(ctx, s.kiosk); err != nil {
			return s.busy(ctx, err)
		}
		its, err := s.p.ledger.Items(ctx, s.kiosk, cursor, itemsAtOnce)
		if err != nil {
			return s.busy(ctx, err)
		}
		f, next, err := s.items(its, cursor)
		if err != nil {
			return s.busy(ctx, err)
		}
		if last := f.Last(); last > 0 {
			stored, err := s.hand(ctx, f)
			if err != nil {
				return err
			}
			if !stored {
				continue
			}
			if err := s.p.ledger.Acked(ctx, s.kiosk, last, s.p.c.Now()); err != nil {
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
			if _, err := s.p.admit(ctx, s.cert); err != nil {
				return err // it was revoked since, here or at another portal
			}
			if err := s.beacon(ctx); err != nil {
				return err
			}
		case <-s.acks: // of something sent in an earlier life
		}
	}
}

// hand sends items and waits until the kiosk has stored them. False: it cannot
// tell what the decisions are about, and gets them again with their documents.
func (s *session) hand(ctx context.Context, f *wire.Items) (stored bool, err error) {
	if err := s.conn.Send(ctx, f); err != nil || s.late != nil {
		return true, err // what is in a file is acked by the next hello's cursor
	}
	for acked := uint64(0); acked < f.Last(); {
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case <-s.unbuilt:
			if s.named {
				return false, errors.New("it cannot tell what the decisions are about, though they say so")
			}
			s.named = true
			return false, nil
		case acked = <-s.acks:
		}
	}
	return true, nil
}

// items puts as many of its into a frame as fit, without the catalogues and
// bundles, which teach sends, and returns the cursor after them.
func (s *session) items(its []ledger.Item, cursor uint64) (*wire.Items, uint64, error) {
	f, n := &wire.Items{}, 0
	var decided [][]byte
	var ids []uint64
	for _, it := range its {
		if it.Kind == ledger.ItemCatalogue || it.Kind == ledger.ItemTrust {
			cursor = it.ID
			continue
		}
		if n > 0 && n+len(it.Bytes) > itemBytes {
			break
		}
		if it.Kind == ledger.ItemSettings {
			s.settings.Store(it.Version)
		}
		if it.Kind == ledger.ItemDecided {
			decided, ids = append(decided, it.Bytes), append(ids, it.ID)
		} else {
			f.Items = append(f.Items, wire.Item{
				ID: it.ID, Kind: it.Kind, Doc: it.Doc, Stage: stages[it.Stage], At: it.At.Unix(), Bytes: it.Bytes,
			})
		}
		n += len(it.Bytes)
		cursor = it.ID
	}
	groups, err := wire.Groups(decided, ids, s.hello.Epoch, s.late != nil || s.named)
	if err != nil {
		return nil, cursor, err
	}
	f.Decisions = groups
	return f, cursor, nil
}

// stages are the numbers on the wire of the ledger's states.
var stages = map[ledger.State]uint8{
	ledger.Registered: wire.StageRegistered, ledger.Refused: wire.StageRefused,
	ledger.Answered: wire.StageAnswered, ledger.Returned: wire.StageReturned,
}
