// Package upsline makes a [device.PowerMonitor] of one line: the power-good signal
// of a supply, or of a UPS that says no more than that (X728: GPIO6).
package upsline

import (
	"context"

	"github.com/penjire/penjire/drivers/contact"
	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/gpioline"
)

// Dev is a monitor of one line, active while the mains are gone.
type Dev struct{ *contact.Dev }

var _ device.PowerMonitor = (*Dev)(nil)

// New returns the monitor on a line of src. The kind is SensorSupply.
func New(src gpioline.Source, o contact.Opts) (*Dev, error) {
	o.Kind = device.SensorSupply
	c, err := contact.New(src, o)
	if err != nil {
		return nil, err
	}
	return &Dev{c}, nil
}

// Power implements device.PowerMonitor: all that a line says is the source.
func (d *Dev) Power(ctx context.Context) (device.Power, error) {
	p := device.Power{Source: device.PowerUnknown, Percent: -1}
	fail := func(err error) (device.Power, error) {
		return p, &device.Error{Dev: d.String(), Op: "ask for the power", SideEffect: device.SideEffectNo, Err: err}
	}
	if err := ctx.Err(); err != nil {
		return fail(err)
	}
	switch c, _ := d.Contact(); c {
	case device.ContactIdle:
		p.Source = device.PowerMains
	case device.ContactActive:
		p.Source = device.PowerBattery
	default:
		if d.Health() == device.Offline {
			return fail(device.ErrHalted)
		}
		return fail(device.ErrUnplugged)
	}
	return p, nil
}
