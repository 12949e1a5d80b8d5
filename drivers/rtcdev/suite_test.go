package rtcdev

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/devicetest"
)

// driver stands where the kernel's ioctls are: the device itself is tested in a
// guest (TestKernelClock), as no terminal or pipe takes ioctls of a clock.
type driver struct {
	mu          sync.Mutex
	set, since  time.Time
	stopped     bool
	gone, torn  bool
	stuck       chan struct{}
	open        int
	word        bool // it has RTC_VL_READ
	answersEIO  bool
	settingLies time.Duration
}

func (d *driver) kernel(string) (kernel, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.gone {
		return nil, &fs.PathError{Op: "open", Path: "rtc", Err: unix.ENOENT}
	}
	d.open++
	return &handle{d}, nil
}

type handle struct{ d *driver }

func (h *handle) wait() {
	h.d.mu.Lock()
	stuck := h.d.stuck
	h.d.mu.Unlock()
	if stuck != nil {
		<-stuck
	}
}

func (h *handle) read() (*unix.RTCTime, error) {
	h.wait()
	d := h.d
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.answersEIO:
		return nil, unix.EIO
	case d.stopped:
		return nil, unix.EINVAL
	}
	return encode(d.set.Add(time.Since(d.since)).UTC()), nil
}

func (h *handle) set(r *unix.RTCTime) error {
	h.wait()
	d := h.d
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.torn {
		d.torn = false
		return unix.EREMOTEIO
	}
	t, err := decode(r)
	if err != nil {
		return unix.EINVAL
	}
	d.set, d.since, d.stopped = t.Add(d.settingLies), time.Now(), false
	return nil
}

func (h *handle) lost() bool { h.d.mu.Lock(); defer h.d.mu.Unlock(); return h.d.word && h.d.stopped }

func (h *handle) Close() error { h.d.mu.Lock(); defer h.d.mu.Unlock(); h.d.open--; return nil }

func (d *driver) LosePower() { d.mu.Lock(); d.stopped = true; d.mu.Unlock() }
func (d *driver) Unplug()    { d.mu.Lock(); d.gone = true; d.mu.Unlock() }
func (d *driver) Replug()    { d.mu.Lock(); d.gone = false; d.mu.Unlock() }
func (d *driver) Torn()      { d.mu.Lock(); d.torn = true; d.mu.Unlock() }

func (d *driver) Stick(stuck bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if stuck {
		d.stuck = make(chan struct{})
	} else if d.stuck != nil {
		close(d.stuck)
		d.stuck = nil
	}
}

func plug(t *testing.T, k *driver) *Dev {
	d, err := newDev("rtc", Opts{}, k.kernel)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		k.Stick(false)
		if err := d.Halt(); err != nil {
			t.Errorf("Halt = %v, want nil", err)
		}
		d.turn <- struct{}{} // whatever hung has ended
		if k.open != 0 {
			t.Errorf("left open: %d, want 0", k.open)
		}
	})
	return d
}

func TestSuite(t *testing.T) {
	for name, word := range map[string]bool{"with RTC_VL_READ": true, "without": false} {
		t.Run(name, func(t *testing.T) {
			devicetest.RealTimeClock(t, devicetest.Faked, func(t *testing.T) devicetest.ClockRig {
				k := &driver{stopped: true, word: word}
				return devicetest.ClockRig{Dev: plug(t, k), Hands: k}
			})
		})
	}
}

// TestLies: a chip that does not answer its driver, and one that was set and says
// another time.
func TestLies(t *testing.T) {
	k := &driver{answersEIO: true}
	d := plug(t, k)
	if _, err := d.Now(); !errors.Is(err, device.ErrUnplugged) || d.Health() != device.NoDevice {
		t.Errorf("Now = %v, health %v, want ErrUnplugged and noDevice", err, d.Health())
	}
	k = &driver{settingLies: time.Hour}
	d = plug(t, k)
	if err := d.Set(time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)); !errors.Is(err, device.ErrProtocol) {
		t.Errorf("Set of a clock that lies = %v, want ErrProtocol", err)
	}
	if _, err := decode(&unix.RTCTime{Year: 126, Mon: 1, Mday: 31}); !errors.Is(err, device.ErrProtocol) {
		t.Errorf("31 February = %v, want ErrProtocol", err)
	}
}

// TestKernelClock asks the kernel's own clock, where there is one: in a guest, and
// only where it is required, sets it.
func TestKernelClock(t *testing.T) {
	const path = "/dev/rtc0"
	if _, err := os.Stat(path); err != nil {
		if os.Getenv("PENJIRE_RTC") == "require" {
			t.Fatalf("%s is missing: %v", path, err)
		}
		t.Skip("LEFT OUT: this machine has no " + path + "; the clock's ioctls were not checked against a kernel's")
	}
	d, err := New(path, Opts{})
	if err != nil {
		t.Fatal(err)
	}
	at, err := d.Now()
	if off := time.Since(at); err != nil || off > 48*time.Hour || off < -48*time.Hour {
		t.Errorf("Now = %v, %v, want about the system's time", at, err)
	}
	if os.Getenv("PENJIRE_RTC") == "require" {
		want := time.Date(2031, 2, 3, 4, 5, 6, 0, time.UTC)
		if err := d.Set(want); err != nil {
			t.Errorf("Set = %v, want nil", err)
		}
		// What the kernel says of its clock elsewhere.
		b, err := os.ReadFile("/sys/class/rtc/rtc0/since_epoch")
		since, perr := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64)
		if late := time.Unix(since, 0).Sub(want); err != nil || perr != nil || late < 0 || late > time.Minute {
			t.Errorf("the clock says %q after Set, %v, want %v", b, errors.Join(err, perr), want)
		}
		if err := d.Set(time.Now()); err != nil {
			t.Error(err)
		}
	}
	if err := d.Halt(); err != nil {
		t.Error(err)
	}
}

// TestNoClock: a path where nothing is, and a file that takes no ioctls.
func TestNoClock(t *testing.T) {
	check := devicetest.Leaks(t)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]device.Health{filepath.Join(t.TempDir(), "none"): device.NoDevice, file: device.HardwareError} {
		d, err := New(path, Opts{})
		if err != nil {
			t.Fatal(err)
		}
		if at, err := d.Now(); err == nil || d.Health() != want {
			t.Errorf("Now of %s = %v, %v, health %v, want an error and %v", path, at, err, d.Health(), want)
		}
	}
	if _, err := New("", Opts{}); err == nil {
		t.Error("New without a path = nil, want an error")
	}
	check()
}
