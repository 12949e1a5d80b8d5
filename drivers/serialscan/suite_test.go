package serialscan_test

import (
	"strings"
	"testing"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/emulator/codescanner"
	"github.com/penjire/penjire/drivers/emulator/codescanner/codescannertest"
	"github.com/penjire/penjire/drivers/link"
	"github.com/penjire/penjire/drivers/serialscan"
)

// kind is a scanner that types, and the settings for it.
func kind(typed codescanner.Typed, o serialscan.Opts) codescannertest.Kind {
	code := func(s device.Symbology, text string) device.Code {
		if !typed.AIM {
			s = device.AnyCode
		}
		return device.Code{Symbology: s, Data: []byte(text)}
	}
	return codescannertest.Kind{
		Scanner: func() codescanner.Protocol { p := typed; return &p },
		Drive:   func(p link.Port) (device.CodeScanner, error) { return serialscan.New(p, o) },
		Lights:  len(o.Start) > 0,
		Mute:    len(o.Answer) == 0,
		Codes: []device.Code{
			code(device.QRCode, "HTTPS://PENJIRE.GOV.TM/S/"+strings.Repeat("PENJIRE", 30)),
			code(device.PDF417, "\"Aşgabat\" şäheriniň häkimligi; №7"),
			code(device.Code128, "KH4T-9QWZ-21"),
			code(device.DataMatrix, "a code in a code ]Q1"),
		},
		Long:    code(device.QRCode, strings.Repeat("0123456789ABCDEF", 500)),
		TooMuch: code(device.QRCode, strings.Repeat("0123456789ABCDEF", 900)),
	}
}

var kinds = map[string]codescannertest.Kind{
	"always reads, CR":   kind(codescanner.Typed{Suffix: "\r"}, serialscan.Opts{}),
	"always reads, CRLF": kind(codescanner.Typed{Suffix: "\r\n", AIM: true}, serialscan.Opts{Suffix: "crlf", AIM: true, Own: true}),
	"CRLF, unsuspected":  kind(codescanner.Typed{Suffix: "\r\n"}, serialscan.Opts{Own: true}),
	"triggered": kind(
		codescanner.Typed{Suffix: "\r", Start: []byte("\x16T\r"), Stop: []byte("\x16U\r")},
		serialscan.Opts{Start: []byte("\x16T\r"), Stop: []byte("\x16U\r")}),
	"triggered, answers": kind(
		codescanner.Typed{Suffix: "\n", AIM: true, Start: []byte("\x01T\x04"), Stop: []byte("\x01P\x04"), Answer: []byte{6}},
		serialscan.Opts{Suffix: "lf", Start: []byte("\x01T\x04"), Stop: []byte("\x01P\x04"), Answer: []byte{6}}),
}

func TestSuite(t *testing.T) {
	for name, k := range kinds {
		t.Run(name, k.Faked)
	}
}

func TestSuiteOnPTY(t *testing.T) { kinds["triggered, answers"].Real(t) }
