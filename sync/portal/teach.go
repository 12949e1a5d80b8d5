package portal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/wire"
)

// A version that a kiosk took note of and does not say it has, in this many
// sessions, is handed down to it once in teachPause from then on.
const (
	teachTries = 5
	teachPause = time.Hour
)

// lesson is what a kiosk was handed. Of a kiosk that has learned it there is one
// more session of it here, which does no harm.
type lesson struct {
	version uint64
	tries   int // that it acked
	last    time.Time
}

type lessonKey struct {
	kiosk string
	kind  uint8
}

// due says whether a kiosk that has an older version is to be handed this one now.
// It raises an alarm where that was done often enough: the kiosk goes on with an
// old bundle or catalogue, and somebody has to look why (WIRE-SES-16).
func (s *session) due(ctx context.Context, kind uint8, version uint64) (bool, error) {
	now := s.p.c.Now()
	s.p.mu.Lock()
	l := s.p.lessons[lessonKey{s.kiosk, kind}]
	s.p.mu.Unlock()
	if l.version != version || l.tries < teachTries {
		return true, nil
	}
	s.p.c.Log.Warn("portal: a kiosk does not take what is handed down", "kiosk", s.kiosk, "kind", kind, "version", version)
	return now.Sub(l.last) >= teachPause || now.Before(l.last), s.p.ledger.Raise(ctx, ledger.Alarm{
		At: now, Kiosk: s.kiosk, Code: ledger.AlarmUntaught, Note: fmt.Sprintf("kind %d, version %d", kind, version),
	})
}

// handed notes that the kiosk acked a version.
func (s *session) handed(kind uint8, version uint64) {
	if s.late != nil {
		return // it acks in another session
	}
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	l := s.p.lessons[lessonKey{s.kiosk, kind}]
	if l.version != version {
		l = lesson{version: version}
	}
	l.tries, l.last = l.tries+1, s.p.c.Now()
	s.p.lessons[lessonKey{s.kiosk, kind}] = l
}

// known are the versions that a kiosk has.
type known struct{ trust, catalogue uint64 }

// teach sends the newest bundle and catalogue to a kiosk that has older ones, by
// version and not by cursor: a kiosk that has lost what it stored gets it again
// (WIRE-SES-16). The bundle goes first, for the catalogue is checked with it.
func (s *session) teach(ctx context.Context, knows *known, cursor uint64) error {
	b := s.p.Trust()
	due := b.Version > knows.trust
	var err error
	if due {
		due, err = s.due(ctx, wire.ItemTrust, b.Version)
	}
	if err != nil {
		return s.busy(ctx, err)
	}
	if due {
		had := knows.trust
		if s.late != nil {
			had = 0 // by the time the file is there the kiosk may have another one
		}
		it, err := s.p.bundleFor(ctx, b, had)
		if err != nil {
			return s.busy(ctx, err)
		}
		if err := s.handOne(ctx, it, cursor); err != nil {
			return err
		}
		s.handed(wire.ItemTrust, b.Version)
		knows.trust = b.Version
	}
	c := s.p.Catalogue()
	if due = c.Version > knows.catalogue; due {
		due, err = s.due(ctx, wire.ItemCatalogue, c.Version)
	}
	if err != nil {
		return s.busy(ctx, err)
	}
	if due {
		version, signed, err := s.p.ledger.Broadcasted(ctx, ledger.ItemCatalogue)
		if err != nil {
			return s.busy(ctx, fmt.Errorf("portal: read the catalogue: %w", err))
		}
		if err := s.handOne(ctx, wire.Item{Kind: wire.ItemCatalogue, Bytes: signed}, cursor); err != nil {
			return err
		}
		s.handed(wire.ItemCatalogue, c.Version)
		knows.catalogue = max(version, c.Version)
	}
	return nil
}

func (s *session) handOne(ctx context.Context, it wire.Item, cursor uint64) error {
	it.ID, it.At = max(1, cursor), s.p.c.Now().Unix()
	_, err := s.hand(ctx, &wire.Items{Items: []wire.Item{it}})
	return err
}

// bundleFor returns bundle b for a kiosk that has the version had: as a delta, if
// that version was published and the delta is smaller.
func (p *Portal) bundleFor(ctx context.Context, b *trust.Bundle, had uint64) (wire.Item, error) {
	whole := wire.Item{Kind: wire.ItemTrust, Bytes: b.Signed()}
	if had == 0 {
		return whole, nil
	}
	old, err := p.ledger.PublishedVersion(ctx, ledger.ItemTrust, had)
	switch {
	case errors.Is(err, ledger.ErrNotFound):
		return whole, nil // it came with the kiosk
	case err != nil:
		return whole, fmt.Errorf("portal: read trust bundle %d: %w", had, err)
	}
	delta, err := trust.Delta(old.Bytes, whole.Bytes)
	if err != nil || len(delta) >= len(whole.Bytes) {
		return whole, nil //nolint:nilerr // the whole bundle always does
	}
	return wire.Item{Kind: wire.ItemDelta, Bytes: delta}, nil
}
