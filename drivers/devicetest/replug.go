package devicetest

import (
	"path/filepath"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/emulator/pty"
)

// Cable is a device's cable.
type Cable interface {
	Unplug()
	Replug()
}

// Replugs pulls a device's cable and plugs it in again, n times: each time it is
// missed and found within the limit, and after all of them as many goroutines and
// open descriptors are there as after the first ones. A leak of one in each replug
// takes a kiosk with a loose plug down within days.
func Replugs(t *testing.T, tm Time, n int, rig func(t *testing.T) (device.Watcher, Cable)) {
	t.Helper()
	tm.run(t, func(t *testing.T) {
		d, cable := rig(t)
		is := func(h device.Health) func() bool { return func() bool { return d.Health() == h } }
		within(t, d, tm.limit, "first found", is(device.Online))
		var routines, files int
		warm := max(1, n/100)
		for i := range n {
			if i == warm {
				routines, files = settledRoutines(tm), descriptors(t)
			}
			cable.Unplug()
			within(t, d, tm.limit, "missed", is(device.NoDevice))
			cable.Replug()
			within(t, d, tm.limit, "found again", is(device.Online))
		}
		// The runtime has goroutines of its own, now and then.
		if now := settledRoutines(tm); now > routines+2 {
			buf := make([]byte, 1<<16)
			t.Errorf("%v: goroutines after %d replugs: got %d, want %d as after %d\n%s", d, n, now, routines, warm, buf[:runtime.Stack(buf, true)])
		}
		if now := descriptors(t); now > files {
			t.Errorf("%v: open descriptors after %d replugs: got %d, want %d as after %d", d, n, now, files, warm)
		}
	})
}

// settledRoutines counts the goroutines when those that were about to end have.
func settledRoutines(tm Time) int {
	if tm.limit == visible { // faked
		time.Sleep(visible)
		synctest.Wait()
	}
	least := runtime.NumGoroutine()
	for range 1000 {
		runtime.Gosched()
		least = min(least, runtime.NumGoroutine())
	}
	return least
}

// Attach plugs an emulated device in at the far end of a pseudo-terminal, until the
// test ends, and returns the path that a driver opens.
func Attach(t *testing.T, dev pty.Device) (string, Cable) {
	t.Helper()
	p, err := pty.Attach(filepath.Join(t.TempDir(), "port"), dev)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Errorf("Close = %v, want nil", err)
		}
	})
	return p.Path(), ptyCable{t, p}
}

type ptyCable struct {
	t *testing.T
	p *pty.Port
}

func (c ptyCable) Unplug() { c.must(c.p.Unplug()) }
func (c ptyCable) Replug() { c.must(c.p.Replug()) }

func (c ptyCable) must(err error) {
	if err != nil {
		c.t.Error(err)
	}
}
