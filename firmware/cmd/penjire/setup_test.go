package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/penjire/penjire/drivers/devicetest"
)

// TestSetupOntoStick writes a set-up onto what the kernel has mounted: into its root
// alone, and only where a kiosk reads it.
func TestSetupOntoStick(t *testing.T) {
	const what = "a set-up written onto a medium"
	if _, err := os.Stat("/dev/loop-control"); err != nil {
		t.Skip("LEFT OUT: " + what + ": this kernel has no loop devices")
	}
	if os.Getuid() != 0 {
		devicetest.LeftOut(t, what, "only root may mount it")
	}
	dir := t.TempDir()
	if err := specimenImage(dir); err != nil {
		t.Fatal(err)
	}
	medium, memory := filepath.Join(dir, "stick"), filepath.Join(dir, "memory")
	for _, d := range []string{medium, memory} {
		if err := os.Mkdir(d, 0o700); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = unix.Unmount(d, unix.MNT_DETACH) }) // it may not be mounted
	}
	for _, args := range [][]string{
		{"mke2fs", "-q", "-t", "ext4", filepath.Join(dir, "file"), "4096k"},
		{"mount", "-o", "loop", filepath.Join(dir, "file"), medium},
		{"mount", "-t", "tmpfs", "tmpfs", memory},
	} {
		if out, err := exec.CommandContext(t.Context(), args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%q: %v: %s", args, err, out)
		}
	}
	if err := os.Mkdir(filepath.Join(medium, "below"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, v := range []struct{ folder, says string }{
		{filepath.Join(medium, "below"), "is not the root of a stick"},
		{memory, "they read FAT, exFAT and ext4"},
		{dir, "on the machine's own disk"},
		{medium, ""},
	} {
		var stdout, stderr bytes.Buffer
		st := setupCommand(t.Context(), []string{"write", filepath.Join(dir, "setup.json"), v.folder}, nil, &stdout, &stderr)
		if good := st == good; good != (v.says == "") || !strings.Contains(stderr.String(), v.says) {
			t.Errorf("write into %s = %d, %s; want %q", v.folder, st, stderr.String(), v.says)
		}
	}
	want, err := os.ReadFile(filepath.Join(dir, "setup.json"))
	if err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(filepath.Join(medium, "setup.json")); err != nil || !bytes.Equal(b, want) {
		t.Errorf("on the stick is %d bytes, %v; want the set-up", len(b), err)
	}
}
