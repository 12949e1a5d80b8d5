package registry

import (
	"encoding/json"

	"github.com/penjire/penjire/drivers/crt591"
	"github.com/penjire/penjire/drivers/device"
)

func openCRT591(port string, options json.RawMessage) (device.Device, error) {
	var o struct {
		serialOptions
		Address    int            `json:"address"`
		Closed     bool           `json:"closed"`
		NoAntenna  bool           `json:"no_antenna"`
		NoContacts bool           `json:"no_contacts"`
		Untaken    crt591.Untaken `json:"untaken"`
		TakeMS     int            `json:"take_ms"`
		PollMS     int            `json:"poll_ms"`
		TimeoutMS  int            `json:"timeout_ms"`
		ReopenMS   int            `json:"reopen_ms"`
	}
	o.Baud = 9600 // as units come set; the first initialization finds any other
	if err := strict(options, &o); err != nil {
		return nil, err
	}
	p, err := o.port(port)
	if err != nil {
		return nil, err
	}
	return crt591.New(p, crt591.Opts{
		Addr: o.Address, Closed: o.Closed, NoAntenna: o.NoAntenna, NoContacts: o.NoContacts, Untaken: o.Untaken,
		Take: ms(o.TakeMS), Poll: ms(o.PollMS), Timeout: ms(o.TimeoutMS), Reopen: ms(o.ReopenMS),
	})
}
