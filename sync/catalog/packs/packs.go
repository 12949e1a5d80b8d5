// Package packs holds the service packs that come with the product: job-seeker
// registration, certificate of residence, complaint. They are data like any
// other pack; nothing in the code knows their names.
package packs

import (
	"embed"
	"fmt"

	"github.com/penjire/penjire/sync/catalog"
)

// FS holds the packs as JSON files, one service each.
//
//go:embed *.json
var FS embed.FS

// All returns the packs, parsed.
func All() ([]*catalog.Pack, error) {
	ps, err := catalog.ReadPacks(FS)
	if err != nil {
		return nil, fmt.Errorf("packs: %w", err)
	}
	return ps, nil
}

// Catalogue returns a catalogue of that version made of these packs and more.
func Catalogue(version uint64, more ...*catalog.Pack) (*catalog.Catalogue, error) {
	ps, err := All()
	if err != nil {
		return nil, err
	}
	c, err := catalog.Build(version, append(ps, more...)...)
	if err != nil {
		return nil, fmt.Errorf("packs: %w", err)
	}
	return c, nil
}
