package crt591_test

import (
	"testing"
	"time"

	"github.com/penjire/penjire/drivers/crt591"
	"github.com/penjire/penjire/drivers/devicetest"
	"github.com/penjire/penjire/drivers/emulator/crt591emu"
	"github.com/penjire/penjire/drivers/emulator/pty/ptytest"
	"github.com/penjire/penjire/drivers/link"
	"github.com/penjire/penjire/drivers/link/linktest"
)

// hands are an emulated unit's, and its cable's.
type hands struct {
	t              *testing.T
	unit           *crt591emu.Unit
	card           *devicetest.Card
	unplug, replug func()
}

func (h hands) Insert() {
	if !h.unit.Insert(h.card) {
		h.t.Error("the gate is shut")
	}
}
func (h hands) Remove()    { h.unit.Remove() }
func (h hands) Unplug()    { h.unplug() }
func (h hands) Replug()    { h.replug() }
func (h hands) Count() int { return h.unit.Count() }

func (h hands) Next(m devicetest.Mishap) {
	if m == devicetest.CablePulled {
		h.card.Do(h.unplug)
		return
	}
	h.unit.Inject(map[devicetest.Mishap]crt591emu.Fault{
		devicetest.PulledBefore: crt591emu.PullBefore,
		devicetest.PulledAfter:  crt591emu.PullAfter,
		devicetest.Silence:      crt591emu.Mute,
		devicetest.Deafness:     crt591emu.Deaf,
		devicetest.Garbled:      crt591emu.DamageAll,
		devicetest.StaleFirst:   crt591emu.Stale,
		devicetest.GarbledOnce:  crt591emu.DamageOnce,
		devicetest.TooLate:      crt591emu.Late,
	}[m])
}

func drive(t *testing.T, port link.Port, o crt591.Opts) *crt591.Dev {
	o.Timeout, o.Poll = 600*time.Millisecond, 50*time.Millisecond
	d, err := crt591.New(port, o)
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

// What a unit carries (3.2.4).
const (
	longest = 261
	answer  = 258
)

func TestSuite(t *testing.T) {
	for name, k := range map[string]struct {
		u crt591emu.Opts
		o crt591.Opts
	}{
		"over the air":           {},
		"type B, head E":         {u: crt591emu.Opts{TypeB: true, HeadE: true}},
		"contacts, T=1":          {u: crt591emu.Opts{Contacts: true}},
		"contacts, T=0, at once": {u: crt591emu.Opts{Contacts: true, T0: true, Addr: 5}, o: crt591.Opts{Addr: 5, NoAntenna: true}},
	} {
		t.Run(name, func(t *testing.T) {
			devicetest.CardReader(t, devicetest.Faked, func(t *testing.T) devicetest.ReaderRig {
				u := crt591emu.New(k.u)
				s := linktest.Plug(t, "reader", u)
				return devicetest.ReaderRig{
					Dev: drive(t, s, k.o), Hands: hands{t, u, new(devicetest.Card), s.Unplug, s.Replug},
					Contacts: k.u.Contacts, Longest: longest, Answer: answer,
				}
			})
		})
	}
}

func TestSuiteOnPTY(t *testing.T) {
	devicetest.CardReader(t, devicetest.Real, func(t *testing.T) devicetest.ReaderRig {
		u := crt591emu.New(crt591emu.Opts{})
		path, unplug, replug := ptytest.Attach(t, u)
		return devicetest.ReaderRig{
			Dev: drive(t, link.Serial{Path: path, Baud: 9600}, crt591.Opts{}), Longest: longest, Answer: answer,
			Hands: hands{t, u, new(devicetest.Card), unplug, replug},
		}
	})
}
