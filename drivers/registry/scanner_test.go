package registry_test

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"testing"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/devicetest"
	"github.com/penjire/penjire/drivers/emulator/codescanner"
	"github.com/penjire/penjire/drivers/emulator/pty"
	"github.com/penjire/penjire/drivers/registry"
)

// TestLoadScanners opens every kind of code scanner by its name, with every
// option it has, over a pseudo-terminal, and refuses options that are wrong.
func TestLoadScanners(t *testing.T) {
	check := devicetest.Leaks(t)
	dir := t.TempDir()
	for name, v := range map[string]struct {
		emu     codescanner.Protocol
		options string
	}{
		"serialscan": {
			&codescanner.Typed{Suffix: "\r\n", AIM: true, Start: []byte("\x16T\r"), Stop: []byte("\x16U\r"), Answer: []byte{6}},
			`{"baud": 115200, "suffix": "crlf", "gap_ms": 80, "max": 4000, "aim": true, "own": true,
			  "start_command": "16540d", "stop_command": "16550d", "answer": "06", "reopen_ms": 100}`,
		},
		"ssi":       {&codescanner.SSI{}, `{"baud": 9600, "max": 4000, "beep": true, "keep": true, "check_ms": 500, "reopen_ms": 100}`},
		"gm65":      {&codescanner.GM65{}, `{"baud": 115200, "max": 4000, "sound": true, "aim": true, "check_ms": 500, "reopen_ms": 100}`},
		"mrzreader": {&codescanner.MRZ{Between: "\r"}, `{"parity": "even", "data": 7, "gap_ms": 80, "lines_ms": 300, "own": true, "reopen_ms": 100}`},
	} {
		port, err := pty.Attach(filepath.Join(dir, name), codescanner.New(v.emu))
		if err != nil {
			t.Fatal(err)
		}
		rs := registry.Load([]registry.Want{{Name: "scanner", Driver: name, Port: port.Path(), Options: json.RawMessage(v.options)}})
		d, other := registry.CodeScanner(rs), registry.MRZReader(rs)
		if name == "mrzreader" {
			d, other = other, d
		}
		if other != nil {
			t.Errorf("%s is taken for another kind of scanner", name)
		}
		if rs[0].State != registry.Loaded || d == nil {
			t.Fatalf("%s: got %v, %v, want it loaded", name, rs[0].State, rs[0].Err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		for changes := d.Changes(ctx); d.Health() != device.Online; <-changes {
		}
		cancel()
		if err := errors.Join(registry.Halt(rs), port.Close()); err != nil {
			t.Error(err)
		}
		for _, wrong := range []string{`{"bauds": 9600}`, `{"max": -1, "gap_ms": -1}`, `{"start_command": "xyz"}`} {
			if r := registry.Load([]registry.Want{{Name: "scanner", Driver: name, Port: port.Path(), Options: json.RawMessage(wrong)}})[0]; r.State != registry.Failed {
				t.Errorf("%s with %s: got %v, want failed", name, wrong, r.State)
			}
		}
	}
	if registry.CodeScanner(nil) != nil {
		t.Error("CodeScanner of nothing, want nil")
	}
	check()
}
