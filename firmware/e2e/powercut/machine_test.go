package powercut

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/penjire/penjire/firmware/e2e/virtual"
)

// debian is the kernel of the machine.
var debian = virtual.Debian{
	Package: "linux-image-cloud-amd64", Cache: "guest-kernel",
	Modules: []string{"virtio_ring", "virtio", "virtio_pci_legacy_dev", "virtio_pci_modern_dev", "virtio_pci", "virtio_blk", "dm-mod", "dm-flakey"},
}

// machine is a virtual machine that is switched on again and again with the same
// disk.
type machine struct {
	dir    string
	kernel *virtual.Kernel
}

// newMachine makes a machine, or leaves the test out where there is none to be had.
func newMachine(t *testing.T) *machine {
	t.Helper()
	leave := func(why error) {
		if os.Getenv("PENJIRE_PEERS") == "require" {
			t.Fatal(why)
		}
		t.Skipf("LEFT OUT: power cuts in a virtual machine: %v", why)
	}
	for _, p := range []string{"qemu-system-x86_64", "mke2fs"} {
		if _, err := exec.LookPath(p); err != nil {
			leave(err)
		}
	}
	k, err := debian.Find()
	if err != nil {
		leave(err)
	}
	m := &machine{dir: t.TempDir(), kernel: k}
	if err := m.build(); err != nil {
		t.Fatal(err)
	}
	return m
}

// build makes the first program, the initial file system and an empty disk.
func (m *machine) build() error {
	if err := m.kernel.Pack("./guest", m.path("initrd")); err != nil {
		return err
	}
	return m.wipe()
}

func (m *machine) path(name string) string { return filepath.Join(m.dir, name) }

// wipe makes the disk anew.
func (m *machine) wipe() error {
	if err := os.RemoveAll(m.path("disk")); err != nil {
		return err
	}
	if out, err := exec.Command("mke2fs", "-q", "-t", "ext4", m.path("disk"), "256M").CombinedOutput(); err != nil {
		return fmt.Errorf("make a file system: %w: %s", err, out)
	}
	return nil
}

// life is what a machine said between power on and power off.
type life struct {
	have    map[string]bool // "accepted 7": there at its start
	ready   bool
	acks    map[string]bool // acknowledged; with a disk that lies, before it began to
	fault   string
	refused int
	all     bytes.Buffer
}

// fact is one thing that was acknowledged: "accepted 7".
var fact = regexp.MustCompile(`^[a-z]+( [0-9]+)+$`)

// bootPatience is how long a machine may take that emulates every instruction on
// a busy computer.
const bootPatience = 10 * time.Minute

// live switches the machine on and cuts its power when it says that it is time.
func (m *machine) live(orders map[string]string) (*life, error) {
	cmdline := []string{"console=ttyS0", "quiet", "loglevel=1", "panic=-1", "mitigations=off", "random.trust_cpu=on"}
	for k, v := range orders {
		cmdline = append(cmdline, k+"="+v)
	}
	cmd := exec.Command("qemu-system-x86_64", "-machine", "pc", "-accel", "tcg,thread=multi", "-cpu", "Nehalem,+rdrand", "-m", "512", "-smp", "1",
		"-kernel", m.kernel.Image, "-initrd", m.path("initrd"), "-append", strings.Join(cmdline, " "),
		"-drive", "file="+m.path("disk")+",format=raw,if=virtio,cache=writeback", "-nic", "none", "-display", "none", "-monitor", "none", "-serial", "stdio", "-no-reboot")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	runtime.LockOSThread() // it dies with the thread that starts it
	defer runtime.UnlockOSThread()
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	l := &life{have: map[string]bool{}, acks: map[string]bool{}}
	cmd.Stderr = &l.all
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	late := time.AfterFunc(bootPatience, func() { _ = cmd.Process.Kill() })
	defer late.Stop()
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	cut, ended := false, false
	for !ended && lines.Scan() {
		_, _ = fmt.Fprintf(&l.all, "%s\n", lines.Bytes())
		_, said, ok := strings.Cut(lines.Text(), "penjire: ")
		if !ok {
			continue
		}
		switch what, rest, _ := strings.Cut(said, " "); what {
		case "HAVE":
			l.have[rest] = true
		case "READY":
			l.ready = true
		case "ACK":
			// A line that the kernel wrote into says nothing that can be counted on.
			if !cut && fact.MatchString(rest) {
				l.acks[rest] = true
			}
		case "CUT":
			cut = orders["CUT"] == "drop" // one that refuses does not lie: what is acknowledged after that counts
		case "REFUSED":
			l.refused++
		case "FAULT":
			l.fault = rest
		case "END":
			ended = true
		}
	}
	_ = cmd.Process.Kill() // the power is gone
	_ = cmd.Wait()
	if !ended {
		return nil, fmt.Errorf("the machine did not come to its end (%v):\n%s", cmd.ProcessState, l.all.Bytes())
	}
	return l, nil
}
