// Package codescannertest runs the suite of code scanners, and its fault grid, for a
// driver against the emulated scanner.
package codescannertest

import (
	"testing"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/devicetest"
	"github.com/penjire/penjire/drivers/emulator/codescanner"
	"github.com/penjire/penjire/drivers/emulator/pty/ptytest"
	"github.com/penjire/penjire/drivers/link"
	"github.com/penjire/penjire/drivers/link/linktest"
)

// Kind is a scanner and the driver for it.
type Kind struct {
	Scanner func() codescanner.Protocol
	Drive   func(link.Port) (device.CodeScanner, error)
	// As in devicetest.ScannerRig.
	Codes         []device.Code
	Long, TooMuch device.Code
	Mute, Lights  bool
}

// hands are an emulated scanner's, and its cable's.
type hands struct {
	*codescanner.Scanner
	unplug, replug func()
}

func (h hands) Unplug() { h.unplug() }
func (h hands) Replug() { h.replug() }

// rig drives the scanner at port, and halts the driver when t ends.
func (k Kind) rig(t *testing.T, port link.Port, h devicetest.ScannerHands) devicetest.ScannerRig {
	t.Helper()
	d, err := k.Drive(port)
	if err != nil {
		t.Fatalf("New = %v, want nil", err)
	}
	t.Cleanup(func() {
		if err := d.Halt(); err != nil {
			t.Errorf("Halt = %v, want nil", err)
		}
	})
	return devicetest.ScannerRig{Dev: d, Hands: h, Codes: k.Codes, Long: k.Long, TooMuch: k.TooMuch, Mute: k.Mute, Lights: k.Lights}
}

// Faked runs the suite over a line in memory, in faked time.
func (k Kind) Faked(t *testing.T) {
	devicetest.CodeScanner(t, devicetest.Faked, func(t *testing.T) devicetest.ScannerRig {
		emu := codescanner.New(k.Scanner())
		s := linktest.Plug(t, "scanner", emu)
		return k.rig(t, s, hands{emu, s.Unplug, s.Replug})
	})
}

// Real runs the suite over a pseudo-terminal, in real time, and checks that
// nothing is left open.
func (k Kind) Real(t *testing.T) {
	devicetest.CodeScanner(t, devicetest.Real, func(t *testing.T) devicetest.ScannerRig {
		emu := codescanner.New(k.Scanner())
		path, unplug, replug := ptytest.Attach(t, emu)
		return k.rig(t, link.Serial{Path: path}, hands{emu, unplug, replug})
	})
}
