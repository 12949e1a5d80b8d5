// Package watchdog keeps a hardware watchdog quiet while all is well: one that is
// not kicked in time resets the machine.
//
// # Reference
//
// Linux Documentation/watchdog/watchdog-api.rst: opening the device starts it,
// WDIOC_SETTIMEOUT gives back what was really set (bcm2835 of a Raspberry Pi takes
// at most 15 s, and kernels before 6.8 refuse more), and a 'V' written before
// closing stops it, unless the kernel was told that there is no way out.
package watchdog

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/sysattr"
)

// kernel is an open watchdog.
type kernel interface {
	setTimeout(seconds int) error
	timeout() (seconds int, err error)
	kick() error
	disarm() error // the magic 'V'
	Close() error
}

// Opts are a watchdog's settings. Zero values are the defaults.
type Opts struct {
	Timeout time.Duration // until it resets the machine; whole seconds; 0: 15 s
}

// Dev is a watchdog. It runs from the first Kick on.
type Dev struct {
	path string
	o    Opts
	open func(path string) (kernel, error)

	mu     sync.Mutex
	k      kernel // nil: not running
	given  time.Duration
	health device.Health
}

var _ device.Watchdog = (*Dev)(nil)

// New returns the watchdog at path, and leaves it alone.
func New(path string, o Opts) (*Dev, error) { return newDev(path, o, openDevice) }

func newDev(path string, o Opts, open func(string) (kernel, error)) (*Dev, error) {
	if path == "" || o.Timeout < 0 || o.Timeout%time.Second != 0 {
		return nil, fmt.Errorf("watchdog: got path %q, timeout %v, want a path and whole seconds", path, o.Timeout)
	}
	if o.Timeout == 0 {
		o.Timeout = 15 * time.Second
	}
	return &Dev{path: path, o: o, open: open, given: o.Timeout, health: device.Starting}, nil
}

// String implements conn.Resource.
func (d *Dev) String() string { return "watchdog " + d.path }

// Health implements device.Device: what the last kick showed.
func (d *Dev) Health() device.Health {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.health
}

// Timeout implements device.Watchdog: what the kernel has really set, once it runs.
func (d *Dev) Timeout() time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.given
}

// Kick implements device.Watchdog. The first one starts it.
func (d *Dev) Kick() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.health == device.Offline {
		return d.failed("kick", device.ErrHalted)
	}
	err := d.kick()
	d.health = sysattr.HealthOf(err)
	if err != nil {
		return d.failed("kick", err)
	}
	return nil
}

// kick kicks it, started if need be. d.mu is held.
func (d *Dev) kick() error {
	if d.k == nil {
		k, err := d.open(d.path)
		if err != nil {
			return err
		}
		d.k = k
		// One that takes no other timeout keeps its own.
		if err := k.setTimeout(int(d.o.Timeout / time.Second)); err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.EOPNOTSUPP) {
			return errors.Join(err, d.close())
		}
		s, err := k.timeout()
		if err != nil || s < 1 {
			return errors.Join(err, fmt.Errorf("kernel says a timeout of %d s: %w", s, device.ErrProtocol), d.close())
		}
		d.given = time.Duration(s) * time.Second
	}
	if err := d.k.kick(); err != nil {
		return errors.Join(err, d.close())
	}
	return nil
}

// close lets go of it, running. d.mu is held.
func (d *Dev) close() error {
	err := d.k.Close()
	d.k = nil
	return err
}

// Halt implements conn.Resource: it stops the watchdog where the kernel allows it.
func (d *Dev) Halt() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.health = device.Offline
	if d.k == nil {
		return nil
	}
	if err := errors.Join(d.k.disarm(), d.close()); err != nil {
		return d.failed("stop", err)
	}
	return nil
}

func (d *Dev) failed(op string, err error) error {
	return &device.Error{Dev: d.String(), Op: op, SideEffect: device.SideEffectNo, Err: err}
}

// file is the kernel's device.
type file struct{ *os.File }

func openDevice(path string) (kernel, error) {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%w: %w", device.ErrUnplugged, err)
	}
	if err != nil {
		return nil, err
	}
	return file{f}, nil
}

func (f file) setTimeout(s int) error {
	return unix.IoctlSetPointerInt(int(f.Fd()), unix.WDIOC_SETTIMEOUT, s)
}

func (f file) timeout() (int, error) {
	s, err := unix.IoctlGetUint32(int(f.Fd()), unix.WDIOC_GETTIMEOUT)
	return int(s), err
}

func (f file) kick() error { return unix.IoctlWatchdogKeepalive(int(f.Fd())) }

func (f file) disarm() error {
	_, err := f.WriteString("V")
	return err
}
