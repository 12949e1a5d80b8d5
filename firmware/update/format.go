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

// MayRaise says whether the kiosk's data may be brought from format have to format to.
// Until then new software writes the old form. have, to, what the running software
// reads, and what the software in the other slot reads: both must be able to work with
// to, because the kiosk may be back in the other at the next start. other's zero value
// is a slot with nothing in it.
func MayRaise(have, to uint32, running, other release.Formats, s State) bool {
	if to <= have || !running.Has(to) || s.Phase != release.Idle && s.Phase != release.Downloading {
		return false
	}
	return other == release.Formats{} || other.Has(to)
}

// CheckFormat refuses data that this software does not read, before anything of it is
// opened.
func CheckFormat(have uint32) error {
	if r := Reads(); !r.Has(have) {
		return fmt.Errorf("update: the kiosk's data has format %d, this software reads %d to %d: start the other slot, or install the version in between", have, r.Min, r.Max)
	}
	return nil
}
