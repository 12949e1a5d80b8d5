package registry

import (
	"encoding/json"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/ipp"
)

// openIPP opens the printer whose address is port: ipp://, ipps://, http:// or
// https://, or ipp-usb's http://localhost:60000/ipp/print.
func openIPP(port string, options json.RawMessage) (device.Device, error) {
	var o struct {
		Pin         string `json:"pin"`
		PinFile     string `json:"pin_file"`
		AnyMedia    bool   `json:"any_media"`
		NoCreateJob bool   `json:"no_create_job"`
		PollMS      int    `json:"poll_ms"`
		JobMS       int    `json:"job_ms"`
		AnswerMS    int    `json:"answer_ms"`
		StallMS     int    `json:"stall_ms"`
	}
	if err := strict(options, &o); err != nil {
		return nil, err
	}
	return ipp.New(port, ipp.Opts{
		Pin: o.Pin, PinFile: o.PinFile, AnyMedia: o.AnyMedia, NoCreateJob: o.NoCreateJob,
		Poll: ms(o.PollMS), Job: ms(o.JobMS), Answer: ms(o.AnswerMS), Stall: ms(o.StallMS),
	})
}
