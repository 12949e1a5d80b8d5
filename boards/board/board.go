// Package board reads what a kiosk is made of. A board is data: its screen, its
// devices with the ports and drivers they need, its clock, its pins and what goes
// into its image. Nothing here opens a device or knows a driver: names are matched
// to code by who composes a kiosk. [Look] and [Match] say which board a machine is.
package board

import (
	"encoding/json"
	"path/filepath"
	"strings"
)

// Board is one kind of machine.
type Board struct {
	Name    string // "rpi4"; also the name of its folder
	Title   string // for people
	Display Display
	Devices []Device
	Clock   Clock

	// What follows may be missing: a board of emulated devices is no machine.

	Status   Status
	Machine  Machine
	Image    Image
	Touch    Touch
	Audio    Audio
	RTC      RTC
	Watchdog WatchdogTimer
	Power    Power
	USB      []Socket
	Header   string   // one of Headers; "": there are no pins
	Buses    []string // of the header, that are in use: their pins are taken
	Pins     []Pin
}

// Display is the screen.
type Display struct {
	Width, Height int     // in pixels
	PxPerMM       float64 // physical density; settings may correct it
	Rotation      int     // 0, 90, 180 or 270 degrees clockwise
	Connector     string  // as the kernel names it: HDMI-A-1; "": the first that something is on
}

// Device is one peripheral: Driver drives what is plugged into Port.
type Device struct {
	Name    string          // "reader", "printer": unique on the board
	Class   Class           // what it is for
	Driver  string          // name in drivers/registry
	Port    string          // path, or kind:address; a relative path is below the settings' ports folder
	Options json.RawMessage // an object the driver reads strictly; nil: defaults
}

// Class is a class of devices, as drivers/device has interfaces.
type Class string

// The classes boards may have.
const (
	CardReader      Class = "card-reader"
	ReceiptPrinter  Class = "receipt-printer"
	DocumentPrinter Class = "document-printer"
	CodeScanner     Class = "code-scanner"
	ImageScanner    Class = "image-scanner"
	Indicator       Class = "indicator"
	Sensor          Class = "sensor"
	Backlight       Class = "backlight"
	RealTimeClock   Class = "real-time-clock"
	PowerMonitor    Class = "power-monitor"
	Thermometer     Class = "thermometer"
	Watchdog        Class = "watchdog"
	CashAcceptor    Class = "cash-acceptor"
	Modem           Class = "modem"
)

// Classes returns the classes there are.
func Classes() []string {
	var out []string
	for _, c := range []Class{
		CardReader, ReceiptPrinter, DocumentPrinter, CodeScanner, ImageScanner, Indicator, Sensor, Backlight,
		RealTimeClock, PowerMonitor, Thermometer, Watchdog, CashAcceptor, Modem,
	} {
		out = append(out, string(c))
	}
	return out
}

// Clock says where the time comes from.
type Clock struct {
	Driver string // "system", or "offset-file": the system's plus a duration in a file
	Path   string // of the offset file; a relative one is below the ports folder
}

// PathIn returns path itself if it is absolute or no path at all ("tcp:host:9100"),
// else path below folder.
func PathIn(folder, path string) string {
	first, _, _ := strings.Cut(path, "/")
	if path == "" || filepath.IsAbs(path) || strings.Contains(first, ":") {
		return path
	}
	return filepath.Join(folder, path)
}

// Find returns the first device of class c, if the board has one.
func (b *Board) Find(c Class) (Device, bool) {
	for _, d := range b.Devices {
		if d.Class == c {
			return d, true
		}
	}
	return Device{}, false
}

// named returns the device called name.
func (b *Board) named(name string) (Device, bool) {
	for _, d := range b.Devices {
		if d.Name == name {
			return d, true
		}
	}
	return Device{}, false
}
