// Package quirk knows what differs from one make of device to the next: names for
// technicians and what to take care of, by USB number. It is data, usb.json, and
// not code paths; a device that is not in it works all the same.
//
// # Sources
//
// Names after the hardware database of systemd (hwdb.d/20-usb-vendor-model.hwdb),
// and for receipt printers without a maker's own number what their users report of
// them (python-escpos, Odoo's list of supported devices).
package quirk

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Word is one thing that differs.
type Word string

// The words.
const (
	NoSerial Word = "no-serial" // several of one make cannot be told apart: name their sockets
	SharedID Word = "shared-id" // quite different devices have this number, too
)

// Kind is what a device is: the classes of boards, and what has no class.
type Kind string

// The kinds without a class.
const (
	SerialAdapter Kind = "serial-adapter" // says nothing of what hangs behind it
	Printer       Kind = "printer"        // of some kind
)

// Device is what is known of one make.
type Device struct {
	USB     string          `json:"usb"` // vendor:product, four hexadecimal digits each; product * for all others of the vendor
	Name    string          `json:"name"`
	Is      Kind            `json:"is"`
	Driver  string          `json:"driver,omitempty"`  // of the registry, that drives it; "": none is known
	Options json.RawMessage `json:"options,omitempty"` // for that driver, where the defaults do not fit
	Quirks  []Word          `json:"quirks,omitempty"`
	Hint    string          `json:"hint,omitempty"` // for the technician
}

// Has says whether w is true of the device.
func (d Device) Has(w Word) bool { return slices.Contains(d.Quirks, w) }

//go:embed usb.json
var usb []byte

// Table returns every device known, sorted by number.
var Table = sync.OnceValue(func() []Device {
	t, err := parse(usb)
	if err != nil {
		panic(err) // the table is part of the program; a test reads it
	}
	return t
})

// parse reads a table strictly.
func parse(b []byte) ([]Device, error) {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	var t []Device
	if err := dec.Decode(&t); err != nil {
		return nil, fmt.Errorf("quirk: read table: %w", err)
	}
	for i, d := range t {
		if i > 0 && t[i-1].USB >= d.USB {
			return nil, fmt.Errorf("quirk: %s comes after %s: the table is sorted and names nothing twice", d.USB, t[i-1].USB)
		}
		if !number(d.USB) || d.Name == "" || d.Is == "" {
			return nil, fmt.Errorf("quirk: %q: got name %q and kind %q, want a number and both", d.USB, d.Name, d.Is)
		}
		for _, w := range d.Quirks {
			if w != NoSerial && w != SharedID {
				return nil, fmt.Errorf("quirk: %s: no such quirk: %q", d.USB, w)
			}
		}
	}
	return t, nil
}

// number says whether s is vendor:product as the table writes them.
func number(s string) bool {
	v, p, ok := strings.Cut(s, ":")
	hex := func(s string) bool {
		return len(s) == 4 && strings.Trim(s, "0123456789abcdef") == ""
	}
	return ok && hex(v) && (p == "*" || hex(p))
}

// Find returns what is known of a device, or of its vendor's.
func Find(vendor, product uint16) (Device, bool) {
	for _, key := range []string{fmt.Sprintf("%04x:%04x", vendor, product), fmt.Sprintf("%04x:*", vendor)} {
		if i, ok := slices.BinarySearchFunc(Table(), key, func(d Device, k string) int { return strings.Compare(d.USB, k) }); ok {
			return Table()[i], true
		}
	}
	return Device{}, false
}
