package registry

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/link"
	"github.com/penjire/penjire/drivers/plugged"
	"github.com/penjire/penjire/drivers/quirk"
)

// sockets lays out a machine with a printer in USB socket 1-1 and a chip card
// reader, for which there is no device file, in 1-2.
func sockets(t *testing.T) (plugged.System, string) {
	t.Helper()
	root := t.TempDir()
	for name, content := range map[string]string{
		"sys/bus/usb/devices/1-1/idVendor":                   "0dd4",
		"sys/bus/usb/devices/1-1/idProduct":                  "015d",
		"sys/bus/usb/devices/1-1/1-1:1.0/usbmisc/lp0/dev":    "180:0",
		"sys/bus/usb/devices/1-1/1-1:1.0/usbmisc/lp0/uevent": "DEVNAME=usb/lp0\n",
		"sys/bus/usb/devices/1-2/idVendor":                   "072f",
		"sys/bus/usb/devices/1-2/idProduct":                  "90cc",
		"sys/class/usbmisc/x":                                "",
		"dev/usb/lp0":                                        "",
	} {
		p := filepath.Join(root, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(p), 0o755), os.WriteFile(p, []byte(content), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("../../../../../../../class/usbmisc", filepath.Join(root, "sys/bus/usb/devices/1-1/1-1:1.0/usbmisc/lp0/subsystem")); err != nil {
		t.Fatal(err)
	}
	return plugged.System{Sys: filepath.Join(root, "sys"), Dev: filepath.Join(root, "dev")}, root
}

func TestLook(t *testing.T) {
	s, root := sockets(t)
	const printer = "Custom receipt printer (0dd4:015d)"
	for port, want := range map[string]struct {
		words string
		there Presence
	}{
		"":                               {"nowhere: no port is set", Unseen},
		root + "/dev/usb/lp0":            {"/dev/usb/lp0: " + printer + " in USB socket 1-1", There},
		"usblp:" + root + "/dev/usb/lp0": {"/dev/usb/lp0: " + printer + " in USB socket 1-1", There},
		root + "/dev/none":               {"/dev/none: nothing is there", Missing},
		"usb:1-1":                        {"USB socket 1-1: " + printer, There},
		"usb:1-3":                        {"USB socket 1-3: nothing is there", Missing},
		"tcp:192.0.2.7:9100":             {"tcp:192.0.2.7:9100", Unseen},
	} {
		l := look(s, port)
		if got := strings.ReplaceAll(l.Words, root, ""); got != want.words || l.There != want.there || (l.Device != nil) != strings.Contains(got, printer) {
			t.Errorf("look(%q) = %q, %+v, want %+v", port, got, l, want)
		}
	}
}

func TestInSocket(t *testing.T) {
	s, root := sockets(t)
	if p, err := (serialOptions{}).inSocket(s, "1-1"); err != nil || p != (link.USBLP{Path: root + "/dev/usb/lp0"}) {
		t.Errorf("inSocket(1-1) = %v, %v, want the printer's line", p, err)
	}
	for _, socket := range []string{"1-2", "1-3"} {
		if p, err := (serialOptions{}).inSocket(s, socket); !errors.Is(err, device.ErrUnplugged) {
			t.Errorf("inSocket(%s) = %v, %v, want ErrUnplugged", socket, p, err)
		}
	}
}

func TestWhy(t *testing.T) {
	for _, r := range Load([]Want{
		{Name: "unwanted", Driver: "escpos"},
		{Name: "unknown", Driver: "abacus", Port: "x"},
		{Name: "misspelt", Driver: "escpos", Port: "x", Options: json.RawMessage(`{"widht": 384}`)},
	}) {
		want := map[string]string{
			"unwanted": "its port is empty",
			"unknown":  `there is no driver "abacus"; there are `,
			"misspelt": `read options: json: unknown field "widht"`,
		}[r.Want.Name]
		if got := r.Why(); !strings.Contains(got, want) || strings.Contains(got, "registry:") {
			t.Errorf("%s: Why = %q, want %q", r.Want.Name, got, want)
		}
	}
}

// TestTap: a device is opened with the port its Tap returned, and the next one
// without any.
func TestTap(t *testing.T) {
	var got []link.Port
	never := link.Sought{Name: "never", Seek: func() (link.Port, error) { return nil, device.ErrUnplugged }}
	rs := Load([]Want{
		{Name: "a", Driver: "escpos", Port: "/dev/none", Tap: func(p link.Port) link.Port { got = append(got, p); return never }},
		{Name: "b", Driver: "escpos", Port: "/dev/none"},
	})
	if len(got) != 1 || got[0] != (link.Serial{Path: "/dev/none"}) {
		t.Errorf("tapped: %v, want the first port alone", got)
	}
	if a, b := rs[0].Device.String(), rs[1].Device.String(); !strings.Contains(a, "never") || strings.Contains(b, "never") {
		t.Errorf("opened %q and %q, want the first on the port of its Tap", a, b)
	}
	if err := Halt(rs); err != nil {
		t.Error(err)
	}
}

// TestQuirksNameDrivers: a driver that the quirk table recommends exists and takes
// the options it recommends.
func TestQuirksNameDrivers(t *testing.T) {
	n := 0
	for _, d := range quirk.Table() {
		if d.Driver == "" {
			continue
		}
		n++
		if !slices.Contains(Names(), d.Driver) {
			t.Errorf("%s: there is no driver %q", d.Name, d.Driver)
			continue
		}
		r := load(Want{Name: "x", Driver: d.Driver, Port: "/dev/none", Options: d.Options})
		if r.State != Loaded {
			t.Errorf("%s: %v", d.Name, r.Err)
		} else if err := r.Device.Halt(); err != nil {
			t.Error(err)
		}
	}
	if n == 0 {
		t.Error("the quirk table recommends no driver")
	}
}
