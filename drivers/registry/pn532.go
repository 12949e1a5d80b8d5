package registry

import (
	"encoding/json"
	"fmt"
	"os"

	"periph.io/x/conn/v3/physic"
	"periph.io/x/conn/v3/spi"
	"periph.io/x/host/v3/sysfs"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/link"
	"github.com/penjire/penjire/drivers/pn532"
)

// pn532Options are the chip's, whatever its wires.
type pn532Options struct {
	PollMS    int `json:"poll_ms"`
	TimeoutMS int `json:"timeout_ms"`
	ReopenMS  int `json:"reopen_ms"`
}

func (o pn532Options) open(p link.Port) (device.Device, error) {
	return pn532.New(p, pn532.Opts{Poll: ms(o.PollMS), Timeout: ms(o.TimeoutMS), Reopen: ms(o.ReopenMS)})
}

func openPN532(port string, options json.RawMessage) (device.Device, error) {
	var o struct {
		serialOptions
		pn532Options
	}
	if err := strict(options, &o); err != nil {
		return nil, err
	}
	p, err := o.port(port)
	if err != nil {
		return nil, err
	}
	return o.open(p)
}

// openPN532OnSPI takes the kernel's name of bus and chip select as its port:
// /dev/spidev0.1.
func openPN532OnSPI(port string, options json.RawMessage) (device.Device, error) {
	var o struct {
		pn532Options
		KHz int `json:"khz"`
	}
	if err := strict(options, &o); err != nil {
		return nil, err
	}
	var bus, chip int
	if n, _ := fmt.Sscanf(port, "/dev/spidev%d.%d", &bus, &chip); n != 2 || fmt.Sprintf("/dev/spidev%d.%d", bus, chip) != port {
		return nil, fmt.Errorf("port: got %q, want /dev/spidev and the numbers of bus and chip", port)
	}
	if o.KHz < 0 || o.KHz > 5000 {
		return nil, fmt.Errorf("khz: got %d, want 1 to 5000, or 0 for 1000", o.KHz)
	}
	return o.open(pn532.SPI{
		Name: port, Speed: physic.Frequency(o.KHz) * physic.KiloHertz,
		Bus: func() (spi.PortCloser, error) {
			if _, err := os.Stat(port); err != nil {
				return nil, err // periph's own error does not say that it is not there
			}
			return sysfs.NewSPI(bus, chip)
		},
	})
}
