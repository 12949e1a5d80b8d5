package backlight_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/penjire/penjire/drivers/backlight"
	"github.com/penjire/penjire/drivers/devicetest"
)

// most is not 100 on purpose.
const most = 937

// folder is a backlight as the kernel shows it.
type folder struct {
	t   *testing.T
	dir string
}

func (f folder) write(name, v string) {
	if err := os.WriteFile(filepath.Join(f.dir, name), []byte(v+"\n"), 0o600); err != nil {
		f.t.Error(err)
	}
}

// number reads what was written over what stood there: a file on disk keeps the
// tail of a longer value, an attribute does not.
func (f folder) number(name string) int {
	b, err := os.ReadFile(filepath.Join(f.dir, name))
	if err != nil {
		f.t.Error(err)
	}
	n, err := strconv.Atoi(strings.TrimRight(strings.SplitN(string(b), "\n", 2)[0], "x"))
	if err != nil {
		f.t.Error(err)
	}
	f.write(name, strings.Repeat("x", 8))
	f.write(name, strconv.Itoa(n)+strings.Repeat("x", 8))
	return n
}

func (f folder) Shines() (float64, bool) {
	return float64(f.number("brightness")) / most, f.number("bl_power") == 0
}

func (f folder) Unplug() {
	if err := os.RemoveAll(f.dir); err != nil {
		f.t.Error(err)
	}
}

func (f folder) Replug() {
	if err := os.MkdirAll(f.dir, 0o700); err != nil {
		f.t.Error(err)
	}
	f.write("max_brightness", strconv.Itoa(most))
	f.write("brightness", "xxxxxxxx")
	f.write("bl_power", "0xxxxxxxx")
}

func rig(t *testing.T, name string) devicetest.BacklightRig {
	class := t.TempDir()
	f := folder{t, filepath.Join(class, "10-0045")}
	f.Replug()
	d, err := backlight.New(class, backlight.Opts{Name: name})
	if err != nil {
		t.Fatal(err)
	}
	r := devicetest.BacklightRig{Dev: d, Eyes: f}
	if devicetest.Lie() != "" {
		r.Dev = liar{d}
	}
	return r
}

func TestSuite(t *testing.T) {
	devicetest.Backlight(t, func(t *testing.T) devicetest.BacklightRig { return rig(t, "") })
}

func TestSuiteByName(t *testing.T) {
	devicetest.Backlight(t, func(t *testing.T) devicetest.BacklightRig { return rig(t, "10-0045") })
}

// liar is a backlight that does less than it says.
type liar struct{ *backlight.Dev }

func (l liar) Blank(off bool) error {
	if devicetest.Lie() == "never blank" {
		return nil
	}
	return l.Dev.Blank(off)
}

func (l liar) Halt() error {
	if devicetest.Lie() == "dark when halted" {
		_ = l.Dev.Brightness(0)
	}
	return l.Dev.Halt()
}

func TestSuiteCatches(t *testing.T) {
	devicetest.Caught(t, "TestSuite", "never blank", "dark when halted")
}

func TestRefusesNonsense(t *testing.T) {
	for _, class := range []string{"", "/sys/class/backlight"} {
		if _, err := backlight.New(class, backlight.Opts{Name: "../leds/x"}); err == nil {
			t.Errorf("New(%q) with a path for a name = nil, want an error", class)
		}
	}
}
