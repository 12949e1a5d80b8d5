package virtual

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
)

// Pack writes a first file system to file: the program of the Go package guest as
// /init, the modules, which it loads in the order of their names, in /modules, and
// the tests of the packages tests in /tests, each by the last part of its path.
func (k *Kernel) Pack(guest, file string, tests ...string) error {
	var a archive
	if err := a.program("init", file+".init", "build", guest); err != nil {
		return err
	}
	a.add("tests", 0o40755, nil)
	for _, t := range tests {
		if err := a.program("tests/"+path.Base(t), file+".test", "test", "-c", t); err != nil {
			return err
		}
	}
	a.add("modules", 0o40755, nil)
	for i, name := range k.order {
		b, err := k.module(name)
		if err != nil {
			return fmt.Errorf("module %s: %w", name, err)
		}
		a.add(fmt.Sprintf("modules/%02d-%s.ko", i, filepath.Base(name)), 0o100644, b)
	}
	return os.WriteFile(file, a.bytes(), 0o600)
}

// program adds a program, which the go command makes of args.
func (a *archive) program(name, file, verb string, args ...string) error {
	args = append([]string{verb, "-trimpath", "-ldflags=-s -w", "-o", file}, args...)
	cmd := exec.Command("go", args...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	a.add(name, 0o100755, b)
	return nil
}

// archive is a cpio archive as the kernel unpacks it.
type archive struct{ b bytes.Buffer }

func (a *archive) add(name string, mode int, content []byte) {
	_, _ = fmt.Fprintf(&a.b, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%s\x00",
		0, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name)+1, 0, name)
	a.pad()
	a.b.Write(content)
	a.pad()
}

func (a *archive) pad() {
	for a.b.Len()%4 != 0 {
		a.b.WriteByte(0)
	}
}

func (a *archive) bytes() []byte {
	a.add("TRAILER!!!", 0, nil)
	return a.b.Bytes()
}
