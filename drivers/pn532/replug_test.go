package pn532_test

import (
	"testing"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/devicetest"
	"github.com/penjire/penjire/drivers/emulator/pn532emu"
	"github.com/penjire/penjire/drivers/link"
	"github.com/penjire/penjire/drivers/link/linktest"
	"github.com/penjire/penjire/drivers/pn532"
)

func reader(t *testing.T, p link.Port, o pn532.Opts) *pn532.Dev {
	t.Helper()
	d, err := pn532.New(p, o)
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
		s := linktest.Plug(t, "reader", new(pn532emu.Chip))
		return reader(t, s, pn532.Opts{}), s
	})
}

func TestReplugsOnPTY(t *testing.T) {
	devicetest.Replugs(t, devicetest.Real, 200, func(t *testing.T) (device.Watcher, devicetest.Cable) {
		path, cable := devicetest.Attach(t, new(pn532emu.Chip))
		return reader(t, link.Serial{Path: path}, pn532.Opts{Poll: 10 * time.Millisecond, Reopen: 5 * time.Millisecond}), cable
	})
}
