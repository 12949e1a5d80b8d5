// Package ptytest puts emulated devices at ports of the kernel's for a test.
package ptytest

import (
	"path/filepath"
	"testing"

	"github.com/penjire/penjire/drivers/devicetest"
	"github.com/penjire/penjire/drivers/emulator/pty"
)

// Attach plugs dev in and returns its port's path, and what pulls its cable and plugs
// it in again. When the test ends the port is closed, and nothing may be left open.
func Attach(t *testing.T, dev pty.Device) (path string, unplug, replug func()) {
	t.Helper()
	t.Cleanup(devicetest.Leaks(t))
	port, err := pty.Attach(filepath.Join(t.TempDir(), "device"), dev)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := port.Close(); err != nil {
			t.Errorf("Close = %v, want nil", err)
		}
	})
	must := func(f func() error) func() {
		return func() {
			if err := f(); err != nil {
				t.Error(err)
			}
		}
	}
	return port.Path(), must(port.Unplug), must(port.Replug)
}
