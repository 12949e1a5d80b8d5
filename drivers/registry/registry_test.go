package registry_test

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"testing"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/devicetest"
	"github.com/penjire/penjire/drivers/emulator/pn532emu"
	"github.com/penjire/penjire/drivers/emulator/printer"
	"github.com/penjire/penjire/drivers/emulator/pty"
	"github.com/penjire/penjire/drivers/registry"
)

// TestLoad: two devices that are there, one that is not plugged in, and four
// that are wrong, each without harm to the others.
func TestLoad(t *testing.T) {
	check := devicetest.Leaks(t)
	dir := t.TempDir()
	reader, err := pty.Attach(filepath.Join(dir, "reader"), new(pn532emu.Chip))
	if err != nil {
		t.Fatal(err)
	}
	paper, err := pty.Attach(filepath.Join(dir, "printer"), printer.New(printer.Opts{}))
	if err != nil {
		t.Fatal(err)
	}
	rs := registry.Load([]registry.Want{
		{Name: "reader", Driver: "pn532-hsu", Port: reader.Path(), Options: json.RawMessage(`{"poll_ms": 20}`)},
		{Name: "printer", Driver: "escpos", Port: paper.Path(), Options: json.RawMessage(`{"profile": "epson-tm-t20", "width": 384, "dpi": 180}`)},
		{Name: "absent", Driver: "escpos", Port: filepath.Join(dir, "absent")},
		{Name: "unwanted", Driver: "escpos"},
		{Name: "unknown", Driver: "abacus", Port: "x"},
		{Name: "misspelt", Driver: "escpos", Port: "x", Options: json.RawMessage(`{"widht": 384}`)},
		{Name: "senseless", Driver: "escpos", Port: "x", Options: json.RawMessage(`{"width": -8}`)},
		{Name: "twice", Driver: "pn532-hsu", Port: "x", Options: json.RawMessage(`{} {}`)},
	})
	want := []registry.State{
		registry.Loaded, registry.Loaded, registry.Loaded, registry.Skipped,
		registry.Failed, registry.Failed, registry.Failed, registry.Failed,
	}
	for i, r := range rs {
		if r.State != want[i] || (r.Device != nil) != (r.State == registry.Loaded) || (r.Err != nil) != (r.State == registry.Failed) {
			t.Errorf("%s: got %v, %v, %v, want %v", r.Want.Name, r.State, r.Device, r.Err, want[i])
		}
	}
	if !errors.Is(rs[4].Err, registry.ErrNoDriver) {
		t.Errorf("unknown: got %v, want ErrNoDriver", rs[4].Err)
	}
	p := registry.Printer(rs)
	if p == nil || p.Width() != 384 || p.DPI() != 180 {
		t.Fatalf("Printer = %v, want the one with 384 dots", p)
	}
	ctx, watched := context.WithCancel(t.Context())
	defer watched()
	for _, d := range []device.Watcher{registry.Reader(rs).(device.Watcher), p} {
		changes := d.Changes(ctx)
		for d.Health() != device.Online {
			<-changes
		}
	}
	if err := registry.Halt(rs); err != nil {
		t.Errorf("Halt = %v, want nil", err)
	}
	if err := errors.Join(reader.Close(), paper.Close()); err != nil {
		t.Error(err)
	}
	if registry.Reader(nil) != nil {
		t.Error("Reader of nothing, want nil")
	}
	watched()
	check()
}
