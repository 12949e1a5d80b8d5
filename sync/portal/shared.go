package portal

import (
	"context"
	"errors"
	"maps"
	"time"

	"github.com/penjire/penjire/sync/ledger"
)

// Several portals on one ledger keep nothing of their own: which one a kiosk
// reaches does not matter, and one that dies is missed by nobody.

const (
	// lookAround is how often a portal asks what the others stored. One query for
	// all kiosks that are connected to it.
	lookAround = 2 * time.Second
	// ownFor is how long a new record is left to the portal that its kiosk is
	// connected to: two that open the same record would both work for one decision.
	ownFor = 30 * time.Second
)

// watchOthers wakes sessions for what other portals stored for their kiosks, and
// takes into force what those published. It returns at once where the ledger
// serves this portal alone.
func (p *Portal) watchOthers(ctx context.Context) {
	l, ok := p.ledger.(ledger.Shared)
	if !ok {
		return
	}
	t := time.NewTicker(lookAround)
	defer t.Stop()
	seen := map[string]uint64{}
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		if err := p.lookAround(ctx, l, seen); err != nil && ctx.Err() == nil {
			p.c.Log.Warn("portal: what other portals did is not seen", "err", err)
		}
	}
}

// lookAround is one look. Seen is what the last one saw.
func (p *Portal) lookAround(ctx context.Context, l ledger.Shared, seen map[string]uint64) error {
	kiosks := p.Connected()
	last, err := l.LastItems(ctx, kiosks)
	if err != nil {
		return err
	}
	if last[""] != seen[""] {
		if err := p.Adopt(ctx); err != nil {
			return err
		}
	}
	for _, k := range kiosks {
		if last[k] != seen[k] || last[""] != seen[""] {
			p.notify(k)
		}
	}
	clear(seen) // of kiosks that went
	maps.Copy(seen, last)
	return nil
}

// adoptOthers is Adopt for what is not the bundle.
func (p *Portal) adoptOthers(ctx context.Context) error {
	version, signed, err := p.ledger.Broadcasted(ctx, ledger.ItemCatalogue)
	if err != nil {
		return err
	}
	if version > p.Catalogue().Version {
		c, err := p.openCatalogue(signed)
		if err != nil {
			return err
		}
		p.cat.Store(c)
	}
	p.revoking.Lock()
	defer p.revoking.Unlock()
	list, err := p.lastRevoked(ctx)
	if err != nil && !errors.Is(err, ledger.ErrNotFound) {
		return err
	}
	if have := p.revoked.Load(); list != nil && (have == nil || list.Version > have.Version) {
		p.revoked.Store(list)
	}
	return nil
}

// anothers says whether a record is new and another portal's to decide: its kiosk
// is not connected here.
func (p *Portal) anothers(r ledger.Record) bool {
	if _, ok := p.ledger.(ledger.Shared); !ok || p.c.Now().Sub(r.Received) > ownFor {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sessions[r.Kiosk] == nil
}
