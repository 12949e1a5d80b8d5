package devicetree

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/penjire/penjire/boards/board"
)

func tool(t *testing.T, name string) {
	t.Helper()
	if _, err := exec.LookPath(name); err == nil {
		return
	}
	if os.Getenv("PENJIRE_PEERS") == "require" {
		t.Fatalf("%s is missing and PENJIRE_PEERS=require", name)
	}
	t.Skipf("LEFT OUT: %s is not here; overlays were not put into a device tree", name)
}

// base is a tree with its symbols, as dtc makes it of testdata/base.dts.
func base(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/base.dtb")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestBoards wants the overlays that boards name to be there.
func TestBoards(t *testing.T) {
	named := 0
	for _, name := range board.Names() {
		b, err := board.Load(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range b.Image.Overlays {
			named++
			if all := Names(b.Image.DeviceTree); !slices.Contains(all, o) {
				t.Errorf("%s names the overlay %q, there are %q", name, o, all)
			}
		}
		if b.RTC.Kind == "ds3231" && b.Image.DeviceTree != "" && !slices.Contains(b.Image.Overlays, "i2c-rtc,ds3231") {
			t.Errorf("%s has a DS3231, and no overlay tells the kernel", name)
		}
	}
	if named == 0 {
		t.Error("no board names an overlay")
	}
}

// TestApply puts every overlay in and has dtc's own fdtget read what came of it.
func TestApply(t *testing.T) {
	tool(t, "fdtoverlay")
	const i2c, spi = "/soc/i2c@7e804000", "/soc/spi@7e204000"
	want := map[string][][3]string{ // node, property, value
		"bcm2837/i2c-rtc,ds3231":    {{i2c, "status", "okay"}, {i2c + "/rtc@68", "compatible", "maxim,ds3231"}, {i2c + "/rtc@68", "reg", "104"}},
		"bcm2837/i2c-rtc,ds1307":    {{i2c, "status", "okay"}, {i2c + "/rtc@68", "compatible", "dallas,ds1307"}},
		"bcm2837/i2c-rtc,pcf8523":   {{i2c, "status", "okay"}, {i2c + "/rtc@68", "compatible", "nxp,pcf8523"}},
		"bcm2837/i2c-rtc,pcf85063a": {{i2c, "status", "okay"}, {i2c + "/rtc@51", "compatible", "nxp,pcf85063a"}},
		"bcm2837/spi0":              {{spi, "status", "okay"}, {spi + "/spidev@1", "reg", "1"}, {"/soc/gpio@7e200000/penjire-spi0", "brcm,pins", "9 10 11"}},
		"bcm2837/disable-bt": {
			{"/soc/serial@7e201000", "status", "okay"}, {"/soc/serial@7e201000/bluetooth", "status", "disabled"}, {"/soc/serial@7e215040", "status", "disabled"},
		},
		"bcm2712/i2c-rtc,ds3231": {
			{"/soc/i2c@40074000", "status", "okay"},
			{"/soc/i2c@40074000/rtc@68", "compatible", "maxim,ds3231"},
			{"/soc/pinctrl@400d0000/penjire-i2c1-state", "function", "i2c1"},
		},
	}
	for _, kind := range []string{"bcm2837", "bcm2712"} {
		file := "broadcom/" + kind + "-rpi.dtb"
		for _, name := range Names(file) {
			out, err := Apply(t.Context(), file, base(t), []string{name})
			if err != nil {
				t.Errorf("%s: Apply = %v", kind, err)
				continue
			}
			at := filepath.Join(t.TempDir(), "out.dtb")
			if err := os.WriteFile(at, out, 0o600); err != nil {
				t.Fatal(err)
			}
			all := want[kind+"/"+name]
			if all == nil {
				t.Errorf("%s: nothing says what overlay %s does", kind, name)
			}
			for _, w := range append(all, [3]string{"/chosen", Mark, name}) {
				got, err := exec.Command("fdtget", at, w[0], w[1]).CombinedOutput()
				if g := strings.TrimSpace(string(got)); err != nil || g != w[2] {
					t.Errorf("%s with %s: fdtget %s %s = %q, %v, want %q", kind, name, w[0], w[1], g, err, w[2])
				}
			}
		}
	}
}

// TestApplyTwo puts two in, in their order, and the same bytes come twice.
func TestApplyTwo(t *testing.T) {
	tool(t, "fdtoverlay")
	var all [2][]byte
	for i := range all {
		var err error
		if all[i], err = Apply(t.Context(), "bcm2837-rpi-3-b.dtb", base(t), []string{"spi0", "i2c-rtc,ds3231"}); err != nil {
			t.Fatal(err)
		}
	}
	if string(all[0]) != string(all[1]) {
		t.Error("Apply twice: different bytes")
	}
	if got, err := Strings(all[0], "chosen", Mark); err != nil || !slices.Equal(got, []string{"spi0", "i2c-rtc,ds3231"}) {
		t.Errorf("Strings = %q, %v, want both overlays", got, err)
	}
}

func TestApplyNot(t *testing.T) {
	if got, err := Apply(t.Context(), "x.dtb", []byte("tree"), nil); err != nil || string(got) != "tree" {
		t.Errorf("Apply without overlays = %q, %v, want the tree itself", got, err)
	}
	if _, err := Apply(t.Context(), "bcm2837-rpi-3-b.dtb", base(t), []string{"i2c-rtc,pcf1"}); !errors.Is(err, ErrUnknown) || !strings.Contains(err.Error(), "i2c-rtc,ds3231") {
		t.Errorf("Apply = %v, want ErrUnknown and what there is", err)
	}
	tool(t, "fdtoverlay")
	// A tree that was built without its symbols takes none.
	bare := strings.ReplaceAll(string(base(t)), "__symbols__", "__nothing__")
	if _, err := Apply(t.Context(), "bcm2837-rpi-3-b.dtb", []byte(bare), []string{"spi0"}); err == nil || !strings.Contains(err.Error(), "spi0") {
		t.Errorf("Apply without symbols = %v, want an error that names the overlay", err)
	}
}

func TestStrings(t *testing.T) {
	for _, c := range []struct {
		node, name string
		want       []string
	}{{"chosen", "stdout-path", []string{"serial1:115200n8"}}, {"chosen", Mark, nil}, {"nowhere", "stdout-path", nil}} {
		if got, err := Strings(base(t), c.node, c.name); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("Strings(%s, %s) = %q, %v, want %q", c.node, c.name, got, err, c.want)
		}
	}
	for _, b := range [][]byte{nil, []byte("no tree"), base(t)[:100], append(base(t)[:60:60], make([]byte, 2000)...)} {
		if got, err := Strings(b, "chosen", "stdout-path"); err == nil {
			t.Errorf("Strings of %d broken bytes = %q, want an error", len(b), got)
		}
	}
}

func FuzzStrings(f *testing.F) {
	b := base(f)
	f.Add(b)
	f.Add(b[:len(b)/2])
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := Strings(b, "chosen", "stdout-path")
		if err != nil && got != nil {
			t.Errorf("Strings = %q and %v, want one of them", got, err)
		}
	})
}
