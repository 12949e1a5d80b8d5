package gpioline_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"periph.io/x/conn/v3/gpio"

	"github.com/penjire/penjire/drivers/contact"
	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/devicetest"
	"github.com/penjire/penjire/drivers/gpioline"
)

// sim is a chip of the kernel's gpio-sim, whose lines are pulled and seen by hand.
type sim struct {
	t       *testing.T
	control string // folder with the lines' controls
}

// newSim makes a chip with the lines named, or leaves the test out where the kernel
// has no gpio-sim: it is there in a guest with the module loaded.
func newSim(t *testing.T, names ...string) *sim {
	t.Helper()
	const all = "/sys/kernel/config/gpio-sim"
	if _, err := os.Stat(all); err != nil {
		if os.Getenv("PENJIRE_GPIO_SIM") == "require" {
			t.Fatalf("gpio-sim is missing: %v", err)
		}
		t.Skip("LEFT OUT: this kernel has no gpio-sim; lines were not checked against the kernel's own")
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	chip := filepath.Join(all, "penjire")
	bank := filepath.Join(chip, "bank0")
	must(os.MkdirAll(bank, 0o755))
	set := func(path, v string) { t.Helper(); must(os.WriteFile(path, []byte(v), 0o644)) }
	set(filepath.Join(bank, "num_lines"), "8")
	for i, name := range names {
		line := filepath.Join(bank, "line"+string(rune('0'+i)))
		must(os.Mkdir(line, 0o755))
		set(filepath.Join(line, "name"), name)
	}
	set(filepath.Join(chip, "live"), "1")
	get := func(path string) string {
		b, err := os.ReadFile(path)
		must(err)
		return strings.TrimSpace(string(b))
	}
	return &sim{t, filepath.Join("/sys/devices/platform", get(filepath.Join(chip, "dev_name")), get(filepath.Join(bank, "chip_name")))}
}

func (s *sim) file(line int, name string) string {
	return filepath.Join(s.control, "sim_gpio"+string(rune('0'+line)), name)
}

func (s *sim) pull(line int, up bool) {
	s.t.Helper()
	v := "pull-down"
	if up {
		v = "pull-up"
	}
	if err := os.WriteFile(s.file(line, "pull"), []byte(v), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

func (s *sim) value(line int) string {
	s.t.Helper()
	b, err := os.ReadFile(s.file(line, "value"))
	if err != nil {
		s.t.Fatal(err)
	}
	return strings.TrimSpace(string(b))
}

// TestKernelLines runs against the kernel's GPIO character device: lines by name,
// edges, an output that stays one, and lines that can be opened again.
func TestKernelLines(t *testing.T) {
	s := newSim(t, "DOOR", "LAMP")
	s.pull(0, false)
	d, err := contact.New(gpioline.Host{}, contact.Opts{Kind: device.SensorDoor, Line: "DOOR"})
	if err != nil {
		t.Fatal(err)
	}
	want := func(c device.Contact) {
		t.Helper()
		end := time.After(5 * time.Second)
		changes := d.Changes(t.Context())
		for got, _ := d.Contact(); got != c; got, _ = d.Contact() {
			select {
			case <-changes:
			case <-end:
				t.Fatalf("contact = %v, want %v", got, c)
			}
		}
	}
	want(device.ContactIdle)
	for range 3 {
		s.pull(0, true)
		want(device.ContactActive)
		s.pull(0, false)
		want(device.ContactIdle)
	}
	if err := d.Halt(); err != nil {
		t.Errorf("Halt = %v, want nil", err)
	}
	// Its line is free again.
	in, err := gpioline.Host{}.Input(t.Context(), "DOOR", gpio.PullNoChange)
	if err != nil {
		t.Fatalf("Input after Halt = %v, want nil", err)
	}
	begin := time.Now()
	if edge, err := in.Wait(t.Context(), 50*time.Millisecond); edge || err != nil || time.Since(begin) < 40*time.Millisecond {
		t.Errorf("Wait = %v, %v after %v, want no edge after 50 ms", edge, err, time.Since(begin))
	}
	if err := in.Close(); err != nil {
		t.Error(err)
	}

	out, err := gpioline.Host{}.Output(t.Context(), "LAMP", gpio.High)
	if err != nil {
		t.Fatalf("Output = %v, want nil", err)
	}
	for _, l := range []gpio.Level{gpio.High, gpio.Low, gpio.High, gpio.Low} {
		if err := out.Set(l); err != nil {
			t.Fatal(err)
		}
		if got, want := s.value(1), map[gpio.Level]string{gpio.High: "1", gpio.Low: "0"}[l]; got != want {
			t.Errorf("the line is %s after Set(%v), want %s", got, l, want)
		}
	}
	if err := out.Close(); err != nil {
		t.Error(err)
	}
}

// TestNoSuchLine: a line that no chip has is not there; that is no fault of ours.
func TestNoSuchLine(t *testing.T) {
	check := devicetest.Leaks(t)
	if _, err := (gpioline.Host{}).Input(t.Context(), "NO-SUCH-LINE", gpio.PullUp); !errors.Is(err, device.ErrUnplugged) {
		t.Errorf("Input = %v, want ErrUnplugged", err)
	}
	if _, err := (gpioline.Host{}).Output(t.Context(), "NO-SUCH-LINE", gpio.Low); !errors.Is(err, device.ErrUnplugged) {
		t.Errorf("Output = %v, want ErrUnplugged", err)
	}
	check()
}
