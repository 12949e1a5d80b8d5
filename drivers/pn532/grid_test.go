package pn532_test

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
	"github.com/penjire/penjire/drivers/emulator/pn532emu"
	"github.com/penjire/penjire/drivers/link/linktest"
)

// TestFaultGrid hurts every byte of one exchange, both ways, in every manner.
// Whatever happens: the answer is right or there is an error; the card is given
// the command at most once; and the reader works again within two seconds.
func TestFaultGrid(t *testing.T) {
	apdu := []byte{0x00, 0xCB, 0x3F, 0xFF, 0x02, 0x5C, 0x00}
	want := append(bytes.Clone(apdu), 0x90, 0x00)
	faults := map[string]fault.Fault{
		"drop":   {Kind: fault.Drop},
		"drop 3": {Kind: fault.Drop, N: 3},
		"flip":   {Kind: fault.Flip, Mask: 0x40},
		"repeat": {Kind: fault.Repeat},
		"insert": {Kind: fault.Insert, N: 2, Mask: 0xFF},
		"zeros":  {Kind: fault.Insert, N: 3},
		"stall":  {Kind: fault.Stall, Delay: 3 * time.Second},
		"unplug": {Kind: fault.Call},
	}
	// Command: 8 bytes around 2+7; answer: ACK, then 8 around 2+9.
	for way, length := range map[fault.Way]int{fault.ToDevice: 17, fault.ToHost: 6 + 19} {
		for name, f := range faults {
			for at := range length {
				t.Run(fmt.Sprintf("way %d, %s at %d", way, name, at), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						chip := new(pn532emu.Chip)
						line := fault.On(chip)
						s := linktest.Plug(t, "reader", line)
						d := drive(t, s)
						card := new(card)
						chip.Insert(card)
						c, err := d.Wait(t.Context(), 0)
						if err != nil {
							t.Fatal(err)
						}
						f := f
						f.Way, f.At, f.Do = way, at, s.Unplug
						line.Next(f)
						got, err := d.Transmit(t.Context(), c.Gen, apdu)
						if err == nil && !bytes.Equal(got, want) {
							t.Errorf("Transmit = % X, want % X or an error", got, want)
						}
						if e, ok := errors.AsType[*device.Error](err); err != nil && (!ok || e.SideEffect == device.SideEffectNo && chip.Count() > 0) {
							t.Errorf("Transmit = %v after %d APDUs, want an error that does not deny them", err, chip.Count())
						}
						if n := chip.Count(); n > 1 {
							t.Errorf("card got %d APDUs, want at most 1", n)
						}
						card.mu.Lock()
						for _, got := range card.got {
							if !bytes.Equal(got, apdu) {
								t.Errorf("card got % X, want % X or nothing", got, apdu)
							}
						}
						card.mu.Unlock()
						s.Replug()
						ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second+2*f.Delay)
						defer cancel()
						for {
							c, err = d.Wait(ctx, 0)
							if err != nil {
								t.Fatalf("Wait afterwards = %v, want a card", err)
							}
							if got, err = d.Transmit(ctx, c.Gen, apdu); err == nil {
								break
							}
							if ctx.Err() != nil {
								t.Fatalf("Transmit afterwards = %v, want nil", err)
							}
						}
						if !bytes.Equal(got, want) {
							t.Errorf("Transmit afterwards = % X, want % X", got, want)
						}
					})
				})
			}
		}
	}
}
