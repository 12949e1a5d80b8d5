package hardware_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/penjire/penjire/firmware/hardware"
)

// plant makes the files of a captured tree: "path = value", "path -> where to".
func plant(t testing.TB, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	root, n := t.TempDir(), 0
	for line := range strings.Lines(string(b)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		line = strings.TrimSuffix(line, "\n")
		path, value, ok := strings.Cut(line, " = ")
		path, to, isLink := strings.Cut(path, " -> ")
		if !ok && !isLink {
			t.Fatalf("%s: got the line %q", file, line)
		}
		at := filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if isLink {
			err = os.Symlink(to, at)
		} else {
			err = os.WriteFile(at, []byte(value+"\n"), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n < 10 {
		t.Fatalf("%s has %d entries", file, n)
	}
	return root
}

func TestRaspberryPi(t *testing.T) {
	r, err := hardware.Look(plant(t, "testdata/rpi4.tree"), "rpi3")
	if err != nil {
		t.Fatal(err)
	}
	var page bytes.Buffer
	if err := r.Page(&page); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"machine    Raspberry Pi 4 Model B Rev 1.5",
		"the image is for rpi3",
		"kernel     6.12.118+deb13-arm64",
		"medium     mmcblk0  SD SD32G, 30436 MiB, worn unknown, spare blocks spent unknown",
		"           mmcblk1  MMC 8GTF4R, 7456 MiB, worn 20 %, spare blocks spent 0 %",
		"display    card0-HDMI-A-1  connected  1280x800",
		"           fb0  framebuffer  1280x800 16 bits",
		"input      event0 ILITEK ILITEK-TP\n",
		"network    eth0  ethernet, bcmgenet, link up",
		"           wlan0  wifi, brcmfmac, link unknown",
		"           wwan0  modem, qmi_wwan, link unknown",
		"usb        1-1  0403:6001  FTDI FT232R USB UART  /dev/ttyUSB0",
		"serial     none",
		"gpio       gpiochip0  pinctrl-bcm2711, 58 lines",
		"bus        i2c-1\n           i2c-3\n           i2c-20",
		"clock      rtc0  rtc-ds1307 1-0068",
		"tpm        tpm0  version 2",
		"audio      card0  vc4hdmi",
		"other      watchdog/watchdog0  Broadcom BCM2835 Watchdog timer\n           thermal/thermal_zone0  cpu-thermal\n",
	} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the page says\n%s\nwant %q", page.String(), want)
		}
	}
	// Neither form holds what tells this machine from others of its kind.
	file := r.Marshal()
	for _, secret := range []string{"deadbeef", "5e12ab34", "A10K7XYZ", "dc:a6"} {
		if strings.Contains(page.String(), secret) || bytes.Contains(file, []byte(secret)) {
			t.Errorf("the report holds %q", secret)
		}
	}
	var again hardware.Report
	if err := json.Unmarshal(file, &again); err != nil || !bytes.Equal(again.Marshal(), file) {
		t.Errorf("the file does not read back as it is: %v", err)
	}
}

// TestThisMachine: the report of whatever runs the test is made and is no wish.
func TestThisMachine(t *testing.T) {
	r, err := hardware.Look("/", "")
	if err != nil {
		t.Fatal(err)
	}
	if r.Machine.Found.Cores < 1 || r.Kernel == "" {
		t.Errorf("Look = %+v, want a processor and a kernel", r)
	}
	// An empty machine shows nothing and breaks nothing.
	if r, err = hardware.Look(t.TempDir(), ""); err != nil || r.Machine.Matched.Exact || len(r.Media)+len(r.USB) != 0 {
		t.Errorf("Look at nothing = %+v, %v", r, err)
	}
}
