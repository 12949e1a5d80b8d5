package pn532_test

import (
	"errors"
	"io/fs"
	"testing"
	"testing/synctest"
	"time"

	"periph.io/x/conn/v3/spi"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/devicetest"
	"github.com/penjire/penjire/drivers/emulator/fault"
	"github.com/penjire/penjire/drivers/emulator/pn532emu"
	"github.com/penjire/penjire/drivers/pn532"
)

// onSPI is a reader on an emulated bus, on which a chip that is idle says idle.
func onSPI(t *testing.T, s pn532emu.Server, idle byte) (*pn532emu.Bus, pn532.SPI) {
	b := pn532emu.OnBus(s, idle)
	t.Cleanup(b.End)
	return b, pn532.SPI{Name: "emulated bus", Bus: b.Open}
}

// TestSuiteOnSPI: the same driver on its other wires. What is clocked out after a
// frame is not in the manual: it must not matter.
func TestSuiteOnSPI(t *testing.T) {
	for name, idle := range map[string]byte{"idle 00": 0x00, "idle FF": 0xFF, "idle 55": 0x55} {
		t.Run(name, func(t *testing.T) {
			devicetest.CardReader(t, devicetest.Faked, func(t *testing.T) devicetest.ReaderRig {
				chip := new(pn532emu.Chip)
				b, port := onSPI(t, chip, idle)
				return devicetest.ReaderRig{Dev: drive(t, port), Hands: hands{chip, new(devicetest.Card), b.Unplug, b.Replug}}
			})
		})
	}
}

// TestFaultGridOnSPI is TestFaultGrid on the bus.
func TestFaultGridOnSPI(t *testing.T) {
	g := devicetest.Grid{
		APDU:     []byte{0x00, 0xCB, 0x3F, 0xFF, 0x02, 0x5C, 0x00},
		ToDevice: 17, ToHost: 6 + 19, Faults: devicetest.OfBus(),
	}
	devicetest.CardReaderGrid(t, g, func(t *testing.T) devicetest.GridRig {
		chip, c := new(pn532emu.Chip), new(devicetest.Card)
		line := fault.On(chip)
		b, port := onSPI(t, line, 0x00)
		return devicetest.GridRig{
			ReaderRig: devicetest.ReaderRig{Dev: drive(t, port), Hands: hands{chip, c, b.Unplug, b.Replug}},
			Line:      line, Got: c.APDUs,
		}
	})
}

// TestSPIWithoutBus: a bus that is not there is unplugged; one that cannot be used
// is something else.
func TestSPIWithoutBus(t *testing.T) {
	broken := errors.New("broken")
	for cause, want := range map[error]bool{fs.ErrNotExist: true, broken: false} {
		_, err := pn532.SPI{Name: "bus", Bus: func() (spi.PortCloser, error) { return nil, cause }}.Open(t.Context())
		if !errors.Is(err, cause) || errors.Is(err, device.ErrUnplugged) != want {
			t.Errorf("Open = %v, want %v, unplugged %v", err, cause, want)
		}
	}
}

// TestSPILine holds the line to the contract of lines.
func TestSPILine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, port := onSPI(t, new(pn532emu.Chip), 0x00)
		l, err := port.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		if err := l.SetReadDeadline(start.Add(20 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		if _, err := l.Read(make([]byte, 1)); !errors.Is(err, device.ErrTimeout) || time.Since(start) > 25*time.Millisecond {
			t.Errorf("Read = %v after %v, want ErrTimeout after 20 ms", err, time.Since(start))
		}
		if err := l.SetReadDeadline(time.Time{}); err != nil {
			t.Fatal(err)
		}
		read := make(chan error, 1)
		go func() { _, err := l.Read(make([]byte, 1)); read <- err }()
		time.Sleep(10 * time.Millisecond)
		b.Unplug()
		if err := <-read; !errors.Is(err, device.ErrUnplugged) {
			t.Errorf("Read from a bus without a chip = %v, want ErrUnplugged", err)
		}
		b.Replug()
		go func() { _, err := l.Read(make([]byte, 1)); read <- err }()
		time.Sleep(10 * time.Millisecond)
		if err := errors.Join(l.Close(), l.Close()); err != nil {
			t.Errorf("Close = %v, want nil", err)
		}
		if err := <-read; !errors.Is(err, device.ErrUnplugged) {
			t.Errorf("Read when closed = %v, want ErrUnplugged", err)
		}
	})
}
