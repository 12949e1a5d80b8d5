package registry

import (
	"encoding/json"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/link"
	"github.com/penjire/penjire/drivers/pcsc"
)

// openPCSC takes pcscd's socket as its port.
func openPCSC(port string, options json.RawMessage) (device.Device, error) {
	var o struct {
		Reader    string `json:"reader"`
		Shared    bool   `json:"shared"`
		TimeoutMS int    `json:"timeout_ms"`
		ReopenMS  int    `json:"reopen_ms"`
		RetryMS   int    `json:"retry_ms"`
	}
	if err := strict(options, &o); err != nil {
		return nil, err
	}
	return pcsc.New(link.Unix{Path: port}, pcsc.Opts{
		Reader: o.Reader, Shared: o.Shared, Timeout: ms(o.TimeoutMS), Reopen: ms(o.ReopenMS), Retry: ms(o.RetryMS),
	})
}
