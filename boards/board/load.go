package board

import (
	"fmt"
	"maps"
	"slices"

	"github.com/penjire/penjire/boards/bench"
	"github.com/penjire/penjire/boards/rpi4"
	"github.com/penjire/penjire/boards/vm"
)

// known are the boards that come with the product.
var known = map[string][]byte{
	"bench": bench.JSON,
	"rpi4":  rpi4.JSON,
	"vm":    vm.JSON,
}

// Names returns the names Load knows, sorted.
func Names() []string { return slices.Sorted(maps.Keys(known)) }

// Load returns the board called name.
func Load(name string) (*Board, error) {
	b, ok := known[name]
	if !ok {
		return nil, fmt.Errorf("board: load %q: no such board, there are %q", name, Names())
	}
	d, err := Parse(b)
	if err != nil {
		return nil, fmt.Errorf("board: load %q: %w", name, err)
	}
	return d, nil
}
