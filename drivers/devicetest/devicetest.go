// Package devicetest holds one conformance suite for each class of devices. A
// driver passes its class's suite with an emulator at the far end of its line,
// in faked time over a line in memory and in real time through the kernel.
//
// The suites ask what the contracts in package device promise, and above all
// what they promise when something goes wrong.
package devicetest

import (
	"context"
	"errors"
	"os"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penjire/penjire/drivers/device"
)

// Time is a kind of time to run a suite in.
type Time struct {
	run   func(t *testing.T, f func(t *testing.T))
	limit time.Duration // for a change at the device to be noticed
	faked bool
}

// visible is how long a change at a device may stay unnoticed (DESIGN 14).
const visible = 2 * time.Second

var (
	// Faked is time that passes only when everything waits: limits are strict,
	// and what is measured is the driver's own waiting. Nothing may go through
	// the operating system.
	Faked = Time{synctest.Test, visible, true}
	// Real is time as it is. On a machine with other work the limits would
	// measure that work, so they are wide here: what is tested is the way
	// through the kernel.
	Real = Time{func(t *testing.T, f func(t *testing.T)) { f(t) }, 10 * visible, false}
)

// within fails the test if ok is not true within limit; it looks whenever w
// says that something changed, and once at the end.
func within(t *testing.T, w device.Watcher, limit time.Duration, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	changes := w.Changes(ctx)
	for !ok() {
		if _, open := <-changes; !open {
			if ok() {
				return
			}
			t.Fatalf("%v: not within %v: %s (health %v)", w, limit, what, w.Health())
		}
	}
}

// wantError fails the test if err is not a *device.Error with that cause and
// that side effect.
func wantError(t *testing.T, call string, err, cause error, effect device.SideEffect) {
	t.Helper()
	e, ok := errors.AsType[*device.Error](err)
	if !ok || !errors.Is(err, cause) || e.SideEffect != effect {
		t.Errorf("%s = %v, want a *device.Error of %q with %v", call, err, cause, effect)
	}
}

// Leaks returns a function that fails the test if there are more goroutines or
// open descriptors than now. It is for real time: goroutines get a moment to
// end, in which nothing sleeps but the scheduler runs.
func Leaks(t *testing.T) func() {
	t.Helper()
	// The first use of the runtime's poller opens descriptors that stay.
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatalf("make a pipe: %v", err)
	}
	if err := errors.Join(r.Close(), w.Close()); err != nil {
		t.Fatalf("close a pipe: %v", err)
	}
	routines, files := runtime.NumGoroutine(), descriptors(t)
	return func() {
		t.Helper()
		end := time.Now().Add(visible)
		for runtime.NumGoroutine() > routines && time.Now().Before(end) {
			runtime.Gosched()
		}
		if n := runtime.NumGoroutine(); n > routines {
			buf := make([]byte, 1<<16)
			t.Errorf("goroutines: got %d, want %d as before\n%s", n, routines, buf[:runtime.Stack(buf, true)])
		}
		if n := descriptors(t); n > files {
			t.Errorf("open descriptors: got %d, want %d as before", n, files)
		}
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	l, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatalf("count descriptors: %v", err)
	}
	return len(l)
}
