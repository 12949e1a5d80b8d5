package registry

import (
	"encoding/json"

	"github.com/penjire/penjire/drivers/cctalk"
	"github.com/penjire/penjire/drivers/device"
)

// openCCTalk opens an acceptor without a journal: who takes money gives it one
// (device.Journaled).
func openCCTalk(port string, options json.RawMessage) (device.Device, error) {
	var o struct {
		serialOptions
		PollMS    int               `json:"poll_ms"`
		ReopenMS  int               `json:"reopen_ms"`
		Address   byte              `json:"address"`
		CRC       bool              `json:"crc"`       // frames have the long checksum
		Countries map[string]string `json:"countries"` // currency of a country in a coin's name
	}
	if err := strict(options, &o); err != nil {
		return nil, err
	}
	if o.Baud == 0 {
		o.Baud = 9600 // part 1, section 5
	}
	p, err := o.port(port)
	if err != nil {
		return nil, err
	}
	check := cctalk.Sum
	if o.CRC {
		check = cctalk.CRC
	}
	return cctalk.New(p, cctalk.Opts{
		Check: check, Address: o.Address, Poll: ms(o.PollMS), Reopen: ms(o.ReopenMS), Countries: o.Countries,
	})
}
