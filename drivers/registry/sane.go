package registry

import (
	"encoding/json"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/sane"
)

// openSANE opens the scanner of the saned at port: host or host:port.
func openSANE(port string, options json.RawMessage) (device.Device, error) {
	var o struct {
		Device   string            `json:"device"`
		Mode     string            `json:"mode"`
		Options  map[string]string `json:"options"`
		PollMS   int               `json:"poll_ms"`
		ReopenMS int               `json:"reopen_ms"`
		AnswerMS int               `json:"answer_ms"`
		StartMS  int               `json:"start_ms"`
		StallMS  int               `json:"stall_ms"`
	}
	if err := strict(options, &o); err != nil {
		return nil, err
	}
	return sane.New(port, sane.Opts{
		Device: o.Device, Mode: o.Mode, Options: o.Options,
		Poll: ms(o.PollMS), Reopen: ms(o.ReopenMS), Answer: ms(o.AnswerMS), Start: ms(o.StartMS), Stall: ms(o.StallMS),
	})
}
