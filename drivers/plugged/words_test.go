package plugged_test

import (
	"strings"
	"testing"

	"github.com/penjire/penjire/drivers/plugged"
)

// TestKeyboardScanner: a scanner that types into the screen is named, with what
// to do; one that is a serial line, and any other keyboard, is not.
func TestKeyboardScanner(t *testing.T) {
	for name, v := range map[string]struct {
		d    plugged.Device
		want string
	}{
		"keyboard":       {plugged.Device{Socket: "1-1", Vendor: 0x0c2e, Product: 0x0b81, Classes: []uint8{3}}, "USB CDC"},
		"own words":      {plugged.Device{Socket: "1-1", Vendor: 0x05e0, Product: 0x1200, Classes: []uint8{3}}, "SSI over USB CDC"},
		"serial":         {plugged.Device{Socket: "1-1", Vendor: 0x0c2e, Product: 0x0b81, Classes: []uint8{2, 3, 10}, Nodes: []plugged.Node{{Path: "/dev/ttyACM0", Subsystem: "tty"}}}, ""},
		"other keyboard": {plugged.Device{Socket: "1-1", Vendor: 0x046d, Product: 0xc31c, Classes: []uint8{3}}, ""},
		"none":           {plugged.Device{}, ""},
	} {
		if got := v.d.Hint(); (v.want == "") != (got == "") || !strings.Contains(got, v.want) {
			t.Errorf("%s: Hint = %q, want %q in it", name, got, v.want)
		}
	}
}
