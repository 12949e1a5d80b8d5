package devicetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/emulator/fault"
)

// GridRig is a reader with faults on its line.
type GridRig struct {
	ReaderRig
	Line *fault.Line
	// Got are the APDUs that the card was given.
	Got func() [][]byte
}

// Grid is one exchange of an APDU with a card: how many bytes cross the line each
// way, and what may happen to them.
type Grid struct {
	APDU             []byte
	ToDevice, ToHost int
	Faults           map[string]fault.Fault
}

// OfSerial are the faults of a serial line.
func OfSerial() map[string]fault.Fault {
	return map[string]fault.Fault{
		"drop":   {Kind: fault.Drop},
		"drop 3": {Kind: fault.Drop, N: 3},
		"flip":   {Kind: fault.Flip, Mask: 0x40},
		"repeat": {Kind: fault.Repeat},
		"insert": {Kind: fault.Insert, N: 2, Mask: 0xFF},
		"zeros":  {Kind: fault.Insert, N: 3},
		"stall":  {Kind: fault.Stall, Delay: 3 * time.Second},
		"unplug": {Kind: fault.Call},
	}
}

// OfBus are the faults of a bus with a clock: no byte is lost or made up on it.
func OfBus() map[string]fault.Fault {
	return map[string]fault.Fault{
		"flip":     {Kind: fault.Flip, Mask: 0x40},
		"flip all": {Kind: fault.Flip, Mask: 0xFF},
		"flip 3":   {Kind: fault.Flip, Mask: 0x01, N: 3},
		"stall":    {Kind: fault.Stall, Delay: 3 * time.Second},
		"unplug":   {Kind: fault.Call},
	}
}

// OfSocket are the faults of a socket: nothing is changed on it, and nothing is
// lost but all.
func OfSocket() map[string]fault.Fault {
	return map[string]fault.Fault{
		"stall":  {Kind: fault.Stall, Delay: 3 * time.Second},
		"unplug": {Kind: fault.Call},
	}
}

// CardReaderGrid hurts every byte of one exchange, both ways, in every manner, in
// faked time. Whatever happens: the answer is right or there is an error that
// does not deny what happened; the card is given the command at most once, and
// as it is; and the reader works again within five seconds, and a card that was
// never hurt gets its answer.
func CardReaderGrid(t *testing.T, g Grid, plug func(t *testing.T) GridRig) {
	for way, length := range map[fault.Way]int{fault.ToDevice: g.ToDevice, fault.ToHost: g.ToHost} {
		for name, f := range g.Faults {
			for at := range length {
				t.Run(fmt.Sprintf("way %d, %s at %d", way, name, at), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						r := plug(t)
						f := f
						f.Way, f.At, f.Do = way, at, r.Hands.Unplug
						hurtByte(t, r, g, f)
					})
				})
			}
		}
	}
}

func hurtByte(t *testing.T, r GridRig, g Grid, f fault.Fault) {
	want := append(bytes.Clone(g.APDU), 0x90, 0x00)
	r.limit = visible
	within(t, r.Dev, r.limit, "online", func() bool { return r.Dev.Health() == device.Online })
	c := insert(t, r.ReaderRig)
	before := r.Line.Count(f.Way)
	r.Line.Next(f)
	got, err := r.Dev.Transmit(t.Context(), c.Gen, g.APDU)
	if err == nil && !bytes.Equal(got, want) {
		t.Errorf("Transmit = % X, want % X or an error", got, want)
	}
	synctest.Wait() // what the driver said last may still be on its way
	if len(r.Line.Left()) > 0 && f.Kind != fault.Drop {
		t.Errorf("only %d bytes crossed: the fault never happened", r.Line.Count(f.Way)-before)
	}
	n := r.Hands.Count()
	if e, ok := errors.AsType[*device.Error](err); err != nil && (!ok || e.SideEffect == device.SideEffectNo && n > 0) {
		t.Errorf("Transmit = %v after %d APDUs, want an error that does not deny them", err, n)
	}
	if n > 1 {
		t.Errorf("card got %d APDUs, want at most 1", n)
	}
	for _, got := range r.Got() {
		if !bytes.Equal(got, g.APDU) {
			t.Errorf("card got % X, want % X or nothing", got, g.APDU)
		}
	}
	r.Hands.Replug()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second+2*f.Delay)
	defer cancel()
	for {
		c, err = r.Dev.Wait(ctx, 0)
		if err != nil {
			t.Fatalf("Wait afterwards = %v, want a card", err)
		}
		if got, err = r.Dev.Transmit(ctx, c.Gen, g.APDU); err == nil {
			break
		}
		if ctx.Err() != nil {
			t.Fatalf("Transmit afterwards = %v, want nil", err)
		}
	}
	if !bytes.Equal(got, want) {
		t.Errorf("Transmit afterwards = % X, want % X", got, want)
	}
}
