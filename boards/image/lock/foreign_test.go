package lock

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestStored has dpkg-deb make a package, and read the same of it without compression.
func TestStored(t *testing.T) {
	if _, err := exec.LookPath("dpkg-deb"); err != nil {
		if os.Getenv("PENJIRE_PEERS") == "require" {
			t.Fatal("dpkg-deb is missing and PENJIRE_PEERS=require")
		}
		t.Skip("LEFT OUT: dpkg-deb is not here; no package was written without compression")
	}
	dir := t.TempDir()
	tree := filepath.Join(dir, "tree")
	text := strings.Repeat("one two three ", 1000) + "." // odd
	for at, body := range map[string]string{
		"DEBIAN/control": "Package: a\nVersion: 1\nArchitecture: all\nMaintainer: nobody <nobody@example.org>\nDescription: a\n", "usr/share/a": text,
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(tree, at)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(tree, at), []byte(body), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	run := func(args ...string) []byte {
		t.Helper()
		out, err := exec.Command("dpkg-deb", args...).Output()
		if err != nil {
			t.Fatalf("dpkg-deb %q: %v", args, err)
		}
		return out
	}
	from, to := filepath.Join(dir, "a.deb"), filepath.Join(dir, "b.deb")
	run("--root-owner-group", "-Zxz", "-b", tree, from)
	if err := stored(from, to); err != nil {
		t.Fatal(err)
	}
	for _, what := range []string{"--ctrl-tarfile", "--fsys-tarfile", "-f"} {
		if !bytes.Equal(run(what, from), run(what, to)) {
			t.Errorf("dpkg-deb %s reads something else", what)
		}
	}
	if b, err := os.ReadFile(to); err != nil || !bytes.Contains(b, []byte(text)) {
		t.Errorf("it is compressed still: %v", err)
	}
	if err := stored(filepath.Join(dir, "none.deb"), to); err == nil || !strings.Contains(err.Error(), "none.deb") {
		t.Errorf("stored of nothing = %v, want an error that names it", err)
	}
}
