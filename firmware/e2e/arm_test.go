package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/penjire/penjire/drivers/devicetest"
	"github.com/penjire/penjire/firmware/kiosk"
	"github.com/penjire/penjire/firmware/printing"
)

// TestARM has the kiosk's programs for the processors of Raspberry Pis run under
// QEMU's user emulation: the daemon drives the bench's devices, tests them, and prints
// what it found.
func TestARM(t *testing.T) {
	const what = "the kiosk's programs for arm64"
	if os.Getenv("PENJIRE_ARM") == "" {
		t.Skipf("LEFT OUT: %s: make nightly has them, or PENJIRE_ARM=1; they are emulated, and a minute is spent on building them", what)
	}
	emulator, err := exec.LookPath("qemu-aarch64-static")
	if err != nil {
		devicetest.LeftOut(t, what, err.Error()+" (apt-get install qemu-user-static)")
	}
	dir := t.TempDir()
	build := exec.Command("go", "build", "-o", dir+"/", "../cmd/penjired", "../cmd/penjire")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOARCH=arm64")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build for arm64: %v\n%s", err, out)
	}
	programs := t.TempDir()
	script := fmt.Sprintf("#!/bin/sh\nexec %q %q \"$@\"\n", emulator, filepath.Join(dir, "penjired"))
	if err := os.WriteFile(filepath.Join(programs, "penjired"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{"bench", "portald"} {
		if err := os.Symlink(filepath.Join(bin, p), filepath.Join(programs, p)); err != nil {
			t.Fatal(err)
		}
	}
	b := startBench(t, "-bin", programs)
	b.wait("the devices are there", func(s state) bool {
		return s.Kiosk.Says != nil && s.Kiosk.Says.Devices.Printer == "good" && s.Kiosk.Says.Devices.Reader == "good"
	})
	said, err := exec.Command(emulator, filepath.Join(dir, "penjire"), "ticket", "--json", "--lang", "ru", "--settings", filepath.Join(b.dir, "kiosk", "settings.json")).Output()
	if err != nil {
		t.Fatalf("penjire ticket: %v: %s", err, said)
	}
	var ticket kiosk.TicketStatus
	if err := json.Unmarshal(said, &ticket); err != nil {
		t.Fatal(err)
	}
	if ticket.Outcome != kiosk.TicketPrinted || len(ticket.Devices) < 2 {
		t.Errorf("the ticket is %s, of %d devices, want it printed: %s", ticket.Outcome, len(ticket.Devices), said)
	}
	for _, d := range ticket.Devices {
		t.Logf("%s (%s): %v, %s", d.Name, d.Class, d.State, d.Words)
		want := printing.Good
		if d.Class == "document-printer" {
			want = printing.Bad // startBench unplugs it
		}
		if d.State != want {
			t.Errorf("%s (%s) is %v: %s, want %v", d.Name, d.Class, d.State, d.Words, want)
		}
	}
	if s := b.state(); s.Devices.Printer.Papers == 0 {
		t.Error("no paper came out of the printer")
	}
}
