package upsline_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/penjire/penjire/drivers/contact"
	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/devicetest"
	"github.com/penjire/penjire/drivers/emulator/firmataemu"
	"github.com/penjire/penjire/drivers/firmata"
	"github.com/penjire/penjire/drivers/link/linktest"
	"github.com/penjire/penjire/drivers/upsline"
)

const good = 6

// hands are a supply's, with its power-good signal on an I/O board.
type hands struct {
	board *firmataemu.Board
	plug  *linktest.Socket
}

func (h hands) Mains(on bool) { h.board.Set(good, on) }
func (h hands) Unplug()       { h.plug.Unplug() }
func (h hands) Replug()       { h.plug.Replug() }

func rig(t *testing.T) devicetest.PowerRig {
	board := new(firmataemu.Board)
	board.Set(good, true)
	s := linktest.Plug(t, "board", board)
	b, err := firmata.New(s, firmata.Opts{})
	if err != nil {
		t.Fatal(err)
	}
	d, err := upsline.New(b, contact.Opts{Line: "D6", ActiveLow: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = d.Halt(), b.Halt() })
	return devicetest.PowerRig{Dev: d, Hands: hands{board, s}}
}

func TestSuite(t *testing.T) { devicetest.PowerMonitor(t, devicetest.Faked, rig) }

// TestMainsFailInTime: over an I/O board, too, the signal has 20 ms.
func TestMainsFailInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rig(t)
		time.Sleep(2 * time.Second)
		r.Hands.Mains(false)
		time.Sleep(20 * time.Millisecond)
		if p, err := r.Dev.Power(t.Context()); err != nil || p.Source != device.PowerBattery {
			t.Errorf("Power 20 ms after the mains fail = %+v, %v, want the battery", p, err)
		}
	})
}
