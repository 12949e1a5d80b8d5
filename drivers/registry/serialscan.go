package registry

import (
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/link"
	"github.com/penjire/penjire/drivers/serialscan"
)

// scannerOptions are what every code scanner on a line has. They come set to
// 9600 baud, all of them.
type scannerOptions struct {
	serialOptions
	ReopenMS int `json:"reopen_ms"`
}

func (o scannerOptions) port(name string) (link.Port, error) {
	if o.Baud == 0 {
		o.Baud = 9600
	}
	return o.serialOptions.port(name)
}

// hexBytes are bytes in hexadecimal digits.
type hexBytes []byte

// UnmarshalText implements encoding.TextUnmarshaler.
func (h *hexBytes) UnmarshalText(b []byte) error {
	v, err := hex.DecodeString(string(b))
	if err != nil {
		return fmt.Errorf("got %q, want hexadecimal digits: %w", b, err)
	}
	*h = v
	return nil
}

func openSerialScan(port string, options json.RawMessage) (device.Device, error) {
	var o struct {
		scannerOptions
		Suffix string   `json:"suffix"`
		GapMS  int      `json:"gap_ms"`
		Max    int      `json:"max"`
		AIM    bool     `json:"aim"`
		Start  hexBytes `json:"start_command"`
		Halt   hexBytes `json:"stop_command"`
		Answer hexBytes `json:"answer"`
		Own    bool     `json:"own"`
	}
	if err := strict(options, &o); err != nil {
		return nil, err
	}
	p, err := o.port(port)
	if err != nil {
		return nil, err
	}
	return serialscan.New(p, serialscan.Opts{
		Suffix: o.Suffix, Gap: ms(o.GapMS), Max: o.Max, AIM: o.AIM,
		Start: o.Start, Stop: o.Halt, Answer: o.Answer, Own: o.Own, Reopen: ms(o.ReopenMS),
	})
}
