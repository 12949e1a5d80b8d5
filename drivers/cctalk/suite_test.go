package cctalk_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/penjire/penjire/drivers/cctalk"
	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/devicetest"
	emu "github.com/penjire/penjire/drivers/emulator/cctalk"
	"github.com/penjire/penjire/drivers/emulator/pty/ptytest"
	"github.com/penjire/penjire/drivers/link"
	"github.com/penjire/penjire/drivers/link/linktest"
)

// Names and worths of the coins.
var (
	names  = []string{"TM010A", "TM020A", "TM050A", "TM100A", "......"}
	coins  = []device.Denom{{Currency: "TMT", Value: 10}, {Currency: "TMT", Value: 20}, {Currency: "TMT", Value: 50}, {Currency: "TMT", Value: 100}}
	checks = map[string]cctalk.Check{"sum": cctalk.Sum, "crc": cctalk.CRC}
)

// hands are an emulated acceptor's, and its cable's.
type hands struct {
	*emu.Acceptor
	unplug, replug func()
}

func (h hands) Unplug() { h.unplug() }

func (h hands) Replug() {
	h.Heal()
	h.replug()
}

func (h hands) Insert(d device.Denom) bool { return h.Acceptor.Insert(slices.Index(coins, d) + 1) }

func denoms(positions []int) (out []device.Denom) {
	for _, p := range positions {
		out = append(out, coins[p-1])
	}
	return out
}

func (h hands) Inside() []device.Denom { return denoms(h.Acceptor.Inside()) }
func (h hands) Back() []device.Denom   { return denoms(h.Acceptor.Back()) }

func (h hands) At(s devicetest.CashStep, f func()) {
	h.Acceptor.At(emu.Step(s-devicetest.CashInside)+emu.StepInside, f)
}

func (h hands) Next(m devicetest.CashMishap) {
	h.Inject(map[devicetest.CashMishap]emu.Fault{
		devicetest.CashRepeats: emu.Stale, devicetest.CashGarbled: emu.Damage, devicetest.CashDumb: emu.Mute,
	}[m])
}

func (h hands) Trouble(k device.CashKind) {
	if k == device.CashCheated {
		h.Acceptor.Trouble(20)
	}
}

func drive(t *testing.T, port link.Port, o cctalk.Opts) *cctalk.Dev {
	d, err := cctalk.New(port, o)
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

func rig(t *testing.T, port link.Port, o cctalk.Opts, h hands) devicetest.CashRig {
	return devicetest.CashRig{
		Dev:    drive(t, port, o),
		Hands:  h,
		Again:  func() device.CashAcceptor { return drive(t, port, o) },
		Denoms: coins,
		Coins:  true,
	}
}

func inMemory(c cctalk.Check) func(t *testing.T, j device.CoinJournal) devicetest.CashRig {
	return func(t *testing.T, j device.CoinJournal) devicetest.CashRig {
		a := emu.New(emu.Opts{Coins: names, Check: c})
		s := linktest.Plug(t, "coins", a)
		return rig(t, s, cctalk.Opts{Journal: j, Check: c}, hands{a, s.Unplug, s.Replug})
	}
}

// onPTY is one at a port of the kernel's.
func onPTY(t *testing.T, j device.CoinJournal) devicetest.CashRig {
	a := emu.New(emu.Opts{Coins: names, Haste: 10})
	path, unplug, replug := ptytest.Attach(t, a)
	o := cctalk.Opts{Journal: j, Poll: 20 * time.Millisecond, Reopen: 50 * time.Millisecond, Settle: 100 * time.Millisecond}
	return rig(t, link.Serial{Path: path, Baud: 9600}, o, hands{a, unplug, replug})
}

func TestSuite(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(checks)) {
		t.Run(name, func(t *testing.T) { devicetest.Cash(t, devicetest.Faked, inMemory(checks[name])) })
	}
}

func TestSuiteOnPTY(t *testing.T) { devicetest.Cash(t, devicetest.Real, onPTY) }
