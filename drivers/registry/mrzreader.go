package registry

import (
	"encoding/json"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/mrzreader"
)

func openMRZReader(port string, options json.RawMessage) (device.Device, error) {
	var o struct {
		scannerOptions
		GapMS   int  `json:"gap_ms"`
		LinesMS int  `json:"lines_ms"`
		Own     bool `json:"own"`
	}
	if err := strict(options, &o); err != nil {
		return nil, err
	}
	p, err := o.port(port)
	if err != nil {
		return nil, err
	}
	return mrzreader.New(p, mrzreader.Opts{Gap: ms(o.GapMS), Lines: ms(o.LinesMS), Own: o.Own, Reopen: ms(o.ReopenMS)})
}
