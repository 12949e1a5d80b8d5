package lock

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestNative makes a package of this machine's shell and a script, and wants the shell
// alone to stand in for that of a root file system, and nothing of it to stay there.
func TestNative(t *testing.T) {
	for _, p := range []string{"dpkg-deb", "dash"} {
		if _, err := exec.LookPath(p); err != nil {
			if os.Getenv("PENJIRE_PEERS") == "require" {
				t.Fatalf("%s is missing and PENJIRE_PEERS=require", p)
			}
			t.Skipf("LEFT OUT: %s is not here; no program stood in for another", p)
		}
	}
	dash, err := exec.LookPath("dash")
	if err != nil {
		t.Fatal(err)
	}
	shell, err := os.ReadFile(dash)
	if err != nil {
		t.Fatal(err)
	}
	loader, err := interpreter(dash)
	if err != nil || loader == "" {
		t.Fatalf("interpreter(%s) = %q, %v", dash, loader, err)
	}
	dir := t.TempDir()
	tree := filepath.Join(dir, "tree")
	put := func(at string, body []byte) {
		t.Helper()
		at = filepath.Join(tree, at)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, body, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	put("DEBIAN/control", []byte("Package: a\nVersion: 1\nArchitecture: all\nMaintainer: nobody <nobody@example.org>\nDescription: a\n"))
	for _, name := range []string{"dash", "uname", "dpkg", "dpkg-deb"} {
		put("usr/bin/"+name, shell)
	}
	put("usr/bin/script", []byte("#!/bin/sh\n"))
	put("usr/lib/here/ld.so", nil)
	if err := os.MkdirAll(filepath.Join(tree, "usr", filepath.Dir(loader)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../lib/here/ld.so", filepath.Join(tree, "usr", loader)); err != nil {
		t.Fatal(err)
	}
	s, p := Store(filepath.Join(dir, "store")), Package{Name: "a", SHA256: hash}
	if err := os.MkdirAll(filepath.Dir(s.File(p)), 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("dpkg-deb", "--root-owner-group", "-b", tree, s.File(p)).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	n, err := Base{Native: []Package{p}}.unpackNative(context.Background(), filepath.Join(dir, "native"), s)
	if want := []string{"usr/bin/dash", "usr/bin/dpkg-deb"}; err != nil || !slices.Equal(n.program, want) || n.lib != "usr/lib/here" {
		t.Fatalf("unpackNative = %+v, %v, want %q and their libraries in usr/lib/here", n, err, want)
	}
	on, off, err := n.hooks(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, script := range []string{on, off} {
		if out, err := exec.Command("dash", "-n", script).CombinedOutput(); err != nil {
			t.Errorf("%s: %v: %s", script, err, out)
		}
	}
	up, _ := os.ReadFile(on)
	down, _ := os.ReadFile(off)
	for _, at := range append(n.program, n.lib) {
		if !strings.Contains(string(up), "mount --bind") || !strings.Contains(string(up), at) || !strings.Contains(string(down), "umount") || !strings.Contains(string(down), at) {
			t.Errorf("%s is not mounted, or stays:\n%s%s", at, up, down)
		}
	}
	if took, made := strings.Index(string(down), "rmdir"), strings.Index(string(down), "update-initramfs"); took < 0 || made < took {
		t.Errorf("the initramfs is made while programs stand in for others:\n%s", down)
	}
}
