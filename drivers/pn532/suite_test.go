package pn532_test

import (
	"testing"
	"time"

	"github.com/penjire/penjire/drivers/devicetest"
	"github.com/penjire/penjire/drivers/emulator/pn532emu"
	"github.com/penjire/penjire/drivers/emulator/pty/ptytest"
	"github.com/penjire/penjire/drivers/link"
	"github.com/penjire/penjire/drivers/link/linktest"
	"github.com/penjire/penjire/drivers/pn532"
)

// hands are an emulated reader's, and its cable's.
type hands struct {
	chip           *pn532emu.Chip
	card           *devicetest.Card
	unplug, replug func()
}

func (h hands) Insert()    { h.chip.Insert(h.card) }
func (h hands) Remove()    { h.chip.Remove() }
func (h hands) Unplug()    { h.unplug() }
func (h hands) Replug()    { h.replug() }
func (h hands) Count() int { return h.chip.Count() }

func (h hands) Next(m devicetest.Mishap) {
	if m == devicetest.CablePulled {
		h.card.Do(h.unplug)
		return
	}
	h.chip.Inject(map[devicetest.Mishap]pn532emu.Fault{
		devicetest.PulledBefore: pn532emu.PullBefore,
		devicetest.PulledAfter:  pn532emu.PullAfter,
		devicetest.Silence:      pn532emu.Mute,
		devicetest.Deafness:     pn532emu.NoACK,
		devicetest.Garbled:      pn532emu.DamageTwice,
		devicetest.StaleFirst:   pn532emu.Stale,
		devicetest.GarbledOnce:  pn532emu.DamageOnce,
		devicetest.TooLate:      pn532emu.Late,
	}[m])
}

func drive(t *testing.T, port link.Port) *pn532.Dev {
	d, err := pn532.New(port, pn532.Opts{Timeout: 600 * time.Millisecond, Poll: 50 * time.Millisecond})
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

func inMemory(t *testing.T) devicetest.ReaderRig {
	chip := new(pn532emu.Chip)
	s := linktest.Plug(t, "reader", chip)
	return devicetest.ReaderRig{Dev: drive(t, s), Hands: hands{chip, new(devicetest.Card), s.Unplug, s.Replug}}
}

func onPTY(t *testing.T) devicetest.ReaderRig {
	chip := new(pn532emu.Chip)
	path, unplug, replug := ptytest.Attach(t, chip)
	return devicetest.ReaderRig{
		Dev:   drive(t, link.Serial{Path: path}),
		Hands: hands{chip, new(devicetest.Card), unplug, replug},
	}
}

func TestSuite(t *testing.T) { devicetest.CardReader(t, devicetest.Faked, inMemory) }

func TestSuiteOnPTY(t *testing.T) { devicetest.CardReader(t, devicetest.Real, onPTY) }
