// Package plugged says what is plugged into this machine and under which device
// files, as the kernel's sysfs shows it. It opens no device and needs no rights.
//
// # Reference
//
// Linux, Documentation/ABI/testing/sysfs-bus-usb and sysfs-class-tty; USB numbers
// of classes: USB-IF, "Defined Class Codes".
package plugged

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/penjire/penjire/drivers/link"
)

// System is where to look. The zero System is this machine.
type System struct {
	Sys string // ""; /sys
	Dev string // "": /dev
}

func (s System) sys(p ...string) string {
	return filepath.Join(append([]string{cmp.Or(s.Sys, "/sys")}, p...)...)
}

func (s System) dev(p ...string) string {
	return filepath.Join(append([]string{cmp.Or(s.Dev, "/dev")}, p...)...)
}

// Device is one thing that is plugged in, or a serial port of the machine's own.
type Device struct {
	// Socket names the USB socket, by bus and the ports of the hubs on the way:
	// "1-1.2". It stays the same over replugs. "": no USB device.
	Socket          string
	Vendor, Product uint16
	Maker, Model    string  // as the device itself says; "" if it does not
	Serial          string  // likewise
	Classes         []uint8 // USB classes of its interfaces, sorted
	Nodes           []Node
}

// Node is one device file.
type Node struct {
	Path      string // "/dev/ttyUSB0"
	Subsystem string // "tty", "usbmisc", "video4linux", "hidraw" …
	Driver    string // the kernel's, "": it does not say
	Name      string // a link that names the socket, in /dev/serial/by-path; "": there is none
	ID        string // a printer's IEEE 1284 id: see [link.ParseDeviceID]
}

// USB classes of interest (USB-IF).
const (
	classHID       = 0x03
	classImage     = 0x06
	classPrinter   = 0x07
	classHub       = 0x09
	classSmartCard = 0x0b
	classVideo     = 0x0e
)

// All returns what is there: USB devices other than hubs, by socket, then the
// machine's own serial ports. A machine without USB has none; that is no error.
func (s System) All() ([]Device, error) {
	entries, err := os.ReadDir(s.sys("bus/usb/devices"))
	if err != nil && !os.IsNotExist(err) {
		return nil, fmt.Errorf("plugged: look for USB devices: %w", err)
	}
	names := s.names()
	var out []Device
	for _, e := range entries {
		if n := e.Name(); strings.HasPrefix(n, "usb") || strings.Contains(n, ":") {
			continue // a controller, or one interface of a device
		}
		if d, ok := s.usb(e.Name(), names); ok {
			out = append(out, d)
		}
	}
	slices.SortFunc(out, func(a, b Device) int { return cmp.Compare(a.Socket, b.Socket) })
	return append(out, s.own(out, names)...), nil
}

// usb reads the device in one socket. One that is pulled meanwhile is not there.
func (s System) usb(socket string, names map[string]string) (Device, bool) {
	dir, err := filepath.EvalSymlinks(s.sys("bus/usb/devices", socket))
	if err != nil {
		return Device{}, false
	}
	vendor, ok := hex(attr(dir, "idVendor"), 16)
	product, ok2 := hex(attr(dir, "idProduct"), 16)
	class, _ := hex(attr(dir, "bDeviceClass"), 8)
	if !ok || !ok2 || class == classHub {
		return Device{}, false
	}
	d := Device{
		Socket: socket, Vendor: uint16(vendor), Product: uint16(product),
		Maker: attr(dir, "manufacturer"), Model: attr(dir, "product"), Serial: attr(dir, "serial"),
	}
	interfaces, _ := filepath.Glob(filepath.Join(dir, socket+":*")) // the pattern is right
	slices.Sort(interfaces)
	for _, in := range interfaces {
		if c, ok := hex(attr(in, "bInterfaceClass"), 8); ok && !slices.Contains(d.Classes, uint8(c)) {
			d.Classes = append(d.Classes, uint8(c))
		}
		d.Nodes = append(d.Nodes, s.nodes(in, names)...)
	}
	slices.Sort(d.Classes)
	return d, true
}

// nodes finds the device files of one interface: folders below it with a number.
func (s System) nodes(dir string, names map[string]string) []Node {
	var out []Node
	id, driver := attr(dir, "ieee1284_id"), base(dir, "driver")
	// An error is a device that is being pulled: what was found so far is told.
	_ = filepath.WalkDir(dir, func(p string, e fs.DirEntry, err error) error {
		if err != nil || !e.IsDir() || attr(p, "dev") == "" {
			return nil
		}
		name := devname(p)
		if name == "" {
			return nil
		}
		n := Node{Path: s.dev(name), Subsystem: base(p, "subsystem"), Driver: driver}
		n.Name = names[n.Path]
		if n.Subsystem == "usbmisc" {
			n.ID = id
		}
		out = append(out, n)
		return nil
	})
	return out
}

// own finds serial ports that belong to the machine itself.
func (s System) own(found []Device, names map[string]string) []Device {
	ttys, _ := filepath.Glob(s.sys("class/tty/*/device")) // as above
	usb := map[string]bool{}
	for _, d := range found {
		for _, n := range d.Nodes {
			usb[n.Path] = true
		}
	}
	var out []Device
	for _, p := range ttys {
		dir := filepath.Dir(p)
		n := Node{Path: s.dev(filepath.Base(dir)), Subsystem: "tty", Driver: base(p, "driver")}
		n.Name = names[n.Path]
		// Type 0 is a port that is wired to nothing.
		if usb[n.Path] || attr(dir, "type") == "0" {
			continue
		}
		out = append(out, Device{Nodes: []Node{n}})
	}
	return out
}

// names returns the links that name sockets, by what they point at.
func (s System) names() map[string]string {
	out := map[string]string{}
	links, _ := filepath.Glob(s.dev("serial/by-path/*")) // as above
	slices.Sort(links)
	for _, l := range links {
		to, err := filepath.EvalSymlinks(l)
		// Of two names for one port the one with the older form of the socket's
		// name is in boards' files: it sorts first.
		if err == nil && out[to] == "" {
			out[to] = l
		}
	}
	return out
}

// attr returns one attribute of sysfs, fit for people. What cannot be read says
// nothing: a device may go while it is looked at.
func attr(dir, name string) string {
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return ""
	}
	return link.Printable(string(b))
}

func hex(s string, bits int) (uint64, bool) {
	n, err := strconv.ParseUint(s, 16, bits)
	return n, err == nil
}

// base returns the name of what a link of sysfs points at.
func base(dir, link string) string {
	to, err := os.Readlink(filepath.Join(dir, link))
	if err != nil {
		return ""
	}
	return filepath.Base(to)
}

// devname returns the name of the device file whose folder in sysfs is dir.
func devname(dir string) string {
	b, err := os.ReadFile(filepath.Join(dir, "uevent"))
	if err != nil {
		return ""
	}
	for l := range strings.SplitSeq(string(b), "\n") {
		if v, ok := strings.CutPrefix(l, "DEVNAME="); ok {
			return v
		}
	}
	return ""
}
