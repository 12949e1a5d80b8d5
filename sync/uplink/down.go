package uplink

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/wire"
)

// down takes frames until the connection ends and returns why it ended.
func (s *session) down(ctx context.Context) error {
	for {
		f, err := s.conn.Receive(ctx)
		if err != nil {
			return err
		}
		if err := s.take(ctx, f); err != nil {
			return err
		}
	}
}

// take takes one frame.
func (s *session) take(ctx context.Context, f wire.Frame) error {
	if err := s.takeFrame(ctx, f); err != nil {
		return err
	}
	if !s.full.IsZero() && time.Since(s.full) >= roomAgain {
		return &coded{CodeStorage, errNoRoom}
	}
	return nil
}

func (s *session) takeFrame(ctx context.Context, f wire.Frame) error {
	switch f := f.(type) {
	case *wire.Receipts:
		return s.receipts(ctx, f)
	case *wire.Nack:
		s.nack(f)
		return nil
	case *wire.Have:
		return s.have(ctx, f)
	case *wire.Items:
		return s.items(ctx, f)
	case *wire.Beacon:
		return s.beacon(f)
	case *wire.Witness:
		return s.witness(ctx, f)
	case *wire.Bye:
		return s.bye(f)
	default:
		return &coded{CodeProtocol, fmt.Errorf("uplink: got %s, which goes up only", f.Type())}
	}
}

// nack puts a record aside for a while and lets the others go on.
func (s *session) nack(f *wire.Nack) {
	s.u.st.refused(f.Code)
	s.u.c.Log.Warn("uplink: the portal did not take it", "what", f.Of.String(), "seq", f.Seq, "code", f.Code)
	switch {
	case f.Of != wire.TypeCheckpoint:
	case f.Code == wire.CodeBase:
		s.otherBase()
		s.answered()
	default:
		// Further heads would be refused for the same reason. The records go on.
		s.mu.Lock()
		s.refused = true
		s.mu.Unlock()
		s.u.st.headRefused(f.Code)
		s.answered()
	}
	if f.Of == wire.TypeLarge {
		s.nackLarge(f)
		if why := pauses(f.Code); why != "" {
			s.u.st.pause(why, min(max(hold, time.Duration(f.Retry)*time.Second), mostRetry))
		}
	}
	if f.Of != wire.TypeRecords {
		return
	}
	k, wait := key{f.Epoch, f.Seq}, min(max(hold, time.Duration(f.Retry)*time.Second), mostRetry)
	if why := pauses(f.Code); why != "" {
		s.u.st.pause(why, wait) // the next one would get the same word
		s.settle(k)
		return
	}
	s.mu.Lock()
	if r, ok := s.waiting[k]; ok {
		s.held[r.Doc] = held{until: time.Now().Add(wait), size: r.Size}
	}
	s.mu.Unlock()
	s.settle(k)
}

// leftOut passes over an item that will never be taken, and says so.
func (s *session) leftOut(kind uint8, code string, err error) error {
	if !errors.Is(err, ErrUnacceptable) {
		return err
	}
	s.u.st.refused(code)
	if s.late != nil {
		s.late.refuse(code)
	}
	s.u.c.Log.Warn("uplink: an item is left out", "kind", kind, "err", err)
	return nil
}

// errDelta ends a session in which a delta did not fit: in the next one the
// kiosk says that it has no bundle, and gets a whole one (WIRE-SES-16).
var errDelta = errors.New("uplink: the trust delta does not fit")

// knowledge takes a catalogue or a bundle. It moves no cursor: the portal goes by
// the versions in hello.
func (s *session) knowledge(it wire.Item) error {
	switch it.Kind {
	case wire.ItemCatalogue:
		return s.leftOut(it.Kind, "catalogue.invalid", s.u.c.Sink.Catalogue(it.Bytes))
	case wire.ItemTrust:
		s.u.whole.Store(false)
		return s.leftOut(it.Kind, "trust.invalid", s.u.c.Sink.Trust(it.Bytes))
	}
	var have []byte
	if b := s.u.c.Trust(); b != nil {
		have = b.Signed()
	}
	signed, err := trust.Apply(have, it.Bytes)
	if err == nil {
		err = s.u.c.Sink.Trust(signed)
		if err != nil && !errors.Is(err, ErrUnacceptable) {
			return err // it could not be kept
		}
	}
	if err != nil {
		s.u.whole.Store(true)
		s.u.st.refused("trust.delta")
		return fmt.Errorf("%w: %w", errDelta, err)
	}
	return nil
}

// beacon hands on the portal's time.
func (s *session) beacon(f *wire.Beacon) error {
	t, err := wire.ParseTime(f.Signed, s.u.c.Trust().Portals)
	if err == nil && (t.Kiosk != s.u.kiosk || t.Epoch != s.epoch) {
		err = errOther
	}
	switch {
	case s.late == nil:
	case errors.Is(err, errOther):
		s.late.Known = true
		return nil
	case err == nil:
		return s.late.beacon(s.u.c.Sink, f.Signed, t.When())
	default:
		s.late.refuse("beacon.invalid")
		return nil
	}
	if err != nil {
		s.u.st.refused("beacon.invalid")
		s.u.c.Log.Warn("uplink: a beacon is not believed", "err", err)
		return nil
	}
	if err := s.u.c.Sink.Beacon(f.Signed, t.When()); err != nil {
		s.u.c.Log.Warn("uplink: a beacon was not taken", "err", err)
	}
	return nil
}
