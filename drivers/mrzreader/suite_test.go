package mrzreader_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/emulator/codescanner"
	"github.com/penjire/penjire/drivers/emulator/codescanner/codescannertest"
	"github.com/penjire/penjire/drivers/link"
	"github.com/penjire/penjire/drivers/mrzreader"
)

// The specimens of Doc 9303, parts 4 to 6.
const (
	td3 = "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL898902C36UTO7408122F1204159ZE184226B<<<<<10\n"
	td1 = "I<UTOD231458907<<<<<<<<<<<<<<<\n7408122F1204159UTO<<<<<<<<<<<6\nERIKSSON<<ANNA<MARIA<<<<<<<<<<\n"
	td2 = "I<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<\nD231458907UTO7408122F1204159<<<<<<<6\n"
)

func kind(emu codescanner.MRZ, o mrzreader.Opts) codescannertest.Kind {
	zone := func(text string) device.Code { return device.Code{Symbology: device.MRZ, Data: []byte(text)} }
	return codescannertest.Kind{
		Scanner: func() codescanner.Protocol { p := emu; return &p },
		Drive:   func(p link.Port) (device.CodeScanner, error) { return mrzreader.New(p, o) },
		Mute:    true,
		Codes:   []device.Code{zone(td3), zone(td1), zone(td2)},
		Long:    zone(td1),
		TooMuch: zone(strings.Repeat("<", 500) + "\n"),
	}
}

var kinds = map[string]codescannertest.Kind{
	"CR":            kind(codescanner.MRZ{Between: "\r"}, mrzreader.Opts{Own: true}),
	"STX, CRLF":     kind(codescanner.MRZ{Before: "\x02", Between: "\r\n", After: "\x03"}, mrzreader.Opts{}),
	"one line, ETX": kind(codescanner.MRZ{Before: "\x1c\x02", After: "\x03\x1d\r"}, mrzreader.Opts{}),
}

func TestSuite(t *testing.T) {
	for name, k := range kinds {
		t.Run(name, k.Faked)
	}
}

func TestSuiteOnPTY(t *testing.T) { kinds["STX, CRLF"].Real(t) }

// TestFaultGrid: names have no check digit, so that a zone may come with the very
// fault that was made in them; all else is dropped.
func TestFaultGrid(t *testing.T) {
	for name, k := range kinds {
		t.Run(name, func(t *testing.T) { k.Grid(t, false) })
	}
}

func TestZone(t *testing.T) {
	for in, want := range map[string]string{
		td3:                               td3,
		strings.ReplaceAll(td1, "\n", ""): td1,
		"\x02" + strings.ReplaceAll(td2, "\n", "\r\n"):    td2,
		strings.Replace(td3, "L898902C3", "L898902C4", 1): "",
		td3[:60]: "",
		"KH4T":   "",
		"":       "",
	} {
		if got, ok := mrzreader.Zone([]byte(in)); string(got) != want || ok != (want != "") {
			t.Errorf("Zone(%q) = %q, %v, want %q", in, got, ok, want)
		}
	}
}

func TestOptions(t *testing.T) {
	for _, o := range []mrzreader.Opts{{Gap: -1}, {Lines: -time.Second}, {Reopen: -1}} {
		if d, err := mrzreader.New(link.Serial{Path: "/none"}, o); err == nil {
			t.Errorf("New with %+v = nil, want an error", o)
			_ = d.Halt()
		}
	}
}

// FuzzZone: a zone is as it was read, and stays a zone.
func FuzzZone(f *testing.F) {
	for _, s := range []string{td1, td2, td3, "\x02" + td3 + "\x03", strings.ReplaceAll(td1, "\n", ""), "P<\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		zone, ok := mrzreader.Zone(b)
		if !ok {
			return
		}
		if again, ok := mrzreader.Zone(zone); !ok || !bytes.Equal(again, zone) {
			t.Errorf("Zone(Zone(%q)) = %q, %v, want %q", b, again, ok, zone)
		}
	})
}
