package layout

// Slot is one of the two places for a version of the software.
type Slot struct {
	Name string // as the boot loader and RAUC call it
	Boot string // partition with kernel and initramfs
	Root string // partition with the root file system
}

// Slots are the slots there are. A new image has its software in the first; the
// second is empty.
var Slots = []Slot{{"A", BootA, RootA}, {"B", BootB, RootB}}

// Classes of RAUC's slots; a bundle has one image for each.
const (
	RootClass = "rootfs"
	BootClass = "boot"
)

// Compatible returns RAUC's «compatible» of a board: bundles of another are refused.
func Compatible(board string) string { return "penjire-" + board }
