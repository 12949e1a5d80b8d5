package kiosk

import (
	"slices"
	"testing"

	"github.com/penjire/penjire/boards/board"
	"github.com/penjire/penjire/drivers/registry"
)

// TestBoardsNameWhatThereIs: a board is data and names drivers without knowing
// them; here is where both are known.
func TestBoardsNameWhatThereIs(t *testing.T) {
	names := board.Names()
	if len(names) < 3 {
		t.Fatalf("Names = %q, want bench, vm and rpi4 at least", names)
	}
	for _, name := range names {
		b, err := board.Load(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range b.Devices {
			if !slices.Contains(registry.Names(), d.Driver) {
				t.Errorf("board %s: device %s wants the driver %q; there are %q", name, d.Name, d.Driver, registry.Names())
			}
		}
		if _, err := clockSource(b.Clock, t.TempDir()); err != nil {
			t.Errorf("board %s: %v", name, err)
		}
	}
}
