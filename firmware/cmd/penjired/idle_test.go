package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/penjire/penjire/drivers/emulator/firmataemu"
	"github.com/penjire/penjire/drivers/emulator/pn532emu"
	"github.com/penjire/penjire/drivers/emulator/printer"
	"github.com/penjire/penjire/drivers/emulator/pty"
	"github.com/penjire/penjire/firmware/demo"
)

// idle is how long the daemon is watched: its slowest timers fall in it.
const idle = 20 * time.Second

// BenchmarkIdle measures how much of one core the daemon takes while nobody is at
// the kiosk, with its reader, printer and I/O board plugged in, and with all unplugged, where
// it looks for them. The budget is 1 %: a board that stays cool and a battery that
// lasts. The far ends of the devices are in another process.
func BenchmarkIdle(b *testing.B) {
	for _, plugged := range []bool{true, false} {
		b.Run(fmt.Sprintf("plugged=%v", plugged), func(b *testing.B) {
			w, err := demo.Open(b.TempDir(), time.Now())
			if err != nil {
				b.Fatal(err)
			}
			if err := w.WriteSettings(demo.Addresses{Screen: "127.0.0.1:0", Sync: "127.0.0.1:1", Public: "http://127.0.0.1:1/"}); err != nil {
				b.Fatal(err)
			}
			if plugged {
				plugIn(b, w.Ports())
			}
			d := startDaemon(b, w)
			var took, over time.Duration
			for b.Loop() {
				before, begun := d.processor(b), time.Now()
				<-time.After(idle) // nothing else is measured but what happens meanwhile
				took += d.processor(b) - before
				over += time.Since(begun)
			}
			d.stop(b)
			share := 100 * took.Seconds() / over.Seconds()
			b.ReportMetric(share, "%-of-a-core")
			b.ReportMetric(share/1, "of-budget-idle")
			b.ReportMetric(0, "ns/op")
		})
	}
}

func plugIn(b *testing.B, dir string) {
	var ports []*pty.Port
	for name, dev := range map[string]pty.Device{"reader": new(pn532emu.Chip), "printer": printer.New(printer.Opts{}), "io": new(firmataemu.Board)} {
		p, err := pty.Attach(filepath.Join(dir, name), dev)
		if err != nil {
			b.Fatal(err)
		}
		ports = append(ports, p)
	}
	b.Cleanup(func() {
		var errs []error
		for _, p := range ports {
			errs = append(errs, p.Close())
		}
		if err := errors.Join(errs...); err != nil {
			b.Error(err)
		}
	})
}

// tick is the unit of processor times in /proc, the same on every Linux machine.
const tick = 10 * time.Millisecond

// processor returns the processor time the daemon has had, its own and the
// kernel's for it (proc(5), stat, fields 14 and 15).
func (d *daemon) processor(b *testing.B) time.Duration {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", d.cmd.Process.Pid))
	if err != nil {
		b.Fatal(err)
	}
	// The second field is a name in parentheses that may hold anything.
	f := strings.Fields(string(raw[strings.LastIndexByte(string(raw), ')')+1:]))
	var total time.Duration
	for _, i := range []int{14 - 3, 15 - 3} {
		n, err := strconv.Atoi(f[i])
		if err != nil {
			b.Fatal(err)
		}
		total += time.Duration(n) * tick
	}
	return total
}
