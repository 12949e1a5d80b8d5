package escpos_test

import (
	"image"
	"testing"
	"time"

	"github.com/penjire/penjire/drivers/devicetest"
	"github.com/penjire/penjire/drivers/emulator/printer"
	"github.com/penjire/penjire/drivers/escpos"
	"github.com/penjire/penjire/drivers/link"
	"github.com/penjire/penjire/drivers/link/linktest"
)

// hands are an emulated printer's, and its cable's.
type hands struct {
	*printer.Printer
	unplug, replug func()
}

func (h hands) Unplug() { h.unplug() }
func (h hands) Replug() { h.replug() }
func (h hands) Mute()   { h.SetLie(printer.NeverConfirms) }

func (h hands) Papers() []image.Image {
	var out []image.Image
	for _, p := range h.Printer.Papers() {
		out = append(out, p.Image())
	}
	return out
}

// confirm is short, so that a printer that never confirms is found out soon.
const confirm = 1500 * time.Millisecond

func drive(t *testing.T, port link.Port) *escpos.Dev { return driveAs(t, port, "") }

func driveAs(t *testing.T, port link.Port, profile string) *escpos.Dev {
	t.Helper()
	d, err := escpos.New(port, escpos.Opts{Confirm: confirm, Profile: profile})
	if err != nil {
		t.Fatalf("New = %v, want nil", err)
	}
	t.Cleanup(func() {
		if err := d.Halt(); err != nil {
			t.Errorf("Halt = %v, want nil", err)
		}
	})
	return d
}

// inMemory plugs a printer in over a pipe.
func inMemory(o printer.Opts) func(t *testing.T) devicetest.PrinterRig {
	return func(t *testing.T) devicetest.PrinterRig {
		p := printer.New(o)
		s := linktest.Plug(t, "printer", p)
		return devicetest.PrinterRig{Dev: drive(t, s), Hands: hands{p, s.Unplug, s.Replug}}
	}
}

// models are printers that know more or less of the language.
var models = map[string]printer.Opts{
	"knows all":        {Speed: 200},
	"at once":          {},
	"no process id":    {Speed: 200, NoProcessID: true},
	"no status back":   {Speed: 200, NoASB: true},
	"58 mm":            {Speed: 100},
	"large buffer":     {Speed: 200, Buffer: 64 << 10},
	"small buffer":     {Speed: 200, Buffer: 128},
	"no id, no status": {Speed: 200, NoProcessID: true, NoASB: true},
}

func TestSuite(t *testing.T) {
	for name, o := range models {
		t.Run(name, func(t *testing.T) {
			devicetest.Printer(t, devicetest.Faked, inMemory(o))
		})
	}
}

// modelOf returns the emulated printer that a profile is for, fast or as given.
func modelOf(t *testing.T, profile string, speed float64) *printer.Printer {
	t.Helper()
	o, ok := printer.Model(profile)
	if !ok {
		t.Fatalf("no emulated printer for profile %s", profile)
	}
	o.Speed = speed
	return printer.New(o)
}

// TestSuiteOfProfiles: every profile passes on the printer it is for.
func TestSuiteOfProfiles(t *testing.T) {
	for _, name := range escpos.Profiles() {
		t.Run(name, func(t *testing.T) {
			devicetest.Printer(t, devicetest.Faked, func(t *testing.T) devicetest.PrinterRig {
				p := modelOf(t, name, 200)
				t.Cleanup(func() {
					if u := p.Unknown(); len(u) > 0 {
						t.Errorf("commands that the printer does not know: %q", u)
					}
				})
				s := linktest.Plug(t, "printer", p)
				return devicetest.PrinterRig{Dev: driveAs(t, s, name), Hands: hands{p, s.Unplug, s.Replug}}
			})
		})
	}
}
