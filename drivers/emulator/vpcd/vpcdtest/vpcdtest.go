// Package vpcdtest gives tests a pcscd of their own, the real one, with a
// virtual reader: in a mount namespace, with its own settings, so that it meets
// neither the machine's pcscd nor another test's.
package vpcdtest

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Reader is the name of the virtual reader.
const Reader = "Virtual PCD 00 00"

// Service is a pcscd. It can be stopped and started again.
type Service struct {
	Socket string // a link to where it listens, the same for every start
	Addr   string // where its reader waits for a card

	conf string
	mu   sync.Mutex
	cmd  *exec.Cmd
}

// Start starts a pcscd for as long as the test runs. Where that is not possible
// the test is skipped, loudly; with PENJIRE_PEERS=require it fails.
func Start(t testing.TB) *Service {
	t.Helper()
	lib, _ := filepath.Glob("/usr/lib/pcsc/drivers/serial/libifdvpcd.so*") // the pattern is good
	switch {
	case len(lib) == 0:
		missing(t, "the driver of virtual readers (Debian package vsmartcard-vpcd)")
	case os.Geteuid() != 0:
		missing(t, "pcscd needs root for a namespace of its own")
	}
	Need(t, "pcscd")
	dir, err := os.MkdirTemp("", "pcscd") // short: a socket's path has little room
	if err != nil {
		t.Fatal(err)
	}
	s := &Service{Socket: filepath.Join(dir, "comm"), Addr: freeAddr(t), conf: filepath.Join(dir, "conf")}
	_, port, err := net.SplitHostPort(s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	conf := fmt.Sprintf("FRIENDLYNAME \"Virtual PCD\"\nDEVICENAME /dev/null:0x%X\nLIBPATH %s\nCHANNELID 0x%X\n", n, lib[0], n)
	if err := errors.Join(os.Mkdir(s.conf, 0o755), os.WriteFile(filepath.Join(s.conf, "vpcd"), []byte(conf), 0o600)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(s.Stop(), os.RemoveAll(dir)); err != nil {
			t.Error(err)
		}
	})
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	return s
}

// Need asks for programs that are not ours, as Start does.
func Need(t testing.TB, names ...string) {
	t.Helper()
	for _, n := range names {
		if _, err := exec.LookPath(n); err != nil {
			missing(t, n)
		}
	}
}

func missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("PENJIRE_PEERS") == "require" {
		t.Fatalf("PEER MISSING: %s", what)
	}
	t.Skipf("PEER MISSING: %s: what it would have confirmed is not confirmed", what)
}

// freeAddr is an address that nobody listens at.
func freeAddr(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }() // it served its purpose
	return l.Addr().String()
}

// Start starts pcscd and waits until it listens. One that runs goes on.
func (s *Service) Start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd != nil {
		return nil
	}
	// Everything below /run is its own; so is the socket, which is found through
	// its process.
	const script = `mount -t tmpfs tmpfs /run && mkdir -p /run/pcscd || exit 1
pcscd --help | grep -q disable-polkit && set -- "$1" --disable-polkit
conf=$1; shift
exec pcscd --foreground --config "$conf" "$@"`
	cmd := exec.Command("sh", "-c", script, "sh", s.conf)
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS, Setpgid: true}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start pcscd: %w", err)
	}
	s.cmd = cmd
	comm := fmt.Sprintf("/proc/%d/root/run/pcscd/pcscd.comm", cmd.Process.Pid)
	limit := time.After(20 * time.Second)
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for {
		c, err := net.Dial("unix", comm)
		if err == nil {
			_ = c.Close() // it was only to see
			return errors.Join(ignore(os.Remove(s.Socket)), os.Symlink(comm, s.Socket))
		}
		select {
		case <-again.C: // a program that starts says nothing when it has
		case <-limit:
			return fmt.Errorf("pcscd does not listen: %w", err)
		}
	}
}

func ignore(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// Stop kills pcscd, as a crash does. Stopping twice is nothing.
func (s *Service) Stop() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd == nil {
		return nil
	}
	err := syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL)
	_ = s.cmd.Wait() // it was killed
	s.cmd = nil
	return errors.Join(err, ignore(os.Remove(s.Socket)))
}
