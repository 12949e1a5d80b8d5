package registry

import (
	"encoding/json"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/modem"
)

func openModem(port string, options json.RawMessage) (device.Device, error) {
	var o struct {
		serialOptions
		PollMS    int    `json:"poll_ms"`
		ReopenMS  int    `json:"reopen_ms"`
		NetworkMS int    `json:"network_ms"`
		PIN       string `json:"pin"` // of the SIM
	}
	if err := strict(options, &o); err != nil {
		return nil, err
	}
	p, err := o.port(port)
	if err != nil {
		return nil, err
	}
	return modem.New(p, modem.Opts{
		Poll: ms(o.PollMS), Reopen: ms(o.ReopenMS), Network: ms(o.NetworkMS), PIN: o.PIN,
	})
}
