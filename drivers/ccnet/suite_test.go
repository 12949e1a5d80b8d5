package ccnet_test

import (
	"testing"
	"time"

	"github.com/penjire/penjire/drivers/ccnet"
	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/devicetest"
	emu "github.com/penjire/penjire/drivers/emulator/ccnet"
	"github.com/penjire/penjire/drivers/emulator/pty/ptytest"
	"github.com/penjire/penjire/drivers/link"
)

// manats are the worths of emu.Manats.
var manats = []device.Denom{
	{Currency: "TMT", Value: 100},
	{Currency: "TMT", Value: 500},
	{Currency: "TMT", Value: 1000},
	{Currency: "TMT", Value: 2000},
	{Currency: "TMT", Value: 5000},
	{Currency: "TMT", Value: 10000},
}

// hands are an emulated validator's, and its cable's.
type hands struct {
	*emu.Validator
	unplug, replug func()
}

func (h hands) Unplug() { h.unplug() }

func (h hands) Replug() {
	h.Heal()
	h.replug()
}

func (h hands) Insert(d device.Denom) bool {
	for i, m := range manats {
		if m == d {
			return h.Validator.Insert(i)
		}
	}
	return false
}

func denoms(types []int) (out []device.Denom) {
	for _, i := range types {
		out = append(out, manats[i])
	}
	return out
}

func (h hands) Inside() []device.Denom { return denoms(h.Cassette()) }
func (h hands) Back() []device.Denom   { return denoms(h.Validator.Back()) }

func (h hands) At(s devicetest.CashStep, f func()) { h.Validator.At(emu.Step(s), f) }

func (h hands) Next(m devicetest.CashMishap) {
	h.Inject(map[devicetest.CashMishap]emu.Fault{
		devicetest.CashRepeats:   emu.DeafToACK,
		devicetest.CashGarbled:   emu.Damage,
		devicetest.CashDumb:      emu.Mute,
		devicetest.CashObeysDumb: emu.MuteSTACK,
		devicetest.CashDeaf:      emu.DeafToSTACK,
		devicetest.CashMiscounts: emu.WrongWorth,
		devicetest.CashUnasked:   emu.StacksAlone,
	}[m])
}

func (h hands) Trouble(k device.CashKind) {
	switch k {
	case device.CashFull:
		h.Validator.Trouble(0x41)
	case device.CashRemoved:
		h.Validator.Trouble(0x42)
	case device.CashCheated:
		h.Cheat()
	default:
		h.Validator.Trouble(0)
	}
}

func drive(t *testing.T, port link.Port, o ccnet.Opts) *ccnet.Dev {
	d, err := ccnet.New(port, o)
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

func rig(t *testing.T, port link.Port, o ccnet.Opts, h hands) devicetest.CashRig {
	return devicetest.CashRig{
		Dev:    drive(t, port, o),
		Hands:  h,
		Again:  func() device.CashAcceptor { return drive(t, port, o) },
		Denoms: manats,
	}
}

// onPTY is one at a port of the kernel's.
func onPTY(t *testing.T, j device.CoinJournal) devicetest.CashRig {
	v := emu.New(emu.Manats, 10)
	path, unplug, replug := ptytest.Attach(t, v)
	// In haste, as real time passes: what is tested here is the way through the kernel.
	o := ccnet.Opts{Journal: j, Poll: 20 * time.Millisecond, Reopen: 50 * time.Millisecond}
	return rig(t, link.Serial{Path: path, Baud: 9600}, o, hands{v, unplug, replug})
}

func TestSuiteOnPTY(t *testing.T) { devicetest.Cash(t, devicetest.Real, onPTY) }
