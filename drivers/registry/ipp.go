package registry

import (
	"context"
	"encoding/json"
	"net"
	"path/filepath"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/ipp"
)

// openIPP opens the printer whose address is port: ipp://, ipps://, http:// or
// https://, or ipp-usb's http://localhost:60000/ipp/print. A path is a Unix socket,
// such as CUPS listens on.
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
	var dial func(context.Context, string, string) (net.Conn, error)
	if filepath.IsAbs(port) {
		socket := port
		dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		}
		port = "ipp://localhost/ipp/print"
	}
	return ipp.New(port, ipp.Opts{
		Dial: dial, Pin: o.Pin, PinFile: o.PinFile, AnyMedia: o.AnyMedia, NoCreateJob: o.NoCreateJob,
		Poll: ms(o.PollMS), Job: ms(o.JobMS), Answer: ms(o.AnswerMS), Stall: ms(o.StallMS),
	})
}
