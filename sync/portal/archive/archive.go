// Package archive looks after what the portal keeps (REQUIREMENTS ED-13): Check
// verifies all of it again and says what is damaged and what has changed, Export
// gives documents out in the form in which they were received.
//
// Nothing is ever removed or mended here. What is kept has no term that ends by
// itself, so it is kept no shorter than paper would be; a damaged thing stays
// where it is, is named, and is brought back from a backup by people.
package archive

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"filippo.io/age"

	"github.com/penjire/penjire/sync/catalog"
	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/ledger"
)

// Archive is a ledger with what is needed to check it.
type Archive struct {
	Ledger     ledger.Ledger
	Roots      []*x509.Certificate // what trust bundles are checked against
	Identities []age.Identity      // what opens envelopes; may be empty
	Now        time.Time           // as of when it is checked
	Renew      time.Duration       // stamps whose certificate ends within it want a new one; 0: 90 days

	bundles   []dated // a few that were used last, the newest use last
	catalogue *catalog.Catalogue
}

// dated is a bundle and when it came into force.
type dated struct {
	version uint64
	bundle  *trust.Bundle
}

// bundlesKept bounds the memory of a walk, which goes in the order of time.
const bundlesKept = 4

// Trust returns the bundle that the portal has in force.
func (a *Archive) Trust(ctx context.Context) (*trust.Bundle, error) {
	version, signed, err := a.Ledger.Broadcasted(ctx, ledger.ItemTrust)
	if err != nil {
		return nil, fmt.Errorf("archive: read the trust bundle in force: %w", err)
	}
	return a.parse(version, signed)
}

// TrustAt returns the bundle that was in force at that time; an error that wraps
// ledger.ErrNotFound if it was not kept.
func (a *Archive) TrustAt(ctx context.Context, at time.Time) (*trust.Bundle, error) {
	p, err := a.Ledger.Published(ctx, ledger.ItemTrust, at)
	if err != nil {
		return nil, fmt.Errorf("archive: read the trust bundle of then: %w", err)
	}
	return a.parse(p.Version, p.Bytes)
}

func (a *Archive) parse(version uint64, signed []byte) (*trust.Bundle, error) {
	for i, d := range a.bundles {
		if d.version == version {
			a.bundles = append(append(a.bundles[:i:i], a.bundles[i+1:]...), d)
			return d.bundle, nil
		}
	}
	b, err := trust.ParseBundle(signed, a.Roots, 0)
	if err != nil {
		return nil, fmt.Errorf("archive: trust bundle %d: %w", version, err)
	}
	if len(a.bundles) == bundlesKept {
		a.bundles = a.bundles[1:]
	}
	a.bundles = append(a.bundles, dated{version, b})
	return b, nil
}

// services returns the catalogue in force; nil if there is none. Of an older
// one, limits are judged as today's says: ids of services are never used again.
func (a *Archive) services(ctx context.Context, b *trust.Bundle) (*catalog.Catalogue, error) {
	_, signed, err := a.Ledger.Broadcasted(ctx, ledger.ItemCatalogue)
	if errors.Is(err, ledger.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("archive: read the catalogue: %w", err)
	}
	payload, _, err := trust.OpenObject(trust.KindCatalogue, signed, b)
	if err != nil {
		return nil, fmt.Errorf("archive: read the catalogue: %w", err)
	}
	return catalog.Parse(payload)
}
