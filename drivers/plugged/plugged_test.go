package plugged_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/penjire/penjire/drivers/plugged"
)

// tree is a machine as sysfs shows it: files by name, and links by what follows
// an arrow. It was copied from a Raspberry Pi 4 and cut down to what is read.
var tree = map[string]string{
	"sys/bus/usb/devices/usb1":          "-> ../../../devices/pci/usb1",
	"sys/bus/usb/devices/1-1":           "-> ../../../devices/pci/usb1/1-1",
	"sys/bus/usb/devices/1-1:1.0":       "-> ../../../devices/pci/usb1/1-1/1-1:1.0",
	"sys/bus/usb/devices/1-1.1":         "-> ../../../devices/pci/usb1/1-1/1-1.1",
	"sys/bus/usb/devices/1-1.2":         "-> ../../../devices/pci/usb1/1-1/1-1.2",
	"sys/bus/usb/devices/1-1.3":         "-> ../../../devices/pci/usb1/1-1/1-1.3",
	"sys/bus/usb/devices/1-1.4":         "-> ../../../devices/pci/usb1/1-1/1-1.4", // pulled: leads nowhere
	"sys/devices/pci/usb1/bDeviceClass": "09\n",

	"sys/devices/pci/usb1/1-1/idVendor":     "2109\n",
	"sys/devices/pci/usb1/1-1/idProduct":    "3431\n",
	"sys/devices/pci/usb1/1-1/bDeviceClass": "09\n",

	"sys/devices/pci/usb1/1-1/1-1.1/idVendor":                                "1a86\n",
	"sys/devices/pci/usb1/1-1/1-1.1/idProduct":                               "7523\n",
	"sys/devices/pci/usb1/1-1/1-1.1/product":                                 "USB Serial\n",
	"sys/devices/pci/usb1/1-1/1-1.1/bDeviceClass":                            "ff\n",
	"sys/devices/pci/usb1/1-1/1-1.1/1-1.1:1.0/bInterfaceClass":               "ff\n",
	"sys/devices/pci/usb1/1-1/1-1.1/1-1.1:1.0/driver":                        "-> ../../../../../../bus/usb/drivers/ch341",
	"sys/devices/pci/usb1/1-1/1-1.1/1-1.1:1.0/ttyUSB0/tty/ttyUSB0/dev":       "188:0\n",
	"sys/devices/pci/usb1/1-1/1-1.1/1-1.1:1.0/ttyUSB0/tty/ttyUSB0/uevent":    "MAJOR=188\nMINOR=0\nDEVNAME=ttyUSB0\n",
	"sys/devices/pci/usb1/1-1/1-1.1/1-1.1:1.0/ttyUSB0/tty/ttyUSB0/subsystem": "-> ../../../../../../../../../class/tty",
	"sys/class/tty/ttyUSB0/device":                                           "-> ../../../devices/pci/usb1/1-1/1-1.1/1-1.1:1.0/ttyUSB0",

	"sys/devices/pci/usb1/1-1/1-1.2/idVendor":                        "04b8\n",
	"sys/devices/pci/usb1/1-1/1-1.2/idProduct":                       "0202\n",
	"sys/devices/pci/usb1/1-1/1-1.2/manufacturer":                    "EPSON\n",
	"sys/devices/pci/usb1/1-1/1-1.2/serial":                          "J3VF\x1b[2J01\n",
	"sys/devices/pci/usb1/1-1/1-1.2/1-1.2:1.0/bInterfaceClass":       "07\n",
	"sys/devices/pci/usb1/1-1/1-1.2/1-1.2:1.0/ieee1284_id":           "MFG:EPSON;MDL:TM-T88V;CMD:ESC/POS;\n",
	"sys/devices/pci/usb1/1-1/1-1.2/1-1.2:1.0/driver":                "-> ../../../../../../bus/usb/drivers/usblp",
	"sys/devices/pci/usb1/1-1/1-1.2/1-1.2:1.0/usbmisc/lp0/dev":       "180:0\n",
	"sys/devices/pci/usb1/1-1/1-1.2/1-1.2:1.0/usbmisc/lp0/uevent":    "MAJOR=180\nMINOR=0\nDEVNAME=usb/lp0\n",
	"sys/devices/pci/usb1/1-1/1-1.2/1-1.2:1.0/usbmisc/lp0/subsystem": "-> ../../../../../../../../class/usbmisc",

	"sys/devices/pci/usb1/1-1/1-1.3/idVendor":                  "ffff\n",
	"sys/devices/pci/usb1/1-1/1-1.3/idProduct":                 "0001\n",
	"sys/devices/pci/usb1/1-1/1-1.3/1-1.3:1.0/bInterfaceClass": "0b\n",
	"sys/devices/pci/usb1/1-1/1-1.3/1-1.3:1.1/bInterfaceClass": "03\n",

	"sys/class/tty/ttyAMA0/device": "-> ../../../devices/uart",
	"sys/class/tty/ttyAMA0/type":   "3\n",
	"sys/class/tty/ttyS1/device":   "-> ../../../devices/uart",
	"sys/class/tty/ttyS1/type":     "0\n",
	"sys/devices/uart/driver":      "-> ../../bus/amba/drivers/uart-pl011",

	"dev/ttyUSB0": "", "dev/usb/lp0": "", "dev/ttyAMA0": "", "dev/pts/3": "",
	"dev/serial/by-path/platform-fd500000.pcie-pci-0000:01:00.0-usb-0:1.1:1.0-port0":   "-> ../../ttyUSB0",
	"dev/serial/by-path/platform-fd500000.pcie-pci-0000:01:00.0-usbv2-0:1.1:1.0-port0": "-> ../../ttyUSB0",
}

const (
	byPath11 = "dev/serial/by-path/platform-fd500000.pcie-pci-0000:01:00.0-usb-0:1.1:1.0-port0"
	byPath12 = "dev/serial/by-path/platform-fd500000.pcie-pci-0000:01:00.0-usb-0:1.2:1.0-port0"
	byPath14 = "dev/serial/by-path/platform-fd500000.pcie-pci-0000:01:00.0-usb-0:1.4:1.0-port0"
)

// machine lays tree out on disk.
func machine(t *testing.T) (plugged.System, string) {
	t.Helper()
	root := t.TempDir()
	for name, content := range tree {
		p := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		if to, ok := strings.CutPrefix(content, "-> "); ok {
			err = os.Symlink(to, p)
		} else {
			err = os.WriteFile(p, []byte(content), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return plugged.System{Sys: filepath.Join(root, "sys"), Dev: filepath.Join(root, "dev")}, root
}

func TestAll(t *testing.T) {
	s, root := machine(t)
	all, err := s.All()
	if err != nil || len(all) != 4 {
		t.Fatalf("All = %+v, %v, want four devices", all, err)
	}
	for i, want := range []struct{ socket, words, node, subsystem, driver string }{
		{"1-1.1", "WCH CH340 (1a86:7523)", "dev/ttyUSB0", "tty", "ch341"},
		{"1-1.2", "probably Epson TM receipt printer that calls itself «EPSON TM-T88V» (04b8:0202)", "dev/usb/lp0", "usbmisc", "usblp"},
		{"1-1.3", "chip card reader (ffff:0001)", "", "", ""},
		{"", "serial port of this machine", "dev/ttyAMA0", "tty", "uart-pl011"},
	} {
		d := all[i]
		if d.Socket != want.socket || d.String() != want.words || (len(d.Nodes) > 0) != (want.node != "") {
			t.Errorf("device %d = %+v (%v), want %+v", i, d, d, want)
			continue
		}
		if want.node == "" {
			continue
		}
		n := d.Nodes[0]
		if n.Path != filepath.Join(root, want.node) || n.Subsystem != want.subsystem || n.Driver != want.driver {
			t.Errorf("%v: node %+v, want %+v", d, n, want)
		}
	}
	if got := all[0].Nodes[0].Name; got != filepath.Join(root, byPath11) {
		t.Errorf("link to the reader = %q, want the one by path", got)
	}
	if got := all[1].Serial; got != "J3VF[2J01" {
		t.Errorf("serial number = %q, want no escape sequence in it", got)
	}
}

func TestLook(t *testing.T) {
	s, root := machine(t)
	for path, want := range map[string]string{
		byPath11:      "/" + byPath11 + " leads to /dev/ttyUSB0: WCH CH340 (1a86:7523) in USB socket 1-1.1, kernel driver ch341",
		"dev/usb/lp0": "/dev/usb/lp0: probably Epson TM receipt printer that calls itself «EPSON TM-T88V» (04b8:0202) in USB socket 1-1.2, kernel driver usblp",
		"dev/ttyAMA0": "/dev/ttyAMA0: serial port of this machine, kernel driver uart-pl011",
		"dev/pts/3":   "/dev/pts/3: is there, but sysfs knows no device of that name",
		"dev/ttyUSB7": "/dev/ttyUSB7: nothing is there",
		byPath12: "/" + byPath12 + ": is not there; in its USB socket is probably Epson TM receipt printer that calls itself «EPSON TM-T88V» (04b8:0202)," +
			" which is /dev/usb/lp0",
		byPath14: "/" + byPath14 + ": nothing is there",
	} {
		f, err := s.Look(filepath.Join(root, path))
		if got := strings.ReplaceAll(f.String(), root, ""); err != nil || got != want {
			t.Errorf("Look(%s) =\n%q, %v, want\n%q", path, got, err, want)
		}
	}
}

func TestAt(t *testing.T) {
	s, _ := machine(t)
	if d, ok := s.At("1-1.2"); !ok || d.Vendor != 0x04b8 {
		t.Errorf("At(1-1.2) = %+v, %v, want the printer", d, ok)
	}
	for _, no := range []string{"", "1-1", "1-1.4", "1-1.9", "../1-1.2", "1-1.1:1.0"} {
		if d, ok := s.At(no); ok {
			t.Errorf("At(%q) = %+v, want nothing", no, d)
		}
	}
}

// TestNothing: a machine without USB and without serial ports is no error.
func TestNothing(t *testing.T) {
	s := plugged.System{Sys: t.TempDir(), Dev: t.TempDir()}
	if all, err := s.All(); err != nil || len(all) != 0 {
		t.Errorf("All = %v, %v, want nothing", all, err)
	}
}

// TestThisMachine reads the real sysfs, whatever is there.
func TestThisMachine(t *testing.T) {
	var s plugged.System
	all, err := s.All()
	if err != nil {
		t.Fatalf("All = %v, want nil", err)
	}
	for _, d := range all {
		for _, n := range d.Nodes {
			if f, err := s.Look(n.Path); err != nil || f.Device == nil && f.Target == n.Path {
				t.Errorf("Look(%s) = %v, %v, want what All found there", n.Path, f, err)
			}
		}
	}
}
