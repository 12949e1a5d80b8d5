package gpioline

import (
	"context"
	"fmt"
	"time"

	"periph.io/x/conn/v3/gpio"
)

// PinIn opens a pin of periph's for reading. Such a pin cannot say that reading
// failed.
func PinIn(p gpio.PinIn, pull gpio.Pull) (Input, error) {
	if err := p.In(pull, gpio.BothEdges); err != nil {
		return nil, fmt.Errorf("gpioline: open %s for reading: %w", p.Name(), err)
	}
	return pinIn{p}, nil
}

type pinIn struct{ p gpio.PinIn }

// Read implements Input.
func (p pinIn) Read() (gpio.Level, error) { return p.p.Read(), nil }

// Wait implements Input.
func (p pinIn) Wait(_ context.Context, limit time.Duration) (bool, error) {
	if limit <= 0 {
		return false, nil
	}
	return p.p.WaitForEdge(limit), nil
}

// Close implements Input: periph has no way to give a pin back.
func (p pinIn) Close() error { return nil }

// PinOut opens a pin of periph's for setting, and sets it to first.
func PinOut(p gpio.PinOut, first gpio.Level) (Output, error) {
	o := pinOut{p}
	if err := o.Set(first); err != nil {
		return nil, err
	}
	return o, nil
}

type pinOut struct{ p gpio.PinOut }

// Set implements Output.
func (p pinOut) Set(l gpio.Level) error {
	if err := p.p.Out(l); err != nil {
		return fmt.Errorf("gpioline: set %s: %w", p.p.Name(), err)
	}
	return nil
}

// Close implements Output.
func (p pinOut) Close() error { return nil }
