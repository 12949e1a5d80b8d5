package registry

import (
	"encoding/json"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/link"
	"github.com/penjire/penjire/drivers/pn532"
)

func openPN532(port string, options json.RawMessage) (device.Device, error) {
	var o struct {
		Baud      int `json:"baud"`
		PollMS    int `json:"poll_ms"`
		TimeoutMS int `json:"timeout_ms"`
		ReopenMS  int `json:"reopen_ms"`
	}
	if err := strict(options, &o); err != nil {
		return nil, err
	}
	return pn532.New(link.Serial{Path: port, Baud: o.Baud}, pn532.Opts{
		Poll: ms(o.PollMS), Timeout: ms(o.TimeoutMS), Reopen: ms(o.ReopenMS),
	})
}
