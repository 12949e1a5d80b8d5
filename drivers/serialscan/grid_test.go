package serialscan_test

import (
	"testing"

	"github.com/penjire/penjire/drivers/device"
)

// TestFaultGrid: a line of text has no checksum, so that a code may come with
// the very fault that was made in it; it never comes with another's.
func TestFaultGrid(t *testing.T) {
	for name, k := range kinds {
		t.Run(name, func(t *testing.T) {
			k.Codes = []device.Code{
				{Symbology: k.Codes[2].Symbology, Data: []byte("KH4T-9QWZ-21 of the first citizen")},
				{Symbology: k.Codes[2].Symbology, Data: []byte("second")},
			}
			k.Grid(t, false)
		})
	}
}
