package firmata_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"periph.io/x/conn/v3/gpio"

	"github.com/penjire/penjire/drivers/contact"
	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/emulator/fault"
	"github.com/penjire/penjire/drivers/emulator/firmataemu"
	"github.com/penjire/penjire/drivers/link/linktest"
)

var faults = map[string]fault.Fault{
	"drop":   {Kind: fault.Drop},
	"drop 3": {Kind: fault.Drop, N: 3},
	"flip":   {Kind: fault.Flip, Mask: 1 << door},
	"repeat": {Kind: fault.Repeat},
	"insert": {Kind: fault.Insert, N: 2, Mask: 0xFF},
	"zeros":  {Kind: fault.Insert, N: 3},
	"stall":  {Kind: fault.Stall, Delay: 3 * time.Second},
	"unplug": {Kind: fault.Call},
}

// grid runs f once for each fault at each of the first bytes of what crosses the
// line from then on.
func grid(t *testing.T, bytes map[fault.Way]int, f func(t *testing.T, g gridRig)) {
	for way, n := range bytes {
		for name, x := range faults {
			for at := range n {
				t.Run(fmt.Sprintf("way %d, %s at %d", way, name, at), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						board := new(firmataemu.Board)
						line := fault.On(board)
						s := linktest.Plug(t, "board", line)
						x := x
						x.Way, x.At, x.Do = way, at, s.Unplug
						f(t, gridRig{board, line, s, x})
					})
				})
			}
		}
	}
}

type gridRig struct {
	board *firmataemu.Board
	line  *fault.Line
	plug  *linktest.Socket
	fault fault.Fault
}

// settled returns the contact after some time, which is faked.
func settled(d *contact.Dev, after time.Duration) device.Contact {
	time.Sleep(after)
	synctest.Wait()
	c, _ := d.Contact()
	return c
}

// TestFaultsAreNoNews: whatever is lost, changed or invented on the line while
// nothing happens at the door, the door is never seen open; and when it is opened
// afterwards, it is seen within two seconds.
func TestFaultsAreNoNews(t *testing.T) {
	grid(t, map[fault.Way]int{fault.ToHost: 12, fault.ToDevice: 6}, func(t *testing.T, g gridRig) {
		g.board.Set(door, false)
		d, err := contact.New(drive(t, g.plug), contact.Opts{Kind: device.SensorDoor, Line: "D2", Pull: gpio.PullUp})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = d.Halt() }()
		if c := settled(d, 2*time.Second); c != device.ContactIdle {
			t.Fatalf("contact = %v, want idle", c)
		}
		g.line.Next(g.fault)
		settled(d, time.Second)
		g.plug.Replug()
		if c := settled(d, 2*time.Second+g.fault.Delay); c != device.ContactIdle || d.Tripped() {
			t.Errorf("contact after the fault = %v, tripped %v, want idle and not tripped", c, d.Tripped())
		}
		if n := len(g.line.Left()); n != 0 {
			t.Errorf("faults that did not happen: %d", n)
		}
		g.board.Set(door, true)
		if c := settled(d, 2*time.Second); c != device.ContactActive {
			t.Errorf("contact after the door was opened = %v, want active", c)
		}
	})
}

// TestFaultsAtAnOutput: Set that returns nil has set the pin, whatever happened on
// the line; and another Set, on the line opened anew where it must be, works.
func TestFaultsAtAnOutput(t *testing.T) {
	const lamp = 13
	grid(t, map[fault.Way]int{fault.ToHost: 9, fault.ToDevice: 8}, func(t *testing.T, g gridRig) {
		b := drive(t, g.plug)
		time.Sleep(time.Second)
		out, err := b.Output(t.Context(), "D13", gpio.Low)
		if err != nil {
			t.Fatalf("Output = %v, want nil", err)
		}
		g.line.Next(g.fault)
		begin := time.Now()
		err = out.Set(gpio.High)
		if took := time.Since(begin); took > 2*time.Second {
			t.Errorf("Set took %v, want its deadline kept", took)
		}
		if high, ok := g.board.Output(lamp); err == nil && (!high || !ok) {
			t.Errorf("Set = nil, and the pin is %v, output %v", high, ok)
		}
		if e, ok := errors.AsType[*device.Error](err); err != nil && !ok {
			t.Errorf("Set = %v, want a *device.Error", err)
		} else if high, _ := g.board.Output(lamp); err != nil && e.SideEffect == device.SideEffectNo && high {
			t.Errorf("Set = %v, and the pin is high", err)
		}
		time.Sleep(time.Second)
		g.plug.Replug()
		time.Sleep(2*time.Second + g.fault.Delay)
		if out.Set(gpio.High) != nil {
			if err := out.Close(); err != nil {
				t.Error(err)
			}
			if _, err = b.Output(t.Context(), "D13", gpio.High); err != nil {
				t.Fatalf("Output afterwards = %v, want nil", err)
			}
		}
		if high, ok := g.board.Output(lamp); !high || !ok {
			t.Errorf("afterwards the pin is %v, output %v, want high", high, ok)
		}
	})
}

// TestBoardMisbehaves: a board that was reset has forgotten its pins, one whose
// output is stuck says so, one that says nothing is not there.
func TestBoardMisbehaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		board := new(firmataemu.Board)
		b := drive(t, linktest.Plug(t, "board", board))
		d, err := contact.New(b, contact.Opts{Kind: device.SensorTamper, Line: "D2", Pull: gpio.PullUp})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = d.Halt() }()
		if c := settled(d, 2*time.Second); c != device.ContactActive {
			t.Errorf("contact of a cut wire = %v, want active: the pull-up is on", c)
		}
		board.Reset()
		if c := settled(d, time.Second); c != device.ContactActive {
			t.Errorf("contact of a cut wire after a reset = %v, want active: the pull-up is on again", c)
		}
		out, err := b.Output(t.Context(), "D13", gpio.High)
		if err != nil {
			t.Fatal(err)
		}
		board.Reset()
		synctest.Wait()
		if err := out.Set(gpio.High); !errors.Is(err, device.ErrProtocol) {
			t.Errorf("Set after a reset = %v, want ErrProtocol: it is no output any more", err)
		}
		if err := out.Close(); err != nil {
			t.Error(err)
		}
		if out, err = b.Output(t.Context(), "D13", gpio.High); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Input(t.Context(), "D13", gpio.Float); !errors.Is(err, device.ErrBusy) {
			t.Errorf("Input of an open line = %v, want ErrBusy", err)
		}
		board.Stick(true)
		if err := out.Set(gpio.Low); !errors.Is(err, device.ErrProtocol) {
			t.Errorf("Set of a stuck output = %v, want ErrProtocol", err)
		}
		board.Mute(true)
		if c := settled(d, 2*time.Second); c != device.ContactUnknown || b.Health() == device.Online {
			t.Errorf("with a silent board: contact %v, health %v, want unknown and not online", c, b.Health())
		}
	})
}
