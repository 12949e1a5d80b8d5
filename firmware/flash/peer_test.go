package flash

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/penjire/penjire/boards/layout"
	"github.com/penjire/penjire/boards/manifest"
	"github.com/penjire/penjire/firmware/enrol"
)

// peer requires programs that did not come from us.
func peer(t *testing.T, without string, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			leftOut(t, "the peer %s is not installed; %s", p, without)
		}
	}
}

func leftOut(t *testing.T, format string, args ...any) {
	t.Helper()
	if os.Getenv("PENJIRE_PEERS") == "require" {
		t.Fatalf(format, args...)
	}
	t.Skip("LEFT OUT: " + fmt.Sprintf(format, args...))
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Env = append(os.Environ(), "MTOOLS_SKIP_CHECK=1")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s%s", name, args, err, out, &stderr)
	}
	return string(out)
}

// foreignFAT is an empty set-up partition as images have it: made by mtools.
func foreignFAT(t *testing.T) []byte {
	t.Helper()
	peer(t, "a set-up partition made, read and checked by others was not tested", "mformat", "mtype", "fsck.vfat")
	f := filepath.Join(t.TempDir(), "fat")
	run(t, "mformat", "-C", "-i", f, "-T", "32768", "-h", "255", "-s", "63", "-v", layout.SetupLabel, "::")
	b, err := os.ReadFile(f)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestSetupReadByOthers: mtools made the partition and reads the set-up in it, and
// dosfstools finds nothing wrong.
func TestSetupReadByOthers(t *testing.T) {
	s := setup(t)
	own, err := s.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	b, err := put(foreignFAT(t), map[string][]byte{enrol.SetupFile: own, ManifestFile: bytes.Repeat([]byte("m"), 5000)})
	if err != nil {
		t.Fatal(err)
	}
	f := filepath.Join(t.TempDir(), "fat")
	if err := os.WriteFile(f, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if out := run(t, "mtype", "-i", f, "::"+enrol.SetupFile); out != string(own) {
		t.Errorf("mtype of the set-up = %d bytes, want the %d that were written", len(out), len(own))
	}
	if out := run(t, "fsck.vfat", "-n", f); strings.Contains(out, "eclaimed") || strings.Contains(out, "differ") {
		t.Errorf("fsck.vfat: %s", out)
	}
	if files, err := get(b, 1<<20, enrol.SetupFile); err != nil || !bytes.Equal(files[enrol.SetupFile], own) {
		t.Errorf("get = %v, want what was put", err)
	}
}

// TestReleaseInASlot: what mksquashfs made is read.
func TestReleaseInASlot(t *testing.T) {
	peer(t, "the release in a slot was not read", "mksquashfs")
	dir := t.TempDir()
	file := filepath.Join(dir, "root", layout.ReleaseFile)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(`{"version":"1.4.0","board":"rpi4","build":"2026-11-30T00:00:00Z","data_format":1}`), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, "mksquashfs", filepath.Join(dir, "root"), filepath.Join(dir, "sq"), "-comp", "zstd", "-b", "256K", "-no-progress")
	sq, err := os.ReadFile(filepath.Join(dir, "sq"))
	if err != nil {
		t.Fatal(err)
	}
	r := newLaidOut(t, emptyFAT(t, 16*mib))
	plain := strings.TrimSuffix(r.path, ".zst")
	b := bytes.Clone(r.bytes)
	copy(b[r.at(layout.RootB):], sq)
	clear(b[r.at(layout.RootA):r.at(layout.RootB)])
	r.write(t, plain, b)
	in := inspect(t, r, plain, false)
	if len(in.Slots) != 2 || in.Slots[0].State != Empty || in.Slots[0].Release != nil ||
		in.Slots[1].State != Changed || in.Slots[1].Release == nil || in.Slots[1].Release.Version != "1.4.0" {
		t.Errorf("slots: got %+v, want nothing in A and 1.4.0 in B", in.Slots)
	}
	// A damaged one is no other release, and no panic either.
	for i := range 96 {
		f := filepath.Join(dir, "damaged")
		bad := bytes.Clone(sq)
		bad[i] ^= 0xff
		if err := os.WriteFile(f, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		at, err := os.Open(f)
		if err != nil {
			t.Fatal(err)
		}
		if rel, err := releaseIn(at, manifest.Range{Name: layout.RootB, Size: int64(len(bad))}); err == nil && rel.Version != "1.4.0" {
			t.Errorf("byte %d changed: releaseIn = %+v", i, rel)
		}
		if err := at.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
