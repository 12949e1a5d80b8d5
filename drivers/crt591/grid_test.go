package crt591_test

import (
	"testing"

	"github.com/penjire/penjire/drivers/crt591"
	"github.com/penjire/penjire/drivers/devicetest"
	"github.com/penjire/penjire/drivers/emulator/crt591emu"
	"github.com/penjire/penjire/drivers/emulator/fault"
	"github.com/penjire/penjire/drivers/link/linktest"
)

// TestFaultGrid hurts every byte of one exchange. Command: 6 bytes around 3+7,
// then the ACK of the answer, whose loss nobody notices; answer: ACK, then 6
// around 6+9.
func TestFaultGrid(t *testing.T) {
	g := devicetest.Grid{
		APDU:     []byte{0x00, 0xCB, 0x3F, 0xFF, 0x02, 0x5C, 0x00},
		ToDevice: 16 + 1, ToHost: 1 + 21, Faults: devicetest.OfSerial(),
	}
	devicetest.CardReaderGrid(t, g, func(t *testing.T) devicetest.GridRig {
		u, c := crt591emu.New(crt591emu.Opts{}), new(devicetest.Card)
		line := fault.On(u)
		s := linktest.Plug(t, "reader", line)
		return devicetest.GridRig{
			ReaderRig: devicetest.ReaderRig{Dev: drive(t, s, crt591.Opts{}), Hands: hands{t, u, c, s.Unplug, s.Replug}},
			Line:      line, Got: c.APDUs,
		}
	})
}
