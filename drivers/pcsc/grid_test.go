package pcsc_test

import (
	"testing"

	"github.com/penjire/penjire/drivers/devicetest"
	"github.com/penjire/penjire/drivers/emulator/fault"
	"github.com/penjire/penjire/drivers/emulator/pcscd"
	"github.com/penjire/penjire/drivers/pcsc"
)

// TestFaultGrid ends the daemon, or makes it slow, at every byte of one exchange:
// header, struct and APDU there; struct and response back.
func TestFaultGrid(t *testing.T) {
	g := devicetest.Grid{
		APDU:     []byte{0x00, 0xCB, 0x3F, 0xFF, 0x02, 0x5C, 0x00},
		ToDevice: pcsc.HeaderSize + pcsc.TransmitSize + 7, ToHost: pcsc.TransmitSize + 9, Faults: devicetest.OfSocket(),
	}
	devicetest.CardReaderGrid(t, g, func(t *testing.T) devicetest.GridRig {
		d, c := pcscd.New(pcscd.Opts{}), new(devicetest.Card)
		line := fault.On(d)
		m := pcscd.InMemory(line)
		t.Cleanup(m.Close)
		return devicetest.GridRig{
			ReaderRig: devicetest.ReaderRig{Dev: drive(t, m, pcsc.Opts{}), Hands: hands{d, c, m.Stop, m.Start}},
			Line:      line, Got: c.APDUs,
		}
	})
}
