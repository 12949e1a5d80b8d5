package registry

import (
	"encoding/json"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/gm65"
)

func openGM65(port string, options json.RawMessage) (device.Device, error) {
	var o struct {
		scannerOptions
		Max     int  `json:"max"`
		Sound   bool `json:"sound"`
		AIM     bool `json:"aim"`
		CheckMS int  `json:"check_ms"`
	}
	if err := strict(options, &o); err != nil {
		return nil, err
	}
	p, err := o.port(port)
	if err != nil {
		return nil, err
	}
	return gm65.New(p, gm65.Opts{Max: o.Max, Sound: o.Sound, AIM: o.AIM, Check: ms(o.CheckMS), Reopen: ms(o.ReopenMS)})
}
