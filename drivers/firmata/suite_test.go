package firmata_test

import (
	"errors"
	"testing"
	"time"

	"periph.io/x/conn/v3/gpio"

	"github.com/penjire/penjire/drivers/contact"
	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/devicetest"
	"github.com/penjire/penjire/drivers/emulator/firmataemu"
	"github.com/penjire/penjire/drivers/emulator/pty/ptytest"
	"github.com/penjire/penjire/drivers/firmata"
	"github.com/penjire/penjire/drivers/link"
	"github.com/penjire/penjire/drivers/link/linktest"
)

const door = 2

// hands are a switch's on an emulated board, and its cable's.
type hands struct {
	board          *firmataemu.Board
	unplug, replug func()
}

func (h hands) Set(active bool) { h.board.Set(door, active) }
func (h hands) Deaf(deaf bool)  { h.board.Deaf(deaf) }
func (h hands) Unplug()         { h.unplug() }
func (h hands) Replug()         { h.replug() }

// drive returns a driven board; it is halted when the test ends.
func drive(t *testing.T, port link.Port) *firmata.Board {
	b, err := firmata.New(port, firmata.Opts{})
	if err != nil {
		t.Fatalf("New = %v, want nil", err)
	}
	t.Cleanup(func() {
		if err := b.Halt(); err != nil {
			t.Errorf("Halt = %v, want nil", err)
		}
	})
	return b
}

func sensor(t *testing.T, port link.Port, h hands) devicetest.SensorRig {
	h.board.Set(door, false)
	d, err := contact.New(drive(t, port), contact.Opts{Kind: device.SensorDoor, Line: "D2", Pull: gpio.PullUp})
	if err != nil {
		t.Fatalf("New = %v, want nil", err)
	}
	t.Cleanup(func() {
		if err := d.Halt(); err != nil {
			t.Errorf("Halt = %v, want nil", err)
		}
	})
	rig := devicetest.SensorRig{Dev: d, Hands: h, Debounce: 20 * time.Millisecond}
	if devicetest.Lie() != "" {
		rig.Dev = liar{d}
	}
	return rig
}

func inMemory(t *testing.T) devicetest.SensorRig {
	board := new(firmataemu.Board)
	s := linktest.Plug(t, "board", board)
	return sensor(t, s, hands{board, s.Unplug, s.Replug})
}

func onPTY(t *testing.T) devicetest.SensorRig {
	board := new(firmataemu.Board)
	path, unplug, replug := ptytest.Attach(t, board)
	return sensor(t, link.Serial{Path: path, Baud: 57600}, hands{board, unplug, replug})
}

func TestSensorSuite(t *testing.T) { devicetest.Sensor(t, devicetest.Faked, inMemory) }

func TestSensorSuiteOnPTY(t *testing.T) { devicetest.Sensor(t, devicetest.Real, onPTY) }

// liar is a sensor that says idle where it does not know, forgets what tripped it,
// or has no Halt to speak of.
type liar struct{ *contact.Dev }

func (l liar) Contact() (device.Contact, time.Time) {
	c, at := l.Dev.Contact()
	if devicetest.Lie() == "unknown is idle" && c == device.ContactUnknown {
		c = device.ContactIdle
	}
	return c, at
}

func (l liar) Tripped() bool {
	if devicetest.Lie() == "trips and forgets" {
		c, _ := l.Dev.Contact()
		return c == device.ContactActive
	}
	return l.Dev.Tripped()
}

func (l liar) Health() device.Health {
	if devicetest.Lie() == "always well" {
		return device.Online
	}
	return l.Dev.Health()
}

func TestSensorSuiteCatches(t *testing.T) {
	devicetest.Caught(t, "TestSensorSuite", "unknown is idle", "trips and forgets", "always well")
}

func TestRefusesNonsense(t *testing.T) {
	if b, err := firmata.New(link.Serial{Path: "/nowhere"}, firmata.Opts{Poll: -1}); err == nil {
		t.Error("New with a negative time = nil, want an error")
		_ = b.Halt()
	}
	s := linktest.Plug(t, "board", new(firmataemu.Board))
	b := drive(t, s)
	for _, line := range []string{"", "2", "D", "D-1", "D128", "D02", "GPIO2"} {
		if _, err := b.Input(t.Context(), line, gpio.PullUp); err == nil {
			t.Errorf("Input(%q) = nil, want an error", line)
		}
	}
	if _, err := b.Input(t.Context(), "D2", gpio.PullDown); !errors.Is(err, device.ErrUnsupported) {
		t.Errorf("Input with a pull-down = %v, want ErrUnsupported", err)
	}
}
