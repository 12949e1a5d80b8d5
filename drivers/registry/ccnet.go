package registry

import (
	"encoding/json"

	"github.com/penjire/penjire/drivers/ccnet"
	"github.com/penjire/penjire/drivers/device"
)

// openCCNET opens a validator without a journal: who takes money gives it one
// (device.Journaled).
func openCCNET(port string, options json.RawMessage) (device.Device, error) {
	var o struct {
		serialOptions
		PollMS    int               `json:"poll_ms"`
		ReopenMS  int               `json:"reopen_ms"`
		Countries map[string]string `json:"countries"` // currency of a country in the bill table
		Unit      int64             `json:"unit"`      // smallest units in one of the currency
	}
	if err := strict(options, &o); err != nil {
		return nil, err
	}
	if o.Baud == 0 {
		o.Baud = 9600 // section 2.1
	}
	p, err := o.port(port)
	if err != nil {
		return nil, err
	}
	return ccnet.New(p, ccnet.Opts{
		Poll: ms(o.PollMS), Reopen: ms(o.ReopenMS), Countries: o.Countries, Unit: o.Unit,
	})
}
