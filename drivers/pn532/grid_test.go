package pn532_test

import (
	"testing"

	"github.com/penjire/penjire/drivers/devicetest"
	"github.com/penjire/penjire/drivers/emulator/fault"
	"github.com/penjire/penjire/drivers/emulator/pn532emu"
	"github.com/penjire/penjire/drivers/link/linktest"
)

// TestFaultGrid hurts every byte of one exchange. Command: 8 bytes around 2+7;
// answer: ACK, then 8 around 2+9.
func TestFaultGrid(t *testing.T) {
	g := devicetest.Grid{
		APDU:     []byte{0x00, 0xCB, 0x3F, 0xFF, 0x02, 0x5C, 0x00},
		ToDevice: 17, ToHost: 6 + 19, Faults: devicetest.OfSerial(),
	}
	devicetest.CardReaderGrid(t, g, func(t *testing.T) devicetest.GridRig {
		chip, c := new(pn532emu.Chip), new(devicetest.Card)
		line := fault.On(chip)
		s := linktest.Plug(t, "reader", line)
		return devicetest.GridRig{
			ReaderRig: devicetest.ReaderRig{Dev: drive(t, s), Hands: hands{chip, c, s.Unplug, s.Replug}},
			Line:      line, Got: c.APDUs,
		}
	})
}
