package registry

import (
	"encoding/json"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/pn532"
)

func openPN532(port string, options json.RawMessage) (device.Device, error) {
	var o struct {
		serialOptions
		PollMS    int `json:"poll_ms"`
		TimeoutMS int `json:"timeout_ms"`
		ReopenMS  int `json:"reopen_ms"`
	}
	if err := strict(options, &o); err != nil {
		return nil, err
	}
	p, err := o.port(port)
	if err != nil {
		return nil, err
	}
	return pn532.New(p, pn532.Opts{
		Poll: ms(o.PollMS), Timeout: ms(o.TimeoutMS), Reopen: ms(o.ReopenMS),
	})
}
