package flash

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

	"github.com/penjire/penjire/boards/layout"
	"github.com/penjire/penjire/firmware/enrol"
)

// loop makes a block device of a file of that many bytes.
func loop(t *testing.T, size int64) (dev Medium, backing string) {
	t.Helper()
	peer(t, "no medium was written that is a block device", "losetup")
	backing = filepath.Join(t.TempDir(), "medium")
	if err := os.WriteFile(backing, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(backing, size); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "losetup", "--find", "--show", backing).CombinedOutput()
	if err != nil {
		t.Skipf("LEFT OUT: this kernel makes no loop device (%v: %s); no medium was written that is a block device", err, out)
	}
	path := strings.TrimSpace(string(out))
	t.Cleanup(func() {
		if out, err := exec.Command("losetup", "--detach", path).CombinedOutput(); err != nil {
			t.Errorf("losetup --detach %s: %v: %s", path, err, out)
		}
	})
	m, err := System{}.Find(path)
	if err != nil || m.Bus != Loop || m.Bytes != size || len(m.Refused) > 0 {
		t.Fatalf("Find(%s) = %+v, %v, want a loop device of %d bytes that may be written to", path, m, err, size)
	}
	return m, backing
}

// TestBlockDevice: the kernel's own block layer under it, with reads and writes past
// its memory.
func TestBlockDevice(t *testing.T) {
	r := newLaidOut(t, foreignFAT(t))
	m, _ := loop(t, int64(len(r.bytes))+9*mib)
	to, err := System{}.Open(m)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := (System{}).Open(m); !errors.Is(err, ErrBusy) {
		t.Errorf("Open of a device that is being written = %v, %v, want ErrBusy", again, err)
	}
	s := setup(t)
	if err := (&Job{Image: r.image(t), To: to, Setup: s}).Run(t.Context()); err != nil {
		t.Fatalf("Run = %v, want nil", err)
	}
	if err := to.Close(); err != nil {
		t.Fatal(err)
	}
	// Others read it: the set-up by mtools, the rest by the kernel.
	own, _ := s.Marshal()
	if out := run(t, "mtype", "-i", fmt.Sprintf("%s@@%d", m.Path, r.at(layout.Setup)), "::"+enrol.SetupFile); out != string(own) {
		t.Errorf("mtype of the set-up = %d bytes, want %d: %q", len(out), len(own), out[:min(100, len(out))])
	}
	b, err := os.ReadFile(m.Path)
	if err != nil {
		t.Fatal(err)
	}
	at := r.at(layout.BootA)
	if !bytes.Equal(b[:r.at(layout.Setup)], r.bytes[:r.at(layout.Setup)]) || !bytes.Equal(b[at:len(r.bytes)], r.bytes[at:]) {
		t.Error("the device has something else than the image")
	}
	in := inspect(t, r, m.Path, false)
	if in.Signature != "good" || !strings.Contains(in.Setup, "K-000123") {
		t.Errorf("Inspect = %+v", in)
	}
}

// TestCorruptedBlockDevice: what changes on the medium between writing and reading
// back is found.
func TestCorruptedBlockDevice(t *testing.T) {
	r := newRig(t)
	m, backing := loop(t, int64(len(r.bytes))+mib)
	to, err := System{}.Open(m)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := to.Close(); err != nil {
			t.Errorf("Close = %v, want nil", err)
		}
	})
	at, done := r.at(layout.RootA)+4321, false
	job := &Job{Image: r.image(t), To: to, Progress: func(p Phase, _, _ int64) {
		if p != Comparing || done {
			return
		}
		done = true
		f, err := os.OpenFile(backing, os.O_WRONLY, 0)
		if err != nil {
			t.Error(err)
			return
		}
		if _, err := f.WriteAt([]byte{^r.bytes[at]}, at); err != nil {
			t.Error(err)
		}
		if err := errors.Join(f.Sync(), f.Close()); err != nil {
			t.Error(err)
		}
	}}
	err = job.Run(t.Context())
	if d, ok := errors.AsType[*Difference](err); !ok || d.Offset != at || !errors.Is(err, ErrBadMedium) {
		t.Errorf("Run = %v, want the difference at byte %d", err, at)
	}
	b := make([]byte, chunkUnit)
	f, err := os.Open(backing)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.ReadAt(b, 0); err != nil || !bytes.Equal(b, make([]byte, chunkUnit)) {
		t.Errorf("the first block of a bad medium = %v…, %v, want nothing", b[:8], err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestDevicesInUse: what the kernel has in use is refused, whoever uses it.
func TestDevicesInUse(t *testing.T) {
	peer(t, "mounted devices were not refused", "mke2fs", "mount", "umount")
	m, _ := loop(t, 8*mib)
	run(t, "mke2fs", "-q", "-t", "ext4", m.Path) // not every kernel knows vfat
	at := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "mount", m.Path, at).CombinedOutput(); err != nil {
		leftOut(t, "nothing can be mounted here (%v: %s); a mounted device was not refused", err, out)
	}
	now, err := System{}.Find(m.Path)
	if want := m.Name + " is mounted at " + at; err != nil || len(now.Refused) != 1 || now.Refused[0] != want || !strings.Contains(now.Hint, "umount "+at) {
		t.Errorf("Find = %+v, %v, want %q and what to do", now, err, want)
	}
	if _, err := (System{}).Open(m); !errors.Is(err, ErrRefused) { // as it was listed before
		t.Errorf("Open of a mounted device = %v, want ErrRefused", err)
	}
	if _, err := OpenTarget(m.Path); !errors.Is(err, ErrBusy) { // the kernel's own refusal
		t.Errorf("OpenTarget of a mounted device = %v, want ErrBusy", err)
	}
	run(t, "umount", at)
	if now, err := (System{}).Find(m.Path); err != nil || len(now.Refused) != 0 {
		t.Errorf("Find after umount = %+v, %v, want nothing refused", now, err)
	}
}

// TestMappedDevice: a device that another is built upon.
func TestMappedDevice(t *testing.T) {
	peer(t, "a device under a mapping was not refused", "dmsetup")
	m, _ := loop(t, 8*mib)
	name := fmt.Sprintf("penjire-test-%d", os.Getpid())
	cmd := exec.CommandContext(t.Context(), "dmsetup", "create", name, "--table", "0 2048 linear "+m.Path+" 0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("LEFT OUT: this kernel maps no devices (%v: %s); a device under a mapping was not refused", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.CommandContext(context.Background(), "dmsetup", "remove", name).CombinedOutput(); err != nil {
			t.Errorf("dmsetup remove: %v: %s", err, out)
		}
	})
	now, err := System{}.Find(m.Path)
	if err != nil || len(now.Refused) == 0 || !strings.Contains(now.Refused[0], "belongs to dm-") {
		t.Errorf("Find = %+v, %v, want it refused", now, err)
	}
	if _, err := OpenTarget(m.Path); !errors.Is(err, ErrBusy) {
		t.Errorf("OpenTarget = %v, want ErrBusy", err)
	}
}

// TestSystemDisk: the disk that this system runs from is refused, where it is a disk.
func TestSystemDisk(t *testing.T) {
	all, err := System{}.Media()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range all {
		for _, why := range m.Refused {
			if strings.Contains(why, "holds the system that is running") {
				if _, err := (System{}).Open(m); !errors.Is(err, ErrRefused) {
					t.Errorf("Open of %s = %v, want ErrRefused", m.Path, err)
				}
				return
			}
		}
	}
	t.Log("the system here runs from no disk of its own")
}
