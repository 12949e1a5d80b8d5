package gm65_test

import (
	"strings"
	"testing"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/emulator/codescanner"
	"github.com/penjire/penjire/drivers/emulator/codescanner/codescannertest"
	"github.com/penjire/penjire/drivers/gm65"
	"github.com/penjire/penjire/drivers/link"
)

func kind(o gm65.Opts) codescannertest.Kind {
	code := func(s device.Symbology, text string) device.Code {
		if !o.AIM {
			s = device.AnyCode
		}
		return device.Code{Symbology: s, Data: []byte(text)}
	}
	return codescannertest.Kind{
		Scanner: func() codescanner.Protocol { return new(codescanner.GM65) },
		Drive:   func(p link.Port) (device.CodeScanner, error) { return gm65.New(p, o) },
		Lights:  true,
		Codes: []device.Code{
			code(device.Code128, "KH4T-9QWZ-21 of the first citizen"),
			code(device.PDF417, "\"Aşgabat\" şäheriniň häkimligi; №7"),
			code(device.QRCode, "HTTPS://PENJIRE.GOV.TM/S/"+strings.Repeat("PENJIRE", 30)),
		},
		Long:    code(device.QRCode, strings.Repeat("0123456789ABCDEF", 500)),
		TooMuch: code(device.QRCode, strings.Repeat("0123456789ABCDEF", 900)),
	}
}

func TestSuite(t *testing.T) {
	t.Run("plain", kind(gm65.Opts{}).Faked)
	t.Run("AIM", kind(gm65.Opts{AIM: true, Sound: true}).Faked)
}

func TestSuiteOnPTY(t *testing.T) { kind(gm65.Opts{AIM: true}).Real(t) }

// TestFaultGrid: commands have a checksum and readings have none, so that a code
// may come with the very fault that was made in it.
func TestFaultGrid(t *testing.T) { kind(gm65.Opts{AIM: true}).Grid(t, false) }
