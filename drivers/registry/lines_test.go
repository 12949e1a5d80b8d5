package registry_test

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"testing"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/devicetest"
	"github.com/penjire/penjire/drivers/emulator/firmataemu"
	"github.com/penjire/penjire/drivers/emulator/pty"
	"github.com/penjire/penjire/drivers/registry"
)

// TestLinesShareABoard: several devices are on one I/O board, whose port can be
// opened once; it is closed with the last of them.
func TestLinesShareABoard(t *testing.T) {
	check := devicetest.Leaks(t)
	board := new(firmataemu.Board)
	board.Set(2, true)
	board.Set(3, true)
	port, err := pty.Attach(filepath.Join(t.TempDir(), "board"), board)
	if err != nil {
		t.Fatal(err)
	}
	want := func(name, driver, at, options string) registry.Want {
		return registry.Want{Name: name, Driver: driver, Port: at, Options: json.RawMessage(options)}
	}
	rs := registry.Load([]registry.Want{
		want("door", "firmata-sensor", port.Path(), `{"line": "D2", "kind": "cabinetDoor", "pull": "up"}`),
		want("supply", "firmata-sensor", port.Path(), `{"line": "D3", "kind": "supplyFailing", "active": "low"}`),
		want("no kind", "firmata-sensor", port.Path(), `{"line": "D4"}`),
		want("no level", "firmata-sensor", port.Path(), `{"line": "D4", "kind": "cabinetDoor", "active": "up"}`),
		want("absent", "gpio-sensor", "/dev/gpiochip", `{"line": "NO-SUCH-LINE", "kind": "tamperSensor", "pull": "up"}`),
		want("by number", "gpio-sensor", "4", `{"line": "GPIO17", "kind": "tamperSensor"}`),
	})
	for i, s := range []registry.State{registry.Loaded, registry.Loaded, registry.Failed, registry.Failed, registry.Loaded, registry.Failed} {
		if rs[i].State != s {
			t.Fatalf("%s: got %v, %v, want %v", rs[i].Want.Name, rs[i].State, rs[i].Err, s)
		}
	}
	ctx, watched := context.WithCancel(t.Context())
	defer watched()
	for i, c := range []device.Contact{device.ContactActive, device.ContactIdle} {
		d := rs[i].Device.(device.Sensor)
		changes := d.Changes(ctx)
		for got, _ := d.Contact(); got != c; got, _ = d.Contact() {
			<-changes
		}
	}
	if c, _ := rs[4].Device.(device.Sensor).Contact(); c != device.ContactUnknown {
		t.Errorf("contact of a line that is not there = %v, want unknown", c)
	}
	if err := errors.Join(registry.Halt(rs), registry.Halt(rs), port.Close()); err != nil {
		t.Error(err)
	}
	watched()
	check()
}
