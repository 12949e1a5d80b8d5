// Package inside is the part of a virtual machine's first program that is the same
// in all of them (package virtual has the machine): it says on the console what is
// well, and gets the machine ready.
package inside

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Say says one line on the console, for [virtual.Kernel.Run]: OK and what is well,
// FAULT and what is not, WANT and what somebody is to do out there.
func Say(format string, args ...any) {
	_, _ = fmt.Fprintf(os.Stdout, "penjire: "+format+"\n", args...) // it is /dev/console
}

// Main runs the program, says how it ended, and never returns: the first program
// must not end. What hangs for longer than limit is to be seen, and not waited for.
func Main(limit time.Duration, run func() error) {
	time.AfterFunc(limit, func() {
		stacks := make([]byte, 1<<18)
		_, _ = os.Stdout.Write(stacks[:runtime.Stack(stacks, true)])
		Say("FAULT it did not come to its end within %v", limit)
		Say("END")
	})
	if err := run(); err != nil {
		Say("FAULT %v", err)
	}
	Say("END")
	for {
		_ = unix.Pause() // until the machine is switched off
	}
}

// Prepare makes the machine's folders and loads its modules, in the order of their
// names; options are those of a module, by its name.
func Prepare(options map[string]string) error {
	for _, m := range []struct{ kind, at string }{{"devtmpfs", "/dev"}, {"proc", "/proc"}, {"sysfs", "/sys"}, {"tmpfs", "/tmp"}} {
		if err := errors.Join(os.MkdirAll(m.at, 0o755), unix.Mount(m.kind, m.at, m.kind, 0, "")); err != nil {
			return fmt.Errorf("mount %s: %w", m.at, err)
		}
	}
	modules, err := filepath.Glob("/modules/*.ko")
	if err != nil {
		return err
	}
	for _, file := range modules {
		_, name, _ := strings.Cut(strings.TrimSuffix(filepath.Base(file), ".ko"), "-") // after its number
		f, err := os.Open(file)
		if err != nil {
			return err
		}
		if err := errors.Join(unix.FinitModule(int(f.Fd()), options[name], 0), f.Close()); err != nil {
			return fmt.Errorf("load %s: %w", name, err)
		}
	}
	return unix.Mount("configfs", "/sys/kernel/config", "configfs", 0, "")
}
