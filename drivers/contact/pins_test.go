package contact_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/gpio/gpiotest"

	"github.com/penjire/penjire/drivers/contact"
	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/devicetest"
	"github.com/penjire/penjire/drivers/gpioline"
)

// bank is a source with one pin of periph's test kit, which can be taken away.
type bank struct {
	pin  gpiotest.Pin
	mu   sync.Mutex
	gone bool
	deaf bool
	open int
}

func newBank() *bank {
	return &bank{pin: gpiotest.Pin{N: "GPIO17", EdgesChan: make(chan gpio.Level, 1024)}}
}

func (b *bank) String() string { return "bank" }

func (b *bank) check() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.gone {
		return fmt.Errorf("bank: %w", device.ErrUnplugged)
	}
	return nil
}

// Input implements gpioline.Source.
func (b *bank) Input(_ context.Context, name string, pull gpio.Pull) (gpioline.Input, error) {
	if err := b.check(); err != nil {
		return nil, err
	}
	if name != b.pin.N {
		return nil, fmt.Errorf("bank: no line %s: %w", name, device.ErrUnplugged)
	}
	in, err := gpioline.PinIn(&b.pin, pull)
	b.mu.Lock()
	b.open++
	b.mu.Unlock()
	return &banked{in, b}, err
}

// Output implements gpioline.Source.
func (b *bank) Output(context.Context, string, gpio.Level) (gpioline.Output, error) {
	return nil, device.ErrUnsupported
}

// banked is an input that fails when its bank is gone.
type banked struct {
	gpioline.Input
	b *bank
}

// Read implements gpioline.Input.
func (i *banked) Read() (gpio.Level, error) {
	if err := i.b.check(); err != nil {
		return gpio.Low, err
	}
	return i.Input.Read()
}

// Close implements gpioline.Input.
func (i *banked) Close() error {
	i.b.mu.Lock()
	defer i.b.mu.Unlock()
	i.b.open--
	return i.Input.Close()
}

func (b *bank) Set(active bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.gone || b.deaf {
		b.pin.Lock()
		b.pin.L = gpio.Level(active)
		b.pin.Unlock()
		return
	}
	_ = b.pin.Out(gpio.Level(active)) // never fails
	b.pin.EdgesChan <- gpio.Level(active)
}

func (b *bank) Deaf(deaf bool) { b.mu.Lock(); b.deaf = deaf; b.mu.Unlock() }
func (b *bank) Unplug()        { b.mu.Lock(); b.gone = true; b.mu.Unlock() }
func (b *bank) Replug()        { b.mu.Lock(); b.gone = false; b.mu.Unlock() }

func drive(t *testing.T, src gpioline.Source, o contact.Opts) *contact.Dev {
	d, err := contact.New(src, o)
	if err != nil {
		t.Fatalf("New = %v, want nil", err)
	}
	t.Cleanup(func() {
		if err := d.Halt(); err != nil {
			t.Errorf("Halt = %v, want nil", err)
		}
	})
	return d
}

func onPins(t *testing.T) devicetest.SensorRig {
	b := newBank()
	t.Cleanup(func() {
		if b.open != 0 {
			t.Errorf("lines left open: got %d, want 0", b.open)
		}
	})
	return devicetest.SensorRig{
		Dev:   drive(t, b, contact.Opts{Kind: device.SensorDoor, Line: "GPIO17"}),
		Hands: b, Debounce: 20 * time.Millisecond,
	}
}

func TestSuiteOnPins(t *testing.T) { devicetest.Sensor(t, devicetest.Faked, onPins) }

// wait lets faked time pass.
func contactAfter(d *contact.Dev, after time.Duration) device.Contact {
	time.Sleep(after)
	synctest.Wait()
	c, _ := d.Contact()
	return c
}

// TestSupplyIsSeenInTime: the signal of a failing supply has 20 ms in the
// driver, and at a tamper loop a cut wire is active.
func TestSupplyIsSeenInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBank()
		b.Set(true)
		d := drive(t, b, contact.Opts{Kind: device.SensorSupply, Line: "GPIO17", ActiveLow: true})
		if c := contactAfter(d, time.Second); c != device.ContactIdle {
			t.Fatalf("contact with good power = %v, want idle", c)
		}
		b.Set(false)
		if c := contactAfter(d, 20*time.Millisecond); c != device.ContactActive {
			t.Errorf("contact 20 ms after the supply fails = %v, want active", c)
		}
	})
}

// TestPresence: nothing is known while the detector warms up; somebody who was
// seen is still there for a while, and nobody is only then nobody.
func TestPresence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBank()
		b.Set(true) // what it says while it warms up
		d := drive(t, b, contact.Opts{Kind: device.SensorPresence, Line: "GPIO17"})
		if c := contactAfter(d, 59*time.Second); c != device.ContactUnknown || d.Tripped() {
			t.Errorf("contact while it warms up = %v, tripped %v, want unknown and not", c, d.Tripped())
		}
		b.Set(false)
		if c := contactAfter(d, 2*time.Second); c != device.ContactIdle {
			t.Errorf("contact when it is warm = %v, want idle", c)
		}
		b.Set(true)
		if c := contactAfter(d, 100*time.Millisecond); c != device.ContactActive {
			t.Errorf("contact when somebody comes = %v, want active", c)
		}
		b.Set(false)
		if c := contactAfter(d, 19*time.Second); c != device.ContactActive {
			t.Errorf("contact 19 s after the last movement = %v, want active", c)
		}
		if c := contactAfter(d, 2*time.Second); c != device.ContactIdle {
			t.Errorf("contact 21 s after the last movement = %v, want idle", c)
		}
	})
}

func TestRefusesNonsense(t *testing.T) {
	for name, o := range map[string]contact.Opts{
		"no kind":       {Line: "GPIO17"},
		"no line":       {Kind: device.SensorDoor},
		"odd kind":      {Kind: "moon", Line: "GPIO17"},
		"negative":      {Kind: device.SensorDoor, Line: "GPIO17", Debounce: -1},
		"slow debounce": {Kind: device.SensorDoor, Line: "GPIO17", Debounce: time.Second},
	} {
		if d, err := contact.New(newBank(), o); err == nil {
			t.Errorf("%s: New = nil, want an error", name)
			_ = d.Halt()
		}
	}
}
