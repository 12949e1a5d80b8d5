package registry

import (
	"encoding/json"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/ssi"
)

func openSSI(port string, options json.RawMessage) (device.Device, error) {
	var o struct {
		scannerOptions
		Max     int  `json:"max"`
		Beep    bool `json:"beep"`
		Keep    bool `json:"keep"`
		CheckMS int  `json:"check_ms"`
	}
	if err := strict(options, &o); err != nil {
		return nil, err
	}
	p, err := o.port(port)
	if err != nil {
		return nil, err
	}
	return ssi.New(p, ssi.Opts{Max: o.Max, Beep: o.Beep, Keep: o.Keep, Check: ms(o.CheckMS), Reopen: ms(o.ReopenMS)})
}
