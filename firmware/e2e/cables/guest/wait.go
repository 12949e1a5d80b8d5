package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/plugged"
	"github.com/penjire/penjire/drivers/registry"
)

// patience is how long anything may take here: every instruction is emulated.
const patience = time.Minute

// until waits until ok, and returns how long that took.
func until(d device.Device, what string, ok func() bool) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	begun := time.Now()
	changes := d.(device.Watcher).Changes(ctx)
	for !ok() {
		if _, open := <-changes; !open {
			return 0, fmt.Errorf("%v: not within %v: %s (%s)", d, patience, what, d.Health())
		}
	}
	return time.Since(begun), nil
}

func is(d device.Device, h device.Health) func() bool { return func() bool { return d.Health() == h } }

// socket waits until a device of that product is plugged in and has a device file,
// and returns its USB socket.
func socket(vendor, product uint16) (plugged.Device, error) {
	end := time.Now().Add(patience)
	for time.Now().Before(end) {
		all, err := plugged.System{}.All()
		if err != nil {
			return plugged.Device{}, err
		}
		for _, d := range all {
			if d.Vendor == vendor && d.Product == product && len(d.Nodes) > 0 {
				return d, nil
			}
		}
		time.Sleep(50 * time.Millisecond) // the machine runs in its own time
	}
	return plugged.Device{}, fmt.Errorf("no device %04x:%04x came within %v", vendor, product, patience)
}

// load opens the device in a USB socket.
func load(driver string, d plugged.Device) (device.Device, error) {
	r := registry.Load([]registry.Want{{Name: driver, Driver: driver, Port: "usb:" + d.Socket}})[0]
	return r.Device, r.Err
}

// replug pulls a cable and plugs it in, and says how long each took to be noticed.
func replug(d device.Device, pull, plug func() error) (string, error) {
	if err := pull(); err != nil {
		return "", err
	}
	missed, err := until(d, "missed", is(d, device.NoDevice))
	if err != nil {
		return "", err
	}
	if err := plug(); err != nil {
		return "", err
	}
	found, err := until(d, "found again", is(d, device.Online))
	if err != nil {
		return "", err
	}
	if missed > limit || found > limit {
		err = errors.New("too late")
	}
	return fmt.Sprintf("missed after %v, found after %v", missed.Round(time.Millisecond), found.Round(time.Millisecond)), err
}

// limit is how long a change may stay unnoticed (DESIGN 14 says 2 s), for a machine
// that emulates every instruction on a busy computer, and enumerates a USB device.
const limit = 10 * time.Second
