// Package rauctest runs a real RAUC service for tests: on a bus of its own, with two
// slots in files and a boot loader in a script. Where rauc or dbus-daemon are not
// installed, or not run as root, the test is left out, or fails where
// PENJIRE_PEERS=require.
package rauctest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/penjire/penjire/sync/release/releasetest"
)

// SlotSize is the size of a slot.
const SlotSize = 4 << 20

// Service is a RAUC service and what it works on.
type Service struct {
	Dir     string
	Address string // of the bus

	t    testing.TB
	stop func()
}

// need returns the programs, or leaves the test out.
func need(t testing.TB) {
	t.Helper()
	var missing []string
	for _, p := range []string{"rauc", "dbus-daemon", "mksquashfs"} {
		if _, err := exec.LookPath(p); err != nil {
			missing = append(missing, p)
		}
	}
	if os.Getuid() != 0 {
		missing = append(missing, "root: rauc mounts bundles")
	}
	if len(missing) == 0 {
		return
	}
	if os.Getenv("PENJIRE_PEERS") == "require" {
		t.Fatalf("peer rauc cannot be used: missing %v (apt-get install rauc dbus squashfs-tools)", missing)
	}
	t.Skipf("LEFT OUT: no RAUC service here (missing %v); updates were not installed by RAUC", missing)
}

// bootloader is RAUC's custom handler: the four words of «custom-backend».
const bootloader = `#!/bin/sh
# primary: the slot that starts next; state.X: good or bad
cd "$(dirname "$0")" || exit 1
case "$1" in
get-primary) cat primary ;;
set-primary) echo "$2" >primary.new && mv primary.new primary && echo "set-primary $2" >>log ;;
get-state) cat "state.$2" ;;
set-state) echo "$3" >"state.$2.new" && mv "state.$2.new" "state.$2" && echo "set-state $2 $3" >>log ;;
*) exit 1 ;;
esac
`

// New returns a service whose keyring has that certificate, not yet started.
func New(t testing.TB, compatible string, keyring []byte) *Service {
	t.Helper()
	need(t)
	s := &Service{t: t, Dir: t.TempDir()}
	s.Address = "unix:path=" + filepath.Join(s.Dir, "bus")
	s.put("keyring.pem", keyring)
	s.put("loader/handler", []byte(bootloader))
	s.put("loader/primary", []byte("A\n"))
	s.put("loader/state.A", []byte("good\n"))
	s.put("loader/state.B", []byte("good\n"))
	s.put("slot.A", make([]byte, SlotSize))
	s.put("slot.B", make([]byte, SlotSize))
	s.put("mnt/.keep", nil)
	s.put("system.conf", fmt.Appendf(nil, `[system]
compatible=%[2]s
bootloader=custom
statusfile=%[1]s/rauc.status
mountprefix=%[1]s/mnt
bundle-formats=plain verity

[handlers]
bootloader-custom-backend=%[1]s/loader/handler

[keyring]
path=%[1]s/keyring.pem
check-purpose=codesign

[slot.rootfs.0]
device=%[1]s/slot.A
type=raw
bootname=A

[slot.rootfs.1]
device=%[1]s/slot.B
type=raw
bootname=B
`, s.Dir, compatible))
	s.put("bus.conf", fmt.Appendf(nil, `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>%s</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/></policy></busconfig>
`, s.Address))
	return s
}

func (s *Service) put(name string, b []byte) {
	s.t.Helper()
	name = filepath.Join(s.Dir, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(name, b, 0o700); err != nil {
		s.t.Fatal(err)
	}
}

// Boot starts the machine: the bus, and the service in the slot that the boot loader
// takes. It ends one that runs.
func (s *Service) Boot() (slot string) {
	s.t.Helper()
	s.Halt()
	slot = s.Primary()
	ctx, cancel := context.WithCancel(s.t.Context())
	var out bytes.Buffer
	bus := exec.CommandContext(ctx, "dbus-daemon", "--config-file="+filepath.Join(s.Dir, "bus.conf"), "--nofork", "--print-address")
	ready, err := bus.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := bus.Start(); err != nil {
		s.t.Fatal(err)
	}
	if _, err := ready.Read(make([]byte, 1)); err != nil { // it prints its address once it listens
		s.t.Fatalf("dbus-daemon: %v", err)
	}
	rauc := exec.CommandContext(ctx, "rauc", "--conf="+filepath.Join(s.Dir, "system.conf"),
		"--override-boot-slot="+slot, "--mount="+filepath.Join(s.Dir, "mnt"), "service")
	rauc.Env = append(os.Environ(), "DBUS_SYSTEM_BUS_ADDRESS="+s.Address)
	rauc.Stdout, rauc.Stderr = &out, &out
	rauc.Cancel = func() error { return rauc.Process.Signal(os.Interrupt) }
	rauc.WaitDelay = 5 * time.Second
	if err := rauc.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.stop = func() {
		cancel()
		_ = rauc.Wait() // it was told to stop
		_ = bus.Wait()
		if s.t.Failed() {
			s.t.Logf("rauc service:\n%s", &out)
		}
		if err := os.Remove(filepath.Join(s.Dir, "bus")); err != nil && !errors.Is(err, os.ErrNotExist) {
			s.t.Error(err)
		}
	}
	s.t.Cleanup(s.Halt)
	s.await()
	return slot
}

// await waits until the service has its name on the bus.
func (s *Service) await() {
	s.t.Helper()
	conn, err := dbus.Connect(s.Address)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	names := make(chan *dbus.Signal, 8)
	conn.Signal(names)
	const name = "de.pengutronix.rauc"
	if err := conn.AddMatchSignal(dbus.WithMatchMember("NameOwnerChanged"), dbus.WithMatchArg(0, name)); err != nil {
		s.t.Fatal(err)
	}
	var has bool
	if err := conn.BusObject().Call("org.freedesktop.DBus.NameHasOwner", 0, name).Store(&has); err != nil {
		s.t.Fatal(err)
	}
	limit := time.After(30 * time.Second)
	for !has {
		select {
		case sig := <-names:
			has = len(sig.Body) == 3 && sig.Body[0] == name && sig.Body[2] != ""
		case <-limit:
			s.t.Fatal("the rauc service does not come up within 30 s")
		}
	}
}

// Halt stops the machine.
func (s *Service) Halt() {
	if s.stop != nil {
		s.stop()
		s.stop = nil
	}
}

// Primary returns the slot that starts next.
func (s *Service) Primary() string { return s.read("loader/primary") }

// State returns what the boot loader is told of a slot: good or bad.
func (s *Service) State(slot string) string { return s.read("loader/state." + slot) }

// Log returns what the boot loader was told so far.
func (s *Service) Log() string { return s.read("loader/log") }

// SetPrimary is the boot loader, which goes back to another slot.
func (s *Service) SetPrimary(slot string) { s.put("loader/primary", []byte(slot+"\n")) }

func (s *Service) read(name string) string {
	s.t.Helper()
	b, err := os.ReadFile(filepath.Join(s.Dir, name))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		s.t.Fatal(err)
	}
	return strings.TrimSpace(string(b))
}

// Slot returns the first bytes of a slot.
func (s *Service) Slot(name string, n int) []byte {
	s.t.Helper()
	b, err := os.ReadFile(filepath.Join(s.Dir, "slot."+name))
	if err != nil {
		s.t.Fatal(err)
	}
	return b[:n]
}

// Bundle has rauc make a bundle with that content of a root, signed by key. Its format
// is «plain»: «verity», which images use, needs a device mapper.
func Bundle(t testing.TB, compatible, version string, root []byte, key releasetest.Key) []byte {
	t.Helper()
	need(t)
	dir := t.TempDir()
	for name, b := range map[string][]byte{
		"in/manifest.raucm": fmt.Appendf(nil, "[update]\ncompatible=%s\nversion=%s\n[bundle]\nformat=plain\n[image.rootfs]\nfilename=root.img\n", compatible, version),
		"in/root.img":       root, "cert.pem": key.CertPEM(), "key.pem": key.KeyPEM(t),
	} {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out := filepath.Join(dir, "out.raucb")
	cmd := exec.CommandContext(t.Context(), "rauc", "bundle", "--cert", filepath.Join(dir, "cert.pem"), "--key", filepath.Join(dir, "key.pem"), filepath.Join(dir, "in"), out)
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("rauc bundle: %v\n%s", err, said)
	}
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
