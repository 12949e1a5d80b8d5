package registry

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/penjire/penjire/drivers/backlight"
	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/ds3231"
	"github.com/penjire/penjire/drivers/gpioline"
	"github.com/penjire/penjire/drivers/i2cchip"
	"github.com/penjire/penjire/drivers/ina219"
	"github.com/penjire/penjire/drivers/rtcdev"
	"github.com/penjire/penjire/drivers/thermal"
	"github.com/penjire/penjire/drivers/upsline"
	"github.com/penjire/penjire/drivers/watchdog"
)

// onI2C returns the bus at a port such as /dev/i2c-1.
func onI2C(port string) (i2cchip.Opener, error) {
	n, err := strconv.Atoi(strings.TrimPrefix(port, "/dev/i2c-"))
	if err != nil || !strings.HasPrefix(port, "/dev/i2c-") {
		return nil, fmt.Errorf("got port %q, want /dev/i2c- and a number", port)
	}
	return i2cchip.Bus(n), nil
}

func openDS3231(port string, options json.RawMessage) (device.Device, error) {
	var o struct {
		Address uint16 `json:"address"`
	}
	if err := strict(options, &o); err != nil {
		return nil, err
	}
	bus, err := onI2C(port)
	if err != nil {
		return nil, err
	}
	return ds3231.New(bus, ds3231.Opts{Addr: o.Address})
}

func openRTC(port string, options json.RawMessage) (device.Device, error) {
	if err := strict(options, &struct{}{}); err != nil {
		return nil, err
	}
	return rtcdev.New(port, rtcdev.Opts{})
}

func openINA219(port string, options json.RawMessage) (device.Device, error) {
	var o struct {
		Address uint16  `json:"address"`
		Ohm     float64 `json:"ohm"`
		Empty   float64 `json:"empty_volts"`
		Full    float64 `json:"full_volts"`
		Invert  bool    `json:"invert"`
	}
	if err := strict(options, &o); err != nil {
		return nil, err
	}
	bus, err := onI2C(port)
	if err != nil {
		return nil, err
	}
	return ina219.New(bus, ina219.Opts{Addr: o.Address, Ohm: o.Ohm, Empty: o.Empty, Full: o.Full, Invert: o.Invert})
}

func openGPIOUPS(port string, options json.RawMessage) (device.Device, error) {
	return openUPS(onChips, port, options)
}

func openFirmataUPS(port string, options json.RawMessage) (device.Device, error) {
	return openUPS(onBoard, port, options)
}

func openUPS(lines func(port string) (gpioline.Source, error), port string, options json.RawMessage) (device.Device, error) {
	var w wiring
	if err := strict(options, &w); err != nil {
		return nil, err
	}
	c, src, err := w.wired(lines, port)
	if err != nil {
		return nil, err
	}
	return own(src)(upsline.New(src, c))
}

func openThermometer(port string, options json.RawMessage) (device.Device, error) {
	var o struct {
		Name string `json:"name"`
	}
	if err := strict(options, &o); err != nil {
		return nil, err
	}
	return thermal.New(port, thermal.Opts{Name: o.Name})
}

func openBacklight(port string, options json.RawMessage) (device.Device, error) {
	var o struct {
		Name string `json:"name"`
	}
	if err := strict(options, &o); err != nil {
		return nil, err
	}
	return backlight.New(port, backlight.Opts{Name: o.Name})
}

func openWatchdog(port string, options json.RawMessage) (device.Device, error) {
	var o struct {
		TimeoutMS int `json:"timeout_ms"`
	}
	if err := strict(options, &o); err != nil {
		return nil, err
	}
	return watchdog.New(port, watchdog.Opts{Timeout: ms(o.TimeoutMS)})
}
