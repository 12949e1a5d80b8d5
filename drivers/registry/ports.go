package registry

import (
	"fmt"
	"path/filepath"
	"strings"
	"sync"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/link"
	"github.com/penjire/penjire/drivers/plugged"
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
//	usb:1-1.2                    what is in that USB socket, a printer or a serial line
//	/dev/usb/lp0, usblp:/path    a USB printer that the kernel's usblp has
//	/dev/serial/by-path/…        a serial line: anything else
func (o serialOptions) port(name string) (link.Port, error) {
	p, err := o.plain(name)
	if err != nil || tap == nil {
		return p, err
	}
	return tap(p), nil
}

// tap is the Tap of the device that is being opened. Openers are functions of name
// and options alone; only port looks at it.
var (
	tapping sync.Mutex
	tap     func(link.Port) link.Port
)

// tapped calls open with t in force.
func tapped(t func(link.Port) link.Port, open func() (device.Device, error)) (device.Device, error) {
	tapping.Lock()
	defer tapping.Unlock()
	tap = t
	defer func() { tap = nil }()
	return open()
}

func (o serialOptions) plain(name string) (link.Port, error) {
	kind, rest, _ := strings.Cut(name, ":")
	switch {
	case kind == "tcp":
		p := link.TCP{Addr: rest}
		return p, p.Check()
	case kind == "usb":
		if err := o.serial(name).Check(); err != nil {
			return nil, err
		}
		return link.Sought{Name: name, Seek: func() (link.Port, error) { return o.inSocket(this, rest) }}, nil
	case kind == "usblp":
		return link.USBLP{Path: rest}, nil
	case strings.HasPrefix(name, "/dev/usb/lp"):
		return link.USBLP{Path: name}, nil
	}
	p := o.serial(name)
	return p, p.Check()
}

func (o serialOptions) serial(path string) link.Serial {
	return link.Serial{
		Path: path, Baud: o.Baud, Data: o.Data, Parity: link.Parity(o.Parity), Stop: o.Stop, RTSCTS: o.RTSCTS,
	}
}

// inSocket returns the line of what is in a USB socket now.
func (o serialOptions) inSocket(s plugged.System, socket string) (link.Port, error) {
	d, ok := s.At(socket)
	if !ok {
		return nil, fmt.Errorf("USB socket %s is empty: %w", socket, device.ErrUnplugged)
	}
	for _, n := range d.Nodes {
		switch {
		case n.Subsystem == "tty":
			return o.serial(n.Path), nil
		case n.Subsystem == "usbmisc" && strings.HasPrefix(filepath.Base(n.Path), "lp"):
			return link.USBLP{Path: n.Path}, nil
		}
	}
	return nil, fmt.Errorf("in USB socket %s is %v, for which the kernel has no line: %w", socket, d, device.ErrUnplugged)
}
