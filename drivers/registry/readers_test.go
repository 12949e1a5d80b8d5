package registry_test

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/penjire/penjire/drivers/crt591"
	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/devicetest"
	"github.com/penjire/penjire/drivers/emulator/crt591emu"
	"github.com/penjire/penjire/drivers/emulator/pcscd"
	"github.com/penjire/penjire/drivers/emulator/pty"
	"github.com/penjire/penjire/drivers/registry"
)

// TestReaders: each card reader's options reach its driver, and what is wrong in
// them is said.
func TestReaders(t *testing.T) {
	dir := t.TempDir()
	socket, err := pcscd.Listen(filepath.Join(dir, "pcscd"), pcscd.New(pcscd.Opts{}))
	if err != nil {
		t.Fatal(err)
	}
	unit := crt591emu.New(crt591emu.Opts{Addr: 3})
	motor, err := pty.Attach(filepath.Join(dir, "motor"), unit)
	if err != nil {
		t.Fatal(err)
	}
	want := func(driver, port, options string) registry.Want {
		return registry.Want{Name: driver, Driver: driver, Port: port, Options: json.RawMessage(options)}
	}
	rs := registry.Load([]registry.Want{
		want("pcsc", socket.Path(), `{"reader": "Penjire", "shared": true}`),
		want("crt591", motor.Path(), `{"address": 3, "closed": true, "untaken": "hold", "take_ms": 20000}`),
		want("pn532-spi", "/dev/spidev7.3", `{"khz": 2000}`),
	})
	for _, r := range rs {
		if r.State != registry.Loaded {
			t.Fatalf("%s: got %v, %v, want loaded", r.Want.Driver, r.State, r.Err)
		}
	}
	for i, health := range []device.Health{device.Online, device.Online, device.NoDevice} {
		w := rs[i].Device.(device.Watcher)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		changes := w.Changes(ctx)
		for w.Health() != health {
			if _, open := <-changes; !open {
				t.Fatalf("%v: health %v, want %v", w, w.Health(), health)
			}
		}
		cancel()
	}
	if unit.Insert(new(devicetest.Card)) {
		t.Error("the motor reader's gate is open, want it closed by option")
	}
	if _, ok := rs[1].Device.(*crt591.Dev); !ok {
		t.Errorf("crt591 is a %T", rs[1].Device)
	}
	if err := errors.Join(registry.Halt(rs), socket.Close(), motor.Close()); err != nil {
		t.Error(err)
	}
	for _, bad := range []registry.Want{
		want("pcsc", "x", `{"raeder": ""}`),
		want("pcsc", "x", `{"timeout_ms": -1}`),
		want("crt591", "x", `{"untaken": "burn"}`),
		want("crt591", "x", `{"address": 16}`),
		want("crt591", "x", `{"parity": "sometimes"}`),
		want("pn532-spi", "/dev/i2c-1", ``),
		want("pn532-spi", "/dev/spidev0.0x", ``),
		want("pn532-spi", "/dev/spidev0.0", `{"khz": 9000}`),
		want("pn532-spi", "/dev/spidev0.0", `{"baud": 9600}`),
	} {
		if r := registry.Load([]registry.Want{bad})[0]; r.State != registry.Failed || r.Err == nil {
			t.Errorf("%s on %s with %s: got %v, want failed", bad.Driver, bad.Port, bad.Options, r.State)
		}
	}
}
