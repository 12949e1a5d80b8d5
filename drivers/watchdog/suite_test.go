package watchdog

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/devicetest"
)

// dog stands where the kernel's ioctls are: no pipe or terminal takes those of a
// watchdog. The device itself is tested in a guest (TestKernelWatchdog).
type dog struct {
	mu       sync.Mutex
	gone     bool
	noWay    bool
	running  bool
	magic    bool
	limit    time.Duration
	kicked   time.Time
	refuses  error // what it answers to a timeout it does not take
	broken   error // what it answers to a kick
	nonsense bool  // it says a timeout of 0
}

func (d *dog) open(string) (kernel, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.gone {
		return nil, errors.Join(device.ErrUnplugged, unix.ENOENT)
	}
	d.running, d.magic, d.limit, d.kicked = true, false, 15*time.Second, time.Now()
	return d, nil
}

func (d *dog) setTimeout(s int) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if s > 15 && d.refuses != nil {
		return d.refuses
	}
	d.limit = time.Duration(min(s, 15)) * time.Second
	return nil
}

func (d *dog) timeout() (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.nonsense {
		return 0, nil
	}
	return int(d.limit / time.Second), nil
}

func (d *dog) kick() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.kicked, d.magic = time.Now(), false
	return d.broken
}

func (d *dog) disarm() error { d.mu.Lock(); d.magic = true; d.mu.Unlock(); return nil }

func (d *dog) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.running = d.running && (d.noWay || !d.magic)
	return nil
}

func (d *dog) Running() bool { d.mu.Lock(); defer d.mu.Unlock(); return d.running }

func (d *dog) Bitten() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.running && time.Since(d.kicked) > d.limit
}

func (d *dog) NoWayOut() { d.mu.Lock(); d.noWay = true; d.mu.Unlock() }
func (d *dog) Unplug()   { d.mu.Lock(); d.gone = true; d.mu.Unlock() }
func (d *dog) Replug()   { d.mu.Lock(); d.gone = false; d.mu.Unlock() }

func plug(t *testing.T, k *dog) *Dev {
	d, err := newDev("watchdog", Opts{Timeout: time.Minute}, k.open)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestSuite(t *testing.T) {
	for name, refuses := range map[string]error{"takes what it can": nil, "refuses more than it can": unix.EINVAL} {
		t.Run(name, func(t *testing.T) {
			devicetest.Watchdog(t, func(t *testing.T) devicetest.WatchdogRig {
				k := &dog{refuses: refuses}
				r := devicetest.WatchdogRig{Dev: plug(t, k), Eyes: k}
				if devicetest.Lie() != "" {
					r.Dev = liar{r.Dev.(*Dev)}
				}
				return r
			})
		})
	}
}

// liar is a watchdog that is not what it says.
type liar struct{ *Dev }

func (l liar) Timeout() time.Duration {
	if devicetest.Lie() == "says what was asked" {
		return time.Minute
	}
	return l.Dev.Timeout()
}

func (l liar) Kick() error {
	if devicetest.Lie() == "does not kick" {
		return nil
	}
	return l.Dev.Kick()
}

func TestSuiteCatches(t *testing.T) {
	devicetest.Caught(t, "TestSuite", "says what was asked", "does not kick")
}

// TestTroubles: one that breaks is let go of and opened anew, one that makes no
// sense is not believed.
func TestTroubles(t *testing.T) {
	k := &dog{broken: unix.EIO}
	d := plug(t, k)
	for range 2 {
		if err := d.Kick(); !errors.Is(err, unix.EIO) || d.Health() != device.HardwareError {
			t.Errorf("Kick = %v, health %v, want EIO and hardwareError", err, d.Health())
		}
	}
	k.broken = nil
	if err := d.Kick(); err != nil || d.Health() != device.Online {
		t.Errorf("Kick afterwards = %v, health %v, want nil and online", err, d.Health())
	}
	if err := plug(t, &dog{nonsense: true}).Kick(); !errors.Is(err, device.ErrProtocol) {
		t.Errorf("Kick with a timeout of 0 = %v, want ErrProtocol", err)
	}
	for _, o := range []Opts{{Timeout: -time.Second}, {Timeout: 1500 * time.Millisecond}} {
		if _, err := New("/dev/watchdog", o); err == nil {
			t.Errorf("New(%+v) = nil, want an error", o)
		}
	}
	// What is no watchdog takes no ioctl, and what is not there is not there.
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]device.Health{file: device.HardwareError, file + "none": device.NoDevice} {
		d, err := New(path, Opts{})
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Kick(); err == nil || d.Health() != want {
			t.Errorf("Kick of %s = %v, health %v, want an error and %v", path, err, d.Health(), want)
		}
	}
}

// TestIoctls holds the numbers that the kernel's header gives on this processor's
// like: 'W' is 0x57, the argument a 32-bit int.
func TestIoctls(t *testing.T) {
	for name, v := range map[string][2]uint{
		"WDIOC_KEEPALIVE":  {unix.WDIOC_KEEPALIVE, 0x80045705},
		"WDIOC_SETTIMEOUT": {unix.WDIOC_SETTIMEOUT, 0xC0045706},
		"WDIOC_GETTIMEOUT": {unix.WDIOC_GETTIMEOUT, 0x80045707},
	} {
		if v[0] != v[1] {
			t.Errorf("%s = %#x, want %#x", name, v[0], v[1])
		}
	}
}

// TestKernelWatchdog runs against the kernel's own watchdog, and only where it is
// named: a machine is reset by it. In a guest it is softdog.
func TestKernelWatchdog(t *testing.T) {
	path := os.Getenv("PENJIRE_WATCHDOG")
	if path == "" {
		t.Skip("LEFT OUT: PENJIRE_WATCHDOG names no watchdog; its ioctls were not checked against a kernel's")
	}
	d, err := New(path, Opts{Timeout: 14 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := d.Kick(); err != nil {
			t.Fatalf("Kick = %v, want nil", err)
		}
	}
	if got := d.Timeout(); got != 14*time.Second {
		t.Errorf("Timeout = %v, want the 14 s that were asked for", got)
	}
	if err := d.Halt(); err != nil {
		t.Errorf("Halt = %v, want nil", err)
	}
}
