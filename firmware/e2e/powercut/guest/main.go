// Command guest is the first and only program of a virtual machine whose power is
// cut (package powercut): it keeps the real outbox and the real ledger on ext4 on
// dm-flakey, says on the serial line what was acknowledged to it, and at its next
// start what is there.
//
// What it is to do it reads from the kernel's command line, which the kernel turns
// into its environment: SEED, CUT (drop, error, or none), AFTER (acknowledgements),
// FLUSH (no: flushes are swallowed, to see that the rig sees it).
package main

import (
	"context"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// orders are what the machine was started for.
type orders struct {
	seed  uint64
	cut   string
	after int
	flush bool
}

func main() {
	say := serial()
	if err := run(say); err != nil {
		say("FAULT %v", err)
	}
	say("END")
	for {
		_ = unix.Pause() // until the power is cut: the first program must not end
	}
}

// serial returns what writes a line to the machine's serial line.
func serial() func(format string, args ...any) {
	return func(format string, args ...any) {
		_, _ = fmt.Fprintf(os.Stdout, "penjire: "+format+"\n", args...) // it is /dev/console
	}
}

func run(say func(string, ...any)) error {
	o, err := read()
	if err != nil {
		return err
	}
	if err := prepare(); err != nil {
		return err
	}
	disk, err := openFlakey("/dev/vda")
	if err != nil {
		return err
	}
	if err := os.MkdirAll("/data", 0o700); err != nil {
		return err
	}
	if err := unix.Mount(disk.path, "/data", "ext4", 0, ""); err != nil {
		return fmt.Errorf("mount the disk: %w", err)
	}
	if !o.flush {
		if err := swallowFlushes(); err != nil {
			return err
		}
	}
	w, err := open(context.Background(), "/data", say)
	if err != nil {
		return err
	}
	if err := w.tell(context.Background()); err != nil {
		return err
	}
	return w.work(context.Background(), o, disk)
}

func read() (o orders, err error) {
	if o.seed, err = strconv.ParseUint(os.Getenv("SEED"), 10, 64); err != nil {
		return o, fmt.Errorf("SEED: %w", err)
	}
	if o.after, err = strconv.Atoi(os.Getenv("AFTER")); err != nil {
		return o, fmt.Errorf("AFTER: %w", err)
	}
	o.cut, o.flush = os.Getenv("CUT"), os.Getenv("FLUSH") != "no"
	return o, nil
}
