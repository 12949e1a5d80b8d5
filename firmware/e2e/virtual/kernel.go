// Package virtual is the virtual machines of tests: QEMU with a console that is read
// line by line, a screen, keys and pointers, disks that lose what was not flushed
// when their power is cut, and far ends of serial lines in the test's own process.
// It finds what they are started with: Debian's kernel and a first file system that
// is made for the test.
package virtual

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Debian is the package of a kernel and the modules that a guest needs besides what
// is built in, in the order in which they are loaded. The kernel comes as it is,
// fetched by apt into the user's cache and never installed or committed.
type Debian struct {
	Package string // "linux-image-cloud-amd64"
	Suite   string // where apt looks for it, beside its mirror's own suites: "trixie-backports"; "": where it looks anyway
	Cache   string // name of its folder in the cache
	Modules []string
}

// Kernel is a kernel and its modules, unpacked.
type Kernel struct {
	Image   string
	order   []string
	modules map[string]string // name: file
}

// Find returns the cached kernel, or fetches one.
func (d Debian) Find() (*Kernel, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(cache, "penjire", d.Cache)
	if k, err := d.read(dir); err == nil {
		return k, nil
	}
	if err := d.fetch(dir); err != nil {
		return nil, err
	}
	return d.read(dir)
}

func (d Debian) read(dir string) (*Kernel, error) {
	images, _ := filepath.Glob(filepath.Join(dir, "boot", "vmlinuz-*"))
	if len(images) == 0 { // where Debian has it since Linux 7
		images, _ = filepath.Glob(filepath.Join(dir, "usr", "lib", "modules", "*", "vmlinuz"))
	}
	if len(images) == 0 {
		return nil, fmt.Errorf("no kernel in %s", dir)
	}
	k := &Kernel{Image: images[len(images)-1], order: d.Modules, modules: map[string]string{}}
	for _, lib := range []string{"lib", "usr/lib"} {
		_ = filepath.WalkDir(filepath.Join(dir, lib), func(p string, _ os.DirEntry, err error) error {
			name, _, ok := strings.Cut(filepath.Base(p), ".ko")
			if err == nil && ok && slices.Contains(d.Modules, name) {
				k.modules[name] = p
			}
			return nil
		})
	}
	for _, m := range d.Modules {
		if k.modules[m] == "" {
			return nil, fmt.Errorf("the kernel in %s has no module %s", dir, m)
		}
	}
	return k, nil
}

// module returns the bytes of a module.
func (k *Kernel) module(name string) ([]byte, error) {
	file := k.modules[name]
	if strings.HasSuffix(file, ".xz") {
		return exec.Command("xz", "-dc", file).Output()
	}
	return os.ReadFile(file)
}
