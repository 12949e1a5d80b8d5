package registry

import (
	"encoding/json"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/v4l2"
)

// openV4L2 opens the camera at port, such as a name below /dev/v4l/by-path.
func openV4L2(port string, options json.RawMessage) (device.Device, error) {
	var o struct {
		FieldMM  int `json:"field_mm"`
		MaxWidth int `json:"max_width"`
		Warmup   int `json:"warmup"`
		PollMS   int `json:"poll_ms"`
		FrameMS  int `json:"frame_ms"`
	}
	if err := strict(options, &o); err != nil {
		return nil, err
	}
	return v4l2.New(port, v4l2.Opts{
		FieldMM: o.FieldMM, MaxWidth: o.MaxWidth, Warmup: o.Warmup, Poll: ms(o.PollMS), Frame: ms(o.FrameMS),
	})
}
