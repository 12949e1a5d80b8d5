package ssi_test

import (
	"testing"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/emulator/codescanner"
	"github.com/penjire/penjire/drivers/ssi"
)

// TestFaultGrid: every packet has a checksum, so no fault may give a wrong code.
func TestFaultGrid(t *testing.T) {
	k := kind(codescanner.SSI{}, ssi.Opts{})
	k.Codes = []device.Code{
		{Symbology: device.QRCode, Data: []byte("KH4T-9QWZ-21 of the first citizen")},
		{Symbology: device.Code128, Data: []byte("second")},
	}
	k.Grid(t, true)
}
