package registry

import (
	"encoding/json"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/escpos"
)

func openESCPOS(port string, options json.RawMessage) (device.Device, error) {
	var o struct {
		serialOptions
		Profile   string `json:"profile"`
		Width     int    `json:"width"`
		DPI       int    `json:"dpi"`
		StatusMS  int    `json:"status_ms"`
		ReopenMS  int    `json:"reopen_ms"`
		ConfirmMS int    `json:"confirm_ms"`
		TakeMS    int    `json:"take_ms"`
	}
	if err := strict(options, &o); err != nil {
		return nil, err
	}
	p, err := o.port(port)
	if err != nil {
		return nil, err
	}
	return escpos.New(p, escpos.Opts{
		Profile: o.Profile, Width: o.Width, DPI: o.DPI,
		Status: ms(o.StatusMS), Reopen: ms(o.ReopenMS), Confirm: ms(o.ConfirmMS), Take: ms(o.TakeMS),
	})
}
