package registry

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"periph.io/x/conn/v3/gpio"

	"github.com/penjire/penjire/drivers/contact"
	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/firmata"
	"github.com/penjire/penjire/drivers/gpioline"
	"github.com/penjire/penjire/drivers/link"
)

// chips is the port of what is on the processor's own pins: every chip's, as a
// line is found by its name.
const chips = "/dev/gpiochip"

// onChips returns the processor's lines.
func onChips(port string) (gpioline.Source, error) {
	if !strings.HasPrefix(port, chips) {
		return nil, fmt.Errorf("got port %q, want %q: lines are found by name", port, chips)
	}
	return gpioline.Host{}, nil
}

// onBoard returns the lines of the I/O board at port.
func onBoard(port string) (gpioline.Source, error) {
	return firmata.Share(link.Serial{Path: port, Baud: 57600}, firmata.Opts{}) // the speed of StandardFirmata
}

func openGPIOSensor(port string, options json.RawMessage) (device.Device, error) {
	return openSensor(onChips, port, options)
}

func openFirmataSensor(port string, options json.RawMessage) (device.Device, error) {
	return openSensor(onBoard, port, options)
}

// levels are the words for which level is what is active.
var levels = map[string]bool{"": false, "high": false, "low": true}

// pulls are the words for pulls.
var pulls = map[string]gpio.Pull{"": gpio.Float, "none": gpio.Float, "up": gpio.PullUp, "down": gpio.PullDown}

// wiring is how a switch or signal is wired.
type wiring struct {
	Line   string `json:"line"`
	Active string `json:"active"`
	Pull   string `json:"pull"`
}

// wired returns the settings of a contact that is wired so, and its line's source.
func (w wiring) wired(lines func(port string) (gpioline.Source, error), port string) (contact.Opts, gpioline.Source, error) {
	low, ok := levels[w.Active]
	pull, known := pulls[w.Pull]
	if !ok || !known {
		return contact.Opts{}, nil, fmt.Errorf("read options: got active %q and pull %q, want high or low, and up, down or none", w.Active, w.Pull)
	}
	src, err := lines(port)
	return contact.Opts{Line: w.Line, Pull: pull, ActiveLow: low}, src, err
}

func openSensor(lines func(port string) (gpioline.Source, error), port string, options json.RawMessage) (device.Device, error) {
	var o struct {
		wiring
		Kind       device.SensorKind `json:"kind"`
		DebounceMS int               `json:"debounce_ms"`
		HoldOffMS  int               `json:"hold_off_ms"`
		WarmUpMS   int               `json:"warm_up_ms"`
	}
	if err := strict(options, &o); err != nil {
		return nil, err
	}
	c, src, err := o.wired(lines, port)
	if err != nil {
		return nil, err
	}
	c.Kind, c.Debounce, c.HoldOff, c.WarmUp = o.Kind, ms(o.DebounceMS), ms(o.HoldOffMS), ms(o.WarmUpMS)
	return own(src)(contact.New(src, c))
}

// own closes src where the device that should have it could not be made.
func own(src gpioline.Source) func(device.Device, error) (device.Device, error) {
	return func(d device.Device, err error) (device.Device, error) {
		if err == nil {
			return d, nil
		}
		if c, ok := src.(io.Closer); ok {
			err = errors.Join(err, c.Close())
		}
		return nil, err
	}
}
