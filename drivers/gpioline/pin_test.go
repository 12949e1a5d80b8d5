package gpioline_test

import (
	"testing"
	"testing/synctest"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/gpio/gpioreg"
	"periph.io/x/conn/v3/gpio/gpiotest"

	"github.com/penjire/penjire/drivers/gpioline"
)

// trap is a pin like gpioioctl's: whoever reads it while it is an output makes an
// input of it, and a lock opens.
type trap struct {
	gpiotest.Pin
	out    bool
	sprung bool
}

func (p *trap) Out(l gpio.Level) error { p.out = true; return p.Pin.Out(l) }

func (p *trap) Read() gpio.Level {
	p.sprung = p.sprung || p.out
	return gpio.High
}

func (p *trap) In(pull gpio.Pull, e gpio.Edge) error {
	p.sprung = p.sprung || p.out
	return p.Pin.In(pull, e)
}

// TestOutputsAreNotRead: nothing reads an output back. It has no Read, and nothing
// that is done to it leads to one.
func TestOutputsAreNotRead(t *testing.T) {
	p := &trap{Pin: gpiotest.Pin{N: "LOCK"}}
	if err := gpioreg.Register(p); err != nil {
		t.Fatal(err)
	}
	out, err := gpioline.Host{}.Output(t.Context(), "LOCK", gpio.Low)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range []gpio.Level{gpio.High, gpio.Low, gpio.High} {
		if err := out.Set(l); err != nil || p.L != l {
			t.Errorf("Set(%v) = %v, and the pin is %v", l, err, p.L)
		}
	}
	if _, ok := out.(interface{ Read() (gpio.Level, error) }); ok {
		t.Error("an output can be read")
	}
	if err := out.Close(); err != nil {
		t.Error(err)
	}
	if p.sprung {
		t.Error("the output was read back")
	}
	// The trap can spring.
	if p.Read(); !p.sprung {
		t.Error("the trap does not notice that an output is read")
	}
}

// TestWaitEnds: a wait is as long as it was told and no longer, and 0 does not mean
// for ever.
func TestWaitEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &gpiotest.Pin{N: "DOOR", EdgesChan: make(chan gpio.Level, 1)}
		in, err := gpioline.PinIn(p, gpio.PullUp)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range []time.Duration{-1, 0, time.Second} {
			begin := time.Now()
			if edge, err := in.Wait(t.Context(), d); edge || err != nil || time.Since(begin) != max(0, d) {
				t.Errorf("Wait(%v) = %v, %v after %v", d, edge, err, time.Since(begin))
			}
		}
		p.EdgesChan <- gpio.Low
		if edge, err := in.Wait(t.Context(), time.Second); !edge || err != nil {
			t.Errorf("Wait = %v, %v, want an edge", edge, err)
		}
		if l, err := in.Read(); l != gpio.Low || err != nil {
			t.Errorf("Read = %v, %v, want Low", l, err)
		}
	})
}
