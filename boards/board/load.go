package board

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/penjire/penjire/boards/bench"
	"github.com/penjire/penjire/boards/generic"
	"github.com/penjire/penjire/boards/pc"
	"github.com/penjire/penjire/boards/rpi3"
	"github.com/penjire/penjire/boards/rpi4"
	"github.com/penjire/penjire/boards/rpi5"
	"github.com/penjire/penjire/boards/rpizero2w"
	"github.com/penjire/penjire/boards/vm"
)

// known are the boards that come with the product.
var known = map[string][]byte{
	"bench":     bench.JSON,
	Generic:     generic.JSON,
	"pc":        pc.JSON,
	"rpi3":      rpi3.JSON,
	"rpi4":      rpi4.JSON,
	"rpi5":      rpi5.JSON,
	"rpizero2w": rpizero2w.JSON,
	"vm":        vm.JSON,
}

// Names returns the names Load knows, sorted.
func Names() []string { return slices.Sorted(maps.Keys(known)) }

// Open returns the board called name, or the one in the file called name: a name with
// a point or a slash is a file's.
func Open(name string) (*Board, error) {
	if strings.ContainsAny(name, "/.") {
		return ParseFile(name)
	}
	return Load(name)
}

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
