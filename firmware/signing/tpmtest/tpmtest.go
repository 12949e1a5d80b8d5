// Package tpmtest gives tests a TPM: swtpm, which is the TPM reference code in a
// process, behind a unix socket. It can be stalled, killed, started again, and
// exchanged for another one.
package tpmtest

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// TPM is a software TPM.
type TPM struct {
	Socket string // where it is reached

	t   testing.TB
	dir string
	pid int
}

// Start makes a TPM and starts it. Where there is no swtpm the test is skipped,
// loudly; with PENJIRE_PEERS=require it fails.
func Start(t testing.TB) *TPM {
	t.Helper()
	for _, n := range []string{"swtpm", "swtpm_setup"} {
		if _, err := exec.LookPath(n); err != nil {
			if os.Getenv("PENJIRE_PEERS") == "require" {
				t.Fatalf("PEER MISSING: %s", n)
			}
			t.Skipf("PEER MISSING: %s: what it would have confirmed is not confirmed", n)
		}
	}
	// A test's own folder may have too long a name for a socket.
	dir, err := os.MkdirTemp("", "tpm")
	if err != nil {
		t.Fatal(err)
	}
	c := &TPM{Socket: filepath.Join(dir, "s"), t: t, dir: dir}
	t.Cleanup(func() {
		c.Kill()
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	c.make()
	c.Run()
	return c
}

func (c *TPM) state() string { return filepath.Join(c.dir, "state") }

func (c *TPM) make() {
	c.t.Helper()
	if err := os.MkdirAll(c.state(), 0o700); err != nil {
		c.t.Fatal(err)
	}
	c.run("swtpm_setup", "--tpm2", "--tpmstate", c.state(), "--ecc", "--overwrite")
}

func (c *TPM) run(name string, args ...string) {
	c.t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		c.t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

// Run starts the TPM with what it kept: as after a power cut. It can be spoken
// to when Run returns.
func (c *TPM) Run() {
	c.t.Helper()
	_ = os.Remove(c.Socket) // a killed one leaves it behind
	pid := filepath.Join(c.dir, "pid")
	// It goes into the background when it listens.
	c.run("swtpm", "socket", "--tpm2", "--tpmstate", "dir="+c.state(), "--daemon", "--pid", "file="+pid,
		"--server", "type=unixio,path="+c.Socket, "--flags", "not-need-init,startup-clear")
	b, err := os.ReadFile(pid)
	if err != nil {
		c.t.Fatal(err)
	}
	if c.pid, err = strconv.Atoi(strings.TrimSpace(string(b))); err != nil {
		c.t.Fatal(err)
	}
}

// Kill ends the TPM as a power cut does. It has ended when Kill returns: until
// then it holds the lock on what it kept, and another could not start.
func (c *TPM) Kill() {
	c.t.Helper()
	if c.pid == 0 {
		return
	}
	fd, err := unix.PidfdOpen(c.pid, 0) // it is no child of ours: it went into the background
	c.signal(syscall.SIGKILL)
	c.pid = 0
	if errors.Is(err, syscall.ESRCH) {
		return
	}
	if err != nil {
		c.t.Errorf("watch swtpm: %v", err)
		return
	}
	defer func() { _ = unix.Close(fd) }()
	for {
		switch n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 30_000); {
		case errors.Is(err, syscall.EINTR):
		case err != nil || n == 0:
			c.t.Errorf("swtpm has not ended: %v", err)
			return
		default:
			return
		}
	}
}

// Stall has the TPM take commands and answer none, until Go.
func (c *TPM) Stall() { c.signal(syscall.SIGSTOP) }

// Go ends a Stall.
func (c *TPM) Go() { c.signal(syscall.SIGCONT) }

// Exchange puts another TPM in the same place: one that has no keys.
func (c *TPM) Exchange() {
	c.t.Helper()
	c.Kill()
	c.make()
	c.Run()
}

func (c *TPM) signal(s syscall.Signal) {
	if c.pid == 0 {
		return
	}
	if err := syscall.Kill(c.pid, s); err != nil && !errors.Is(err, syscall.ESRCH) {
		c.t.Errorf("signal swtpm: %v", err)
	}
}
