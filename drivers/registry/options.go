package registry

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/penjire/penjire/drivers/link"
)

// serialOptions are the options of a driver whose device may be on a serial line.
type serialOptions struct {
	Baud   int    `json:"baud"`
	Data   int    `json:"data"`   // bits
	Parity string `json:"parity"` // "even" or "odd"; "": none
	Stop   int    `json:"stop"`   // bits
	RTSCTS bool   `json:"rtscts"`
}

// port returns the port that a board calls name:
//
//	tcp:host:9100                a connection over the network
//	/dev/usb/lp0, usblp:/path    a USB printer that the kernel's usblp has
//	/dev/serial/by-path/…        a serial line: anything else
func (o serialOptions) port(name string) (link.Port, error) {
	kind, rest, _ := strings.Cut(name, ":")
	switch {
	case kind == "tcp":
		p := link.TCP{Addr: rest}
		return p, p.Check()
	case kind == "usblp":
		return link.USBLP{Path: rest}, nil
	case strings.HasPrefix(name, "/dev/usb/lp"):
		return link.USBLP{Path: name}, nil
	}
	p := link.Serial{
		Path: name, Baud: o.Baud, Data: o.Data, Parity: link.Parity(o.Parity), Stop: o.Stop, RTSCTS: o.RTSCTS,
	}
	return p, p.Check()
}

func ms(n int) time.Duration { return time.Duration(n) * time.Millisecond }

// strict decodes options, one object, into o and refuses keys it does not know.
func strict(options json.RawMessage, o any) error {
	if len(options) == 0 {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(options))
	d.DisallowUnknownFields()
	if err := d.Decode(o); err != nil {
		return fmt.Errorf("read options: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("read options: something follows the object")
	}
	return nil
}
