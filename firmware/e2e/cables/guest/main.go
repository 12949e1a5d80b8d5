// Command guest is the first and only program of a virtual machine in which drivers
// meet the kernel's own USB drivers (package cables). The devices are the emulators
// of drivers/emulator at the far ends of USB gadgets, on a controller that is wired
// to itself (dummy_hcd); the machine's owner plugs a serial adapter when it is asked.
package main

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

func main() {
	say := func(format string, args ...any) {
		_, _ = fmt.Fprintf(os.Stdout, "penjire: "+format+"\n", args...) // it is /dev/console
	}
	// What hangs is to be seen, and not waited for.
	time.AfterFunc(tooLong, func() {
		stacks := make([]byte, 1<<18)
		_, _ = os.Stdout.Write(stacks[:runtime.Stack(stacks, true)])
		say("FAULT it did not come to its end within %v", tooLong)
		say("END")
	})
	if err := run(say); err != nil {
		say("FAULT %v", err)
	}
	say("END")
	for {
		_ = unix.Pause() // until the machine is switched off: the first program must not end
	}
}

// tooLong is far more than everything takes.
const tooLong = 8 * time.Minute

func run(say func(string, ...any)) error {
	if err := prepare(); err != nil {
		return err
	}
	return errors.Join(
		printers(say),
		readers(say),
	)
}

// prepare makes the machine's folders and loads its modules, in the order of their
// names.
func prepare() error {
	for _, m := range []struct{ kind, at string }{{"devtmpfs", "/dev"}, {"proc", "/proc"}, {"sysfs", "/sys"}, {"tmpfs", "/tmp"}} {
		if err := errors.Join(os.MkdirAll(m.at, 0o755), unix.Mount(m.kind, m.at, m.kind, 0, "")); err != nil {
			return fmt.Errorf("mount %s: %w", m.at, err)
		}
	}
	modules, err := filepath.Glob("/modules/*.ko")
	if err != nil {
		return err
	}
	for _, name := range modules {
		options := ""
		if strings.Contains(name, "dummy_hcd") {
			options = "num=2" // controllers: one for each gadget
		}
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		if err := errors.Join(unix.FinitModule(int(f.Fd()), options, 0), f.Close()); err != nil {
			return fmt.Errorf("load %s: %w", name, err)
		}
	}
	return unix.Mount("configfs", "/sys/kernel/config", "configfs", 0, "")
}
