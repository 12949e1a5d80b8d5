package firmata

import (
	"context"
	"fmt"
	"time"

	"periph.io/x/conn/v3/gpio"

	"github.com/penjire/penjire/drivers/device"
)

// input implements gpioline.Input.
type input struct {
	s    *session
	p    *pin
	read int // the pin's edge when it was last read
}

// Read implements gpioline.Input: what was reported within the timeout.
func (i *input) Read() (gpio.Level, error) {
	i.s.mu.Lock()
	defer i.s.mu.Unlock()
	err := i.s.err
	if err == nil && time.Since(i.p.at) > i.s.b.o.Timeout {
		err = errNotKnown
	}
	if err != nil {
		return gpio.Low, fmt.Errorf("firmata: read D%d of %v: %w", i.p.n, i.s.b, err)
	}
	i.read = i.p.edge
	return i.p.level, nil
}

// Wait implements gpioline.Input.
func (i *input) Wait(ctx context.Context, limit time.Duration) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	edge := false
	err := i.s.until(ctx, &i.s.edge, func() bool { edge = i.p.edge != i.read; return edge })
	if ctx.Err() != nil {
		return edge, nil
	}
	return edge, err
}

// Told implements gpioline.Told: the board asks again and again by itself.
func (i *input) Told() {}

// Close implements gpioline.Input.
func (i *input) Close() error { i.s.drop(i.p); return nil }

// output implements gpioline.Output.
type output struct {
	s *session
	p *pin
}

// Set implements gpioline.Output: it returns when the board has confirmed the
// level. It fails where the board has lost the pin's mode, as after a reset: the
// line must then be opened anew. A level that was confirmed is not sent again.
func (o *output) Set(l gpio.Level) error {
	effect, err := o.set(l)
	if err != nil {
		return &device.Error{Dev: o.s.b.String(), Op: fmt.Sprintf("set D%d", o.p.n), SideEffect: effect, Err: err}
	}
	return nil
}

func (o *output) set(l gpio.Level) (device.SideEffect, error) {
	o.s.mu.Lock()
	from, err := o.p.state, o.s.err
	same := err == nil && o.p.sure && o.p.high == bool(l)
	o.p.sure = same
	o.s.mu.Unlock()
	if err != nil {
		return device.SideEffectNo, err
	}
	if same {
		return device.SideEffectYes, nil
	}
	var v byte
	if l {
		v = 1
	}
	n := o.p.n
	if err := o.s.write(cmdPinValue, n, v, cmdSysex, sysexStateQuery, n, cmdSysexEnd); err != nil {
		return device.SideEffectUnknown, err
	}
	ctx, cancel := context.WithTimeout(o.s.b.ctx, o.s.b.o.Timeout)
	defer cancel()
	var high bool
	var mode byte
	if err := o.s.until(ctx, &o.s.news, func() bool { high, mode = o.p.high, o.p.typed; return o.p.state != from }); err != nil {
		return device.SideEffectUnknown, err
	}
	if high != bool(l) || mode != modeOutput {
		return device.SideEffectUnknown, fmt.Errorf("board says mode %d, high %v after it was set to %v: %w", mode, high, l, device.ErrProtocol)
	}
	o.s.mu.Lock()
	o.p.sure = true
	o.s.mu.Unlock()
	return device.SideEffectYes, nil
}

// Close implements gpioline.Output.
func (o *output) Close() error { o.s.drop(o.p); return nil }
