package registry

import (
	"encoding/json"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/escpos"
	"github.com/penjire/penjire/drivers/link"
)

func openESCPOS(port string, options json.RawMessage) (device.Device, error) {
	var o struct {
		Baud      int `json:"baud"`
		Width     int `json:"width"`
		DPI       int `json:"dpi"`
		StatusMS  int `json:"status_ms"`
		ReopenMS  int `json:"reopen_ms"`
		ConfirmMS int `json:"confirm_ms"`
	}
	if err := strict(options, &o); err != nil {
		return nil, err
	}
	return escpos.New(link.Serial{Path: port, Baud: o.Baud}, escpos.Opts{
		Width: o.Width, DPI: o.DPI, Status: ms(o.StatusMS), Reopen: ms(o.ReopenMS), Confirm: ms(o.ConfirmMS),
	})
}
