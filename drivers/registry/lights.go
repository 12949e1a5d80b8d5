package registry

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/gpioline"
	"github.com/penjire/penjire/drivers/lamp"
)

func openGPIOLights(port string, options json.RawMessage) (device.Device, error) {
	return openLights(onChips, port, options)
}

func openFirmataLights(port string, options json.RawMessage) (device.Device, error) {
	return openLights(onBoard, port, options)
}

// openLEDs opens LEDs of the kernel; port is their folder.
func openLEDs(port string, options json.RawMessage) (device.Device, error) {
	return openLights(func(port string) (gpioline.Source, error) { return lamp.LEDs(port), nil }, port, options)
}

func openLights(lines func(port string) (gpioline.Source, error), port string, options json.RawMessage) (device.Device, error) {
	var o struct {
		Lights map[device.Light]struct {
			Line   string `json:"line"`
			Active string `json:"active"`
		} `json:"lights"`
		ToneMS int `json:"tone_ms"`
	}
	if err := strict(options, &o); err != nil {
		return nil, err
	}
	lights := lamp.Opts{Tone: ms(o.ToneMS)}
	for _, name := range slices.Sorted(maps.Keys(o.Lights)) {
		l := o.Lights[name]
		low, ok := levels[l.Active]
		if !ok {
			return nil, fmt.Errorf("read options: light %s: got active %q, want high or low", name, l.Active)
		}
		lights.Lights = append(lights.Lights, lamp.Light{Name: name, Line: l.Line, ActiveLow: low})
	}
	src, err := lines(port)
	if err != nil {
		return nil, err
	}
	return own(src)(lamp.New(src, lights))
}
