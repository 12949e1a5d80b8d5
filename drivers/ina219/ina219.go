// Package ina219 measures voltage and current with TI's INA219, as on the small UPS
// boards for a Raspberry Pi, where it sits between battery and board.
//
// # Reference
//
// TI SBOS448G: registers 8.6. The chip's calibration is not used: current is
// computed here from the voltage at the shunt, so that a chip that lost its power
// says nothing wrong.
package ina219

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/i2cchip"
	"github.com/penjire/penjire/drivers/link"
)

// Opts are a monitor's settings. Zero values are the defaults: those of a board
// with two lithium cells and a shunt of a tenth of an ohm.
type Opts struct {
	Addr    uint16        // 0: 0x40
	Ohm     float64       // of the shunt; 0: 0.1
	Empty   float64       // volts of an empty battery; 0: 6.0
	Full    float64       // volts of a full one; 0: 8.4
	Invert  bool          // current into the battery is measured as negative
	Poll    time.Duration // between looks; 0: 1 s
	Timeout time.Duration // for one transaction; 0: 500 ms
}

// Dev is a monitor.
type Dev struct {
	chip   *i2cchip.Chip
	o      Opts
	ctx    context.Context
	cancel context.CancelFunc
	done   chan struct{}
	watch  link.Watch

	mu   sync.Mutex
	last device.Power
	was  device.Health
}

var _ device.PowerMonitor = (*Dev)(nil)

// New returns the monitor on the bus and starts looking at it.
func New(bus i2cchip.Opener, o Opts) (*Dev, error) {
	def := func(f *float64, v float64) {
		if *f == 0 {
			*f = v
		}
	}
	def(&o.Ohm, 0.1)
	def(&o.Empty, 6)
	def(&o.Full, 8.4)
	if o.Addr == 0 {
		o.Addr = 0x40
	}
	if o.Addr > 0x7F || o.Ohm <= 0 || o.Empty <= 0 || o.Full <= o.Empty || o.Full > 32 || o.Poll < 0 || o.Timeout < 0 {
		return nil, fmt.Errorf("ina219: got %+v, want seven bits of address, a shunt, 0 V < empty < full <= 32 V, and no negative time", o)
	}
	if o.Poll == 0 {
		o.Poll = time.Second
	}
	if o.Timeout == 0 {
		o.Timeout = 500 * time.Millisecond
	}
	d := &Dev{
		chip: i2cchip.New("INA219", o.Addr, bus, o.Timeout), o: o, done: make(chan struct{}),
		last: device.Power{Source: device.PowerUnknown, Percent: -1}, was: device.Starting,
	}
	d.ctx, d.cancel = context.WithCancel(context.Background())
	go d.run()
	return d, nil
}

// String implements conn.Resource.
func (d *Dev) String() string { return d.chip.String() }

// Halt implements conn.Resource.
func (d *Dev) Halt() error {
	d.cancel()
	err := d.chip.Halt()
	<-d.done
	d.watch.Wake()
	return err
}

// Health implements device.Device.
func (d *Dev) Health() device.Health { return d.chip.Health() }

// Changes implements device.Watcher: it also yields when the source or the
// battery's charge has changed.
func (d *Dev) Changes(ctx context.Context) <-chan struct{} { return d.watch.Channel(ctx) }

// run looks now and then.
func (d *Dev) run() {
	defer close(d.done)
	t := time.NewTicker(d.o.Poll)
	defer t.Stop()
	for {
		_, _ = d.Power(d.ctx) // what it found is noted
		select {
		case <-t.C:
		case <-d.ctx.Done():
			return
		}
	}
}

// Power implements device.PowerMonitor.
func (d *Dev) Power(ctx context.Context) (device.Power, error) {
	p, err := d.measure(ctx)
	if err != nil {
		p = device.Power{Source: device.PowerUnknown, Percent: -1}
		err = &device.Error{Dev: d.String(), Op: "measure", SideEffect: device.SideEffectNo, Err: err}
	}
	h := d.chip.Health()
	d.mu.Lock()
	changed := p.Source != d.last.Source || p.Percent != d.last.Percent || h != d.was
	d.last, d.was = p, h
	d.mu.Unlock()
	if changed {
		d.watch.Wake()
	}
	return p, err
}

// Registers.
const (
	regConfig = 0
	regShunt  = 1 // signed, 10 µV
	regBus    = 2 // bits 3 to 15, 4 mV

	// config is 32 V, ±320 mV, 12 bits, both measured all the time: what the chip
	// comes with.
	config = 0x399F
)

// busy is the least current that says which way it flows.
const busy = 0.01

func (d *Dev) measure(ctx context.Context) (device.Power, error) {
	none := device.Power{}
	conf, err := d.read(ctx, regConfig)
	if err != nil {
		return none, err
	}
	if conf != config { // another program's, or another chip
		if _, err := d.chip.Tx(ctx, []byte{regConfig, config >> 8, config & 0xFF}, 0); err != nil {
			return none, err
		}
		if conf, err = d.read(ctx, regConfig); err != nil {
			return none, err
		}
		if conf != config {
			return none, fmt.Errorf("configuration is %#04x after it was set to %#04x: %w", conf, config, device.ErrProtocol)
		}
		return none, fmt.Errorf("it has just been set up: %w", device.ErrBusy)
	}
	shunt, err := d.read(ctx, regShunt)
	if err != nil {
		return none, err
	}
	bus, err := d.read(ctx, regBus)
	if err != nil {
		return none, err
	}
	return d.o.power(int16(shunt), bus)
}

func (d *Dev) read(ctx context.Context, reg byte) (uint16, error) {
	r, err := d.chip.Tx(ctx, []byte{reg}, 2)
	if err != nil {
		return 0, err
	}
	return binary.BigEndian.Uint16(r), nil
}

// power is what the two measurements mean.
func (o Opts) power(shunt int16, bus uint16) (device.Power, error) {
	if bus&1 != 0 {
		return device.Power{}, fmt.Errorf("chip says that it overflowed: %w", device.ErrProtocol)
	}
	p := device.Power{Source: device.PowerUnknown, Volts: float64(bus>>3) * 0.004}
	if p.Volts < o.Empty/2 || p.Volts > o.Full*1.25 {
		return device.Power{}, fmt.Errorf("%.2f V is no battery between %.1f and %.1f V: %w", p.Volts, o.Empty, o.Full, device.ErrProtocol)
	}
	into := float64(shunt) * 1e-5 / o.Ohm
	if o.Invert {
		into = -into
	}
	// The battery feeds the kiosk, or the mains feed both; a battery that is full
	// and gives nothing is on the mains too.
	switch {
	case into <= -busy:
		p.Source, p.Amperes = device.PowerBattery, -into
	case into >= busy, p.Volts >= o.Full-0.1*(o.Full-o.Empty):
		p.Source = device.PowerMains
	}
	p.Percent = int(math.Round(100 * min(1, max(0, (p.Volts-o.Empty)/(o.Full-o.Empty)))))
	return p, nil
}
