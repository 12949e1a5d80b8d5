package portal

import (
	"context"
	"fmt"
	"time"

	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/wire"
)

// raise keeps an alarm of the session's kiosk.
func (s *session) raise(ctx context.Context, code, note string) error {
	if err := s.p.ledger.Raise(ctx, ledger.Alarm{At: s.p.c.Now(), Kiosk: s.kiosk, Code: code, Note: note}); err != nil {
		return s.busy(ctx, err)
	}
	return nil
}

// greet answers hello, which is f.
func (s *session) greet(ctx context.Context, f wire.Frame) error {
	h, ok := f.(*wire.Hello)
	switch {
	case !ok:
		return s.bye(ctx, "hello.expected", 0)
	case h.Kiosk != s.kiosk:
		return s.bye(ctx, "hello.kiosk", 0)
	}
	if s.version, ok = s.p.speaks.Choose(h.Versions()); !ok {
		return s.bye(ctx, "version", time.Hour)
	}
	s.hello = h
	if err := s.begin(ctx); err != nil {
		return err
	}
	if err := s.p.ledger.Visited(ctx, s.kiosk, visit(h, s.p.c.Now())); err != nil {
		return s.busy(ctx, err)
	}
	if err := s.p.knows(ctx, s.kiosk, h.Cursor); err != nil {
		return s.busy(ctx, err)
	}
	if err := s.conn.Send(ctx, &wire.Welcome{
		Version: s.version, Portal: s.p.c.Name, HeadSize: s.head.Size, HeadName: s.headName(),
		Records: wire.MaxRecords, Bytes: maxBatchBytes,
	}); err != nil {
		return err
	}
	return s.beacon(ctx)
}

// begin makes s the session of its kiosk, and reads what is known of that.
func (s *session) begin(ctx context.Context) (err error) {
	h := s.hello
	if s.late == nil {
		if wait := s.p.sessionFits(s.kiosk); wait > 0 {
			s.p.overQuota(ctx, s.kiosk, codeSessions, wait)
			return s.bye(ctx, codeSessions, max(wait, leastWait))
		}
	}
	if !s.p.enter(s) {
		return s.bye(ctx, "busy", s.p.later(s.kiosk, 5*time.Minute))
	}
	if s.purse, err = s.p.purse(ctx, s.kiosk); err != nil {
		return s.busy(ctx, err)
	}
	if s.head, err = s.p.ledger.Head(ctx, s.kiosk, h.Epoch); err != nil {
		return s.busy(ctx, err)
	}
	if err := s.stampKept(ctx); err != nil {
		return s.busy(ctx, err)
	}
	taken, last, err := s.p.ledger.Taken(ctx, s.kiosk, h.Epoch)
	if err != nil {
		return s.busy(ctx, err)
	}
	s.least = leastJournal(taken, last)
	return nil
}

// visit is what a hello tells the fleet view.
func visit(h *wire.Hello, at time.Time) ledger.Visit {
	v := ledger.Visit{
		Epoch: h.Epoch, At: at, Software: h.Software, Unsent: h.Unsent, Catalogue: h.Catalogue, Trust: h.Trust,
	}
	if h.Since > 0 {
		v.Oldest = time.Unix(h.Since, 0)
	}
	return v
}

// knows raises an alarm if the ledger does not have the last item that the kiosk
// has stored (WIRE-SES-20).
func (p *Portal) knows(ctx context.Context, kiosk string, cursor uint64) error {
	if cursor == 0 {
		return nil
	}
	its, err := p.ledger.Items(ctx, kiosk, cursor-1, 1)
	if err != nil {
		return err
	}
	if len(its) > 0 && its[0].ID == cursor {
		return nil
	}
	// A list that was replaced has gone from the items. What the kiosk acked is
	// remembered: a ledger that was put back does not know that either.
	all, err := p.ledger.Kiosks(ctx)
	if err != nil {
		return err
	}
	for _, k := range all {
		if k.ID == kiosk && k.Cursor >= cursor {
			return nil
		}
	}
	// What stands under lower IDs would never go down to it.
	if _, err := p.ledger.Surpass(ctx, kiosk, cursor); err != nil {
		return err
	}
	return p.putBack(ctx, kiosk, cursor)
}

// putBack tells the operator that the ledger lacks what a kiosk has.
func (p *Portal) putBack(ctx context.Context, kiosk string, cursor uint64) error {
	p.c.Log.Error("portal: a kiosk has more than the ledger knows: the ledger was put back to an older state", "kiosk", kiosk, "item", cursor)
	return p.ledger.Raise(ctx, ledger.Alarm{
		At: p.c.Now(), Kiosk: kiosk, Code: ledger.AlarmRestored, Note: fmt.Sprintf("it has stored item %d", cursor),
	})
}
