package lamp_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"periph.io/x/conn/v3/gpio"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/devicetest"
	"github.com/penjire/penjire/drivers/emulator/firmataemu"
	"github.com/penjire/penjire/drivers/emulator/pty/ptytest"
	"github.com/penjire/penjire/drivers/firmata"
	"github.com/penjire/penjire/drivers/gpioline"
	"github.com/penjire/penjire/drivers/lamp"
	"github.com/penjire/penjire/drivers/link"
	"github.com/penjire/penjire/drivers/link/linktest"
)

const pin = 13

// eyes see a light on an emulated I/O board.
type eyes struct {
	board          *firmataemu.Board
	unplug, replug func()
}

func (e eyes) Lit() bool { high, ok := e.board.Output(pin); return high && ok }
func (e eyes) Unplug()   { e.unplug() }
func (e eyes) Replug()   { e.replug() }

func drive(t *testing.T, src gpioline.Source, line string, low bool) *lamp.Dev {
	d, err := lamp.New(src, lamp.Opts{Lights: []lamp.Light{{Name: device.LightCardReader, Line: line, ActiveLow: low}}})
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

func onBoard(t *testing.T, port link.Port, e eyes) devicetest.IndicatorRig {
	b, err := firmata.New(port, firmata.Opts{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Halt(); err != nil {
			t.Errorf("Halt = %v, want nil", err)
		}
	})
	rig := devicetest.IndicatorRig{Dev: drive(t, b, "D13", false), Eyes: e}
	if devicetest.Lie() != "" {
		rig.Dev = liar{rig.Dev.(*lamp.Dev)}
	}
	return rig
}

func inMemory(t *testing.T) devicetest.IndicatorRig {
	board := new(firmataemu.Board)
	s := linktest.Plug(t, "board", board)
	return onBoard(t, s, eyes{board, s.Unplug, s.Replug})
}

func onPTY(t *testing.T) devicetest.IndicatorRig {
	board := new(firmataemu.Board)
	path, unplug, replug := ptytest.Attach(t, board)
	return onBoard(t, link.Serial{Path: path}, eyes{board, unplug, replug})
}

func TestSuite(t *testing.T) { devicetest.Indicator(t, devicetest.Faked, inMemory) }

func TestSuiteOnPTY(t *testing.T) { devicetest.Indicator(t, devicetest.Real, onPTY) }

// folder is a LED as the kernel shows it.
type folder struct {
	t    *testing.T
	path string
}

func (f folder) write(name, v string) {
	if err := os.WriteFile(filepath.Join(f.path, name), []byte(v), 0o600); err != nil {
		f.t.Error(err)
	}
}

func (f folder) read(name string) string {
	b, _ := os.ReadFile(filepath.Join(f.path, name)) // one that is away is dark
	return string(b)
}

func (f folder) Lit() bool { return strings.HasPrefix(f.read("brightness"), "255") }

func (f folder) Unplug() {
	if err := os.RemoveAll(f.path); err != nil {
		f.t.Error(err)
	}
}

func (f folder) Replug() {
	if err := os.MkdirAll(f.path, 0o700); err != nil {
		f.t.Error(err)
	}
	f.write("brightness", "0\n\n")
	f.write("trigger", "[heartbeat] none")
	f.write("max_brightness", "255\n")
}

func onFolder(t *testing.T) devicetest.IndicatorRig {
	dir := t.TempDir()
	f := folder{t, filepath.Join(dir, "penjire:card")}
	f.Replug()
	return devicetest.IndicatorRig{Dev: drive(t, lamp.LEDs(dir), "penjire:card", false), Eyes: f}
}

func TestSuiteOnLEDs(t *testing.T) { devicetest.Indicator(t, devicetest.Real, onFolder) }

// TestLEDIsTakenOver: a LED that the kernel blinks would go on when nobody is there.
func TestLEDIsTakenOver(t *testing.T) {
	f := folder{t, filepath.Join(t.TempDir(), "led")}
	f.Replug()
	if _, err := lamp.LEDs(filepath.Dir(f.path)).Output(t.Context(), "led", gpio.High); err != nil {
		t.Fatal(err)
	}
	if got := f.read("trigger"); !strings.HasPrefix(got, "none") {
		t.Errorf("trigger = %q, want it set to none", got)
	}
	for name, bad := range map[string]string{"../led": "255", "led": "0", "": "255"} {
		f.write("max_brightness", bad)
		if _, err := lamp.LEDs(filepath.Dir(f.path)).Output(t.Context(), name, gpio.High); err == nil {
			t.Errorf("Output(%q) with max_brightness %s = nil, want an error", name, bad)
		}
	}
}

// liar is lights that say what they do not do.
type liar struct{ *lamp.Dev }

func (l liar) Set(light device.Light, f device.Flash) error {
	switch devicetest.Lie() {
	case "never dark":
		if f == device.LightOff {
			return nil
		}
	case "takes every light":
		_ = l.Dev.Set(light, f)
		return nil
	case "flashes too fast":
		if f == device.LightMedium {
			f = device.LightQuick
		}
	}
	return l.Dev.Set(light, f)
}

func TestSuiteCatches(t *testing.T) {
	devicetest.Caught(t, "TestSuite", "never dark", "takes every light", "flashes too fast")
}

// TestBuzzerFallsSilent: a tone ends by itself, is heard again when it is asked for
// again, and asking for it waits for nothing.
func TestBuzzerFallsSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		board := new(firmataemu.Board)
		b, err := firmata.New(linktest.Plug(t, "board", board), firmata.Opts{})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = b.Halt() }()
		d, err := lamp.New(b, lamp.Opts{Lights: []lamp.Light{{Name: device.Buzzer, Line: "D13", ActiveLow: true}}})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = d.Halt() }()
		time.Sleep(time.Second)
		sounds := func() bool { high, ok := board.Output(pin); return ok && !high }
		for range 2 {
			if sounds() {
				t.Error("the buzzer sounds before it is asked to")
			}
			begin := time.Now()
			if err := d.Set(device.Buzzer, device.LightContinuous); err != nil || time.Since(begin) != 0 {
				t.Errorf("Set = %v after %v, want nil at once", err, time.Since(begin))
			}
			time.Sleep(2900 * time.Millisecond)
			if !sounds() {
				t.Error("the buzzer is silent after 2.9 s, want a tone of 3 s")
			}
			time.Sleep(200 * time.Millisecond)
			if sounds() {
				t.Error("the buzzer sounds after 3.1 s")
			}
		}
	})
}

// dumb are lines that never answer in time.
type dumb struct{}

func (dumb) String() string { return "dumb lines" }

func (dumb) Input(context.Context, string, gpio.Pull) (gpioline.Input, error) {
	return nil, errors.ErrUnsupported
}

func (dumb) Output(ctx context.Context, _ string, _ gpio.Level) (gpioline.Output, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// TestSetNeverWaits: whatever the lines do.
func TestSetNeverWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := drive(t, dumb{}, "D13", false)
		begin := time.Now()
		if err := d.Set(device.LightCardReader, device.LightQuick); err != nil || time.Since(begin) != 0 {
			t.Errorf("Set = %v after %v, want nil at once", err, time.Since(begin))
		}
	})
}

func TestRefusesNonsense(t *testing.T) {
	card := lamp.Light{Name: device.LightCardReader, Line: "D13"}
	for name, o := range map[string]lamp.Opts{
		"no light": {}, "twice": {Lights: []lamp.Light{card, card}}, "no line": {Lights: []lamp.Light{{Name: card.Name}}},
		"negative": {Lights: []lamp.Light{card}, Tone: -1},
	} {
		if d, err := lamp.New(dumb{}, o); err == nil {
			t.Errorf("%s: New = nil, want an error", name)
			_ = d.Halt()
		}
	}
}
