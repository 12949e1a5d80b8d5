package escpos_test

import (
	"testing"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/devicetest"
	"github.com/penjire/penjire/drivers/emulator/printer"
	"github.com/penjire/penjire/drivers/escpos"
	"github.com/penjire/penjire/drivers/link"
	"github.com/penjire/penjire/drivers/link/linktest"
)

func replugged(t *testing.T, p link.Port, o escpos.Opts) *escpos.Dev {
	t.Helper()
	d, err := escpos.New(p, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Halt(); err != nil {
			t.Errorf("Halt = %v, want nil", err)
		}
	})
	return d
}

func TestTenThousandReplugs(t *testing.T) {
	devicetest.Replugs(t, devicetest.Faked, 10_000, func(t *testing.T) (device.Watcher, devicetest.Cable) {
		s := linktest.Plug(t, "printer", printer.New(printer.Opts{}))
		return replugged(t, s, escpos.Opts{}), s
	})
}

func TestReplugsOnPTY(t *testing.T) {
	devicetest.Replugs(t, devicetest.Real, 200, func(t *testing.T) (device.Watcher, devicetest.Cable) {
		path, cable := devicetest.Attach(t, printer.New(printer.Opts{}))
		return replugged(t, link.Serial{Path: path}, escpos.Opts{Status: 10 * time.Millisecond, Reopen: 5 * time.Millisecond}), cable
	})
}
