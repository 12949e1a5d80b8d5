package update

import (
	"fmt"

	"github.com/penjire/penjire/boards/layout"
	"github.com/penjire/penjire/sync/release"
)

// Reads are the forms of the kiosk's data that this software works with: its own and
// the one before, so that whichever of two neighbouring versions starts can read what
// the other wrote.
func Reads() release.Formats {
	return release.Formats{Min: max(1, layout.DataFormat-1), Max: layout.DataFormat}
}

// CheckFormat refuses data that this software does not read, before anything of it is
// opened.
func CheckFormat(have uint32) error {
	if r := Reads(); !r.Has(have) {
		return fmt.Errorf("update: the kiosk's data has format %d, this software reads %d to %d: start the other slot, or install the version in between", have, r.Min, r.Max)
	}
	return nil
}
