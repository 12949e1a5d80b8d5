package uplink

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/wire"
)

// up sends until ctx ends: records as long as there are any, and the journal's
// head before them, so that it covers them. While the receipts for one frame of
// records are on their way, the next one is: a link with a long way would
// otherwise stand still for a round trip after each.
func (s *session) up(ctx context.Context) error {
	for {
		again, err := s.deliver(ctx)
		if err != nil {
			return err
		}
		wait := time.Duration(1<<63 - 1)
		if again > 0 {
			wait = again
		}
		if due, grown := s.headDue(); grown {
			if due <= 0 {
				if err := s.checkpoint(ctx); err != nil {
					return err
				}
				continue
			}
			wait = min(wait, due)
		}
		// A piece of a large request, and then small ones again.
		moved, later, err := s.push(ctx)
		if err != nil {
			return err
		}
		if moved {
			continue
		}
		if later > 0 {
			wait = min(wait, later)
		}
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		case <-s.u.changes:
		case <-s.u.kick:
		case <-s.progress:
		case <-t.C:
		}
		t.Stop()
	}
}

// deliver sends everything that waits and is not held, and waits for what the
// portal says to it. It returns when the first held record may go again; 0 if
// none is held.
func (s *session) deliver(ctx context.Context) (time.Duration, error) {
	most := int(s.welcome.Records)
	if b := s.u.c.Batch; b > 0 {
		most = min(most, b)
	}
	for {
		if left := s.u.st.pausedFor(); left > 0 {
			return left, nil
		}
		// A lease is a write: none for what is not there or may not go yet.
		// What is held, or on its way, is leased along and put back, so that it
		// cannot stand in the way of the rest.
		n, size, soon := s.holding()
		under, bytes := s.under()
		var recs []outbox.Record
		st := s.u.c.Outbox.Stats(ctx)
		more := st.Unsent-st.Lost-st.Large > n+under
		if more {
			var err error
			if recs, err = s.lease(ctx, most+n+under, int(s.welcome.Bytes)+size+bytes); err != nil {
				return 0, &coded{CodeStorage, fmt.Errorf("uplink: lease: %w", err)}
			}
			recs = s.dropHeld(recs)
		}
		if !more {
			s.u.st.short(time.Time{})
		}
		if len(recs) == 0 {
			switch {
			case under > 0:
				if err := s.wait(ctx, 0); err != nil {
					return 0, err
				}
				continue
			case more && soon == 0:
				soon = noRoom
			}
			return soon, nil
		}
		// Their entries are durable: a head that the portal keeps before it has the
		// records covers them, and no older journal can pass for this one.
		if due, grown := s.headDue(); grown && due <= 0 {
			if err := s.checkpoint(ctx); err != nil {
				return 0, err
			}
		}
		recs = recs[:min(len(recs), most)]
		for _, f := range frames(recs) {
			s.mu.Lock()
			for _, r := range recs {
				if r.Epoch == f.Epoch {
					r.Sealed = nil
					s.waiting[key{r.Epoch, r.Seq}] = r
				}
			}
			s.mu.Unlock()
			if err := s.conn.Send(ctx, f); err != nil {
				return 0, err
			}
			// All but this one are answered when no more wait than it has: the portal
			// answers in order.
			if err := s.wait(ctx, len(f.Records)); err != nil {
				return 0, err
			}
			if s.u.st.pausedFor() > 0 {
				break
			}
		}
	}
}

// under returns how many records are on their way, and their sealed bytes.
func (s *session) under() (n, size int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.waiting {
		size += r.Size
	}
	return len(s.waiting), size
}

// noRoom is how long records wait before it is looked whether there is room for
// them in the day's bytes.
const noRoom = 10 * time.Minute

// lease leases what may go: everything, or what fits into the day's bytes. At the
// beginning of a day something larger may.
func (s *session) lease(ctx context.Context, most, size int) ([]outbox.Record, error) {
	s.u.account(false)
	room, fresh, limited := s.u.budget.room(s.u.c.Now())
	if !limited {
		return s.u.c.Outbox.Lease(ctx, most, size)
	}
	recs, err := s.u.c.Outbox.LeaseFitting(ctx, most, int(min(room, int64(size))))
	if len(recs) == 0 && err == nil && fresh {
		recs, err = s.u.c.Outbox.Lease(ctx, 1, 1)
	}
	s.u.st.short(s.u.budget.lacks(len(recs) == 0 && err == nil))
	return recs, err
}

// holding returns how many records the portal would not take and that may not go
// again yet, their sealed bytes, and how long until the first of them may.
func (s *session) holding() (n, size int, soon time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for doc, h := range s.held {
		if h.large {
			continue
		}
		left := time.Until(h.until)
		if left <= 0 {
			delete(s.held, doc)
			continue
		}
		n++
		size += h.size
		if soon == 0 || left < soon {
			soon = left
		}
	}
	return n, size, soon
}

// dropHeld takes such records out of recs, and those that are on their way.
func (s *session) dropHeld(recs []outbox.Record) []outbox.Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(recs, func(r outbox.Record) bool {
		_, held := s.held[r.Doc]
		_, sent := s.waiting[key{r.Epoch, r.Seq}]
		return held || sent
	})
}

// frames puts records into frames: one for each epoch, in the order of Seq.
func frames(recs []outbox.Record) []*wire.Records {
	var out []*wire.Records
	for _, r := range recs {
		i := slices.IndexFunc(out, func(f *wire.Records) bool { return f.Epoch == r.Epoch })
		if i < 0 {
			i = len(out)
			out = append(out, &wire.Records{Epoch: r.Epoch})
		}
		out[i].Records = append(out[i].Records, wire.Record{
			Seq: r.Seq, Doc: r.Doc, Service: r.Service, Lang: r.Lang, Claimed: r.Claimed.Unix(), Sealed: r.Sealed,
		})
	}
	for _, f := range out {
		slices.SortFunc(f.Records, func(a, b wire.Record) int { return cmp.Compare(a.Seq, b.Seq) })
	}
	return out
}

// wait returns when no more than most of what was sent wait for an answer.
func (s *session) wait(ctx context.Context, most int) error {
	for {
		s.mu.Lock()
		n := len(s.waiting)
		s.mu.Unlock()
		if n <= most {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.settled:
		}
	}
}

// settle notes that the portal has said something about a record.
func (s *session) settle(k key) {
	s.mu.Lock()
	delete(s.waiting, k)
	s.mu.Unlock()
	if u := s.endLarge(k); u != nil {
		_ = u.blob.Close() // it was only read
		s.progressed()
	}
	select {
	case s.settled <- struct{}{}:
	default:
	}
}
