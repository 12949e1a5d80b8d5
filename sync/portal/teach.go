package portal

import (
	"context"
	"errors"
	"fmt"

	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/wire"
)

// known are the versions that a kiosk has.
type known struct{ trust, catalogue uint64 }

// teach sends the newest bundle and catalogue to a kiosk that has older ones, by
// version and not by cursor: a kiosk that has lost what it stored gets it again
// (WIRE-SES-16). The bundle goes first, for the catalogue is checked with it.
func (s *session) teach(ctx context.Context, knows *known, cursor uint64) error {
	if b := s.p.Trust(); b.Version > knows.trust {
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
		knows.trust = b.Version
	}
	if c := s.p.Catalogue(); c.Version > knows.catalogue {
		version, signed, err := s.p.ledger.Broadcasted(ctx, ledger.ItemCatalogue)
		if err != nil {
			return s.busy(ctx, fmt.Errorf("portal: read the catalogue: %w", err))
		}
		if err := s.handOne(ctx, wire.Item{Kind: wire.ItemCatalogue, Bytes: signed}, cursor); err != nil {
			return err
		}
		knows.catalogue = max(version, c.Version)
	}
	return nil
}

func (s *session) handOne(ctx context.Context, it wire.Item, cursor uint64) error {
	it.ID, it.At = max(1, cursor), s.p.c.Now().Unix()
	return s.hand(ctx, &wire.Items{Items: []wire.Item{it}})
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
