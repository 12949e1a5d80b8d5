package ssi_test

import (
	"strings"
	"testing"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/emulator/codescanner"
	"github.com/penjire/penjire/drivers/emulator/codescanner/codescannertest"
	"github.com/penjire/penjire/drivers/link"
	"github.com/penjire/penjire/drivers/ssi"
)

func kind(emu codescanner.SSI, o ssi.Opts) codescannertest.Kind {
	code := func(s device.Symbology, text string) device.Code {
		return device.Code{Symbology: s, Data: []byte(text)}
	}
	return codescannertest.Kind{
		Scanner: func() codescanner.Protocol { p := emu; return &p },
		Drive:   func(p link.Port) (device.CodeScanner, error) { return ssi.New(p, o) },
		Lights:  true,
		Codes: []device.Code{
			code(device.QRCode, "HTTPS://PENJIRE.GOV.TM/S/"+strings.Repeat("PENJIRE", 30)),
			code(device.PDF417, "any bytes: \x00\r\n\xFF\x04\xF3"),
			code(device.Code128, "KH4T-9QWZ-21"),
			code(device.DataMatrix, "\"Aşgabat\" şäheriniň häkimligi; №7"),
			code(device.AnyCode, "4006381333931"),
			code(device.Aztec, strings.Repeat("two packets ", 30)),
		},
		Long:    code(device.QRCode, strings.Repeat("0123456789ABCDEF", 500)),
		TooMuch: code(device.QRCode, strings.Repeat("0123456789ABCDEF", 900)),
	}
}

func TestSuite(t *testing.T) {
	t.Run("plain", kind(codescanner.SSI{NoBeep: true}, ssi.Opts{Beep: true}).Faked)
	t.Run("beeps", kind(codescanner.SSI{}, ssi.Opts{Beep: true, Keep: true}).Faked)
}

func TestSuiteOnPTY(t *testing.T) { kind(codescanner.SSI{}, ssi.Opts{}).Real(t) }
