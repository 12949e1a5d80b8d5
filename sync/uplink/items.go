package uplink

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/wire"
)

// delivery is one item of a frame, in whichever of its lists it came.
type delivery struct {
	id       uint64
	item     *wire.Item // nil: a decision
	decision wire.Kept
	err      error // why the decision is not to be believed
}

// roomAgain is how long a session goes on without items for which there was no room:
// receipts make some. Then it ends, and the next one gets them again: a connection costs
// bytes, and a full kiosk may stay so for days.
const roomAgain = 10 * time.Minute

// errNoRoom ends a session for items that found no room.
var errNoRoom = errors.New("uplink: there was no room for what came down; it is asked for again")

// items stores what came down, in order, and acks what is stored. Where the disk is
// full it leaves them, and whatever follows them, and the session goes on: its receipts
// are what makes room.
func (s *session) items(ctx context.Context, f *wire.Items) error {
	if !s.full.IsZero() {
		return nil
	}
	all, err := s.sorted(ctx, f)
	switch {
	case errors.Is(err, wire.ErrUnbuilt) && s.named:
		return &coded{CodeProtocol, err}
	case errors.Is(err, wire.ErrUnbuilt):
		// They are about other records than those that are here: nothing of the
		// frame is taken, and it comes again in a form that needs none.
		s.named = true
		s.u.c.Log.Info("uplink: decisions are asked for again", "err", err)
		return s.conn.Send(ctx, &wire.Nack{Of: wire.TypeItems, Epoch: s.epoch, Code: wire.CodeUnbuilt})
	case err != nil:
		return &coded{CodeStorage, err}
	}
	for len(all) > 0 {
		// Decisions that follow each other are stored together.
		n := slices.IndexFunc(all, func(d delivery) bool { return d.item != nil })
		switch n {
		case 0:
			n, err = 1, s.item(ctx, *all[0].item)
		case -1:
			n = len(all)
			fallthrough
		default:
			err = s.decisions(ctx, all[:n])
		}
		switch {
		case errors.Is(err, errDelta):
			return &coded{CodeProtocol, err}
		case errors.Is(err, outbox.ErrFull) && s.late == nil:
			s.full = time.Now()
			s.u.c.Log.Warn("uplink: there is no room for what came down", "item", all[0].id)
			return nil
		case err != nil:
			return &coded{CodeStorage, fmt.Errorf("uplink: store item %d: %w", all[0].id, err)}
		}
		all = all[n:]
	}
	return s.conn.Send(ctx, &wire.ItemAck{ID: f.Last()})
}

// sorted returns everything in the frame in the order of ID. Its error is
// wire.ErrUnbuilt or errStorage; what is not to be believed is in the delivery.
func (s *session) sorted(ctx context.Context, f *wire.Items) ([]delivery, error) {
	var all []delivery
	for i := range f.Items {
		all = append(all, delivery{id: f.Items[i].ID, item: &f.Items[i]})
	}
	for i := range f.Decisions {
		g := &f.Decisions[i]
		kept, err := s.open(ctx, g, wire.Decided)
		if errors.Is(err, errStorage) || errors.Is(err, wire.ErrUnbuilt) && s.late == nil {
			return nil, err
		}
		for j, slip := range g.Slips {
			d := delivery{id: slip.ID}
			if err != nil {
				d.err = fmt.Errorf("%w: %w", ErrUnacceptable, err)
			} else {
				d.decision = kept[j]
			}
			all = append(all, d)
		}
	}
	slices.SortFunc(all, func(a, b delivery) int { return cmp.Compare(a.id, b.id) })
	return all, nil
}

// decisions stores DECIDED receipts. They are made durable in their requests first;
// what then moves the cursor carries nothing.
func (s *session) decisions(ctx context.Context, all []delivery) error {
	cursor := s.u.c.Outbox.Cursor()
	var again []delivery
	all = slices.DeleteFunc(all, func(d delivery) bool {
		if d.id <= cursor && s.u.aside.has(d.id) {
			again = append(again, d)
		}
		return d.id <= cursor // stored before; the ack was lost
	})
	if err := s.again(ctx, again); err != nil {
		return err
	}
	if len(all) == 0 || s.late != nil && !s.late.follows() {
		return nil
	}
	var good []outbox.Receipt
	last := all[len(all)-1].id
	for _, d := range all {
		if d.err != nil {
			if err := s.u.aside.put(d.id, cursor, s.u.trustVersion(), s.u.c.Now()); err != nil {
				return err
			}
			if err := s.unbelieved(ctx, d.err); err != nil {
				return err
			}
			continue
		}
		in, err := s.ours(ctx, d.decision)
		switch {
		case err == nil:
			good = append(good, in)
		case !errors.Is(err, errOther): // else it is of a life of this kiosk that it has lost
			return err
		}
	}
	if err := s.u.c.Outbox.Receipted(ctx, good); err != nil {
		return err
	}
	if err := s.u.c.Outbox.PutItem(ctx, outbox.Item{ID: last, Kind: wire.ItemDecided}); err != nil {
		return err
	}
	if s.late != nil {
		s.late.Items += len(all)
	}
	return nil
}

// again gives decisions that were left out another chance.
func (s *session) again(ctx context.Context, all []delivery) error {
	for _, d := range all {
		if d.err != nil {
			if err := s.unbelieved(ctx, d.err); err != nil {
				return err
			}
			continue
		}
		in, err := s.ours(ctx, d.decision)
		if err == nil {
			err = s.u.c.Outbox.Receipted(ctx, []outbox.Receipt{in})
		}
		if err != nil && !errors.Is(err, errOther) {
			return err
		}
		s.u.c.Log.Info("uplink: a decision that was left out is believed now", "item", d.id)
		if err := s.u.aside.take(d.id); err != nil {
			return err
		}
	}
	return nil
}

// unbelieved leaves a decision out. The portal is told, once in a session: its
// operator is who can find out why (WIRE-SES-11).
func (s *session) unbelieved(ctx context.Context, why error) error {
	err := s.leftOut(wire.ItemDecided, wire.CodeUnbelieved, why)
	if err != nil || s.late != nil || s.told {
		return err
	}
	s.told = true
	return s.conn.Send(ctx, &wire.Nack{Of: wire.TypeItems, Epoch: s.epoch, Code: wire.CodeUnbelieved})
}

// item stores one item that is no decision.
func (s *session) item(ctx context.Context, it wire.Item) error {
	switch it.Kind {
	case wire.ItemCatalogue, wire.ItemTrust, wire.ItemDelta:
		return s.knowledge(it) // by its version: what was lost comes again
	}
	if it.ID <= s.u.c.Outbox.Cursor() {
		return nil // stored before; the ack was lost
	}
	if s.late != nil && !s.late.follows() {
		return nil
	}
	store := outbox.Item{ID: it.ID, Kind: it.Kind, At: time.Unix(it.At, 0)}
	switch it.Kind {
	case wire.ItemAnswer:
		store.Doc, store.Stage, store.Bytes = it.Doc, outbox.State(it.Stage), it.Bytes
	case wire.ItemRevoked:
		if err := s.leftOut(it.Kind, "revoked-seals.invalid", s.u.c.Sink.RevokedSeals(it.Bytes)); err != nil {
			return err
		}
	case wire.ItemSettings:
		if err := s.settings(ctx, it); err != nil {
			return err
		}
	}
	if err := s.u.c.Outbox.PutItem(ctx, store); err != nil {
		return err
	}
	if s.late != nil {
		s.late.Items++
	}
	return nil
}

// settings hands settings on. What the kiosk does not take, or cannot use, the portal
// is told: its operator wrote them (WIRE-SET-4).
func (s *session) settings(ctx context.Context, it wire.Item) error {
	err := s.u.c.Sink.Settings(it.Bytes)
	code := ""
	switch {
	case errors.Is(err, ErrPartly):
		code = wire.CodeSettingsRefused
		s.u.st.refused(code)
	case errors.Is(err, ErrUnacceptable):
		code = wire.CodeSettings
		err = s.leftOut(it.Kind, code, err)
	}
	if code == "" || s.late != nil {
		return err
	}
	return s.conn.Send(ctx, &wire.Nack{Of: wire.TypeItems, Epoch: s.epoch, Code: code})
}
