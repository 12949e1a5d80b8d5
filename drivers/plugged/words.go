package plugged

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/penjire/penjire/drivers/link"
	"github.com/penjire/penjire/drivers/quirk"
)

// Known returns what the quirk table says of d.
func (d Device) Known() (quirk.Device, bool) {
	if d.Socket == "" {
		return quirk.Device{}, false
	}
	return quirk.Find(d.Vendor, d.Product)
}

// String says for people what d is: what we know of it, else what it says itself,
// else what its interfaces are.
func (d Device) String() string {
	if d.Socket == "" {
		return "serial port of this machine"
	}
	number := fmt.Sprintf("(%04x:%04x)", d.Vendor, d.Product)
	said := strings.TrimSpace(d.Maker + " " + d.Model)
	for _, n := range d.Nodes {
		if id := link.ParseDeviceID(n.ID); id.Model != "" {
			said = strings.TrimSpace(id.Maker + " " + id.Model)
		}
	}
	q, known := d.Known()
	switch {
	case known && q.Has(quirk.SharedID):
		if said != "" {
			said = " that calls itself «" + said + "»"
		}
		return "probably " + q.Name + said + " " + number
	case known:
		return q.Name + " " + number
	}
	return cmp.Or(said, d.kind()) + " " + number
}

// keyboardScanner is what to do about a scanner that types into the screen.
const keyboardScanner = "is a keyboard: what it reads is typed into whatever page is open, so a kiosk cannot use it. " +
	"Scan the code «USB CDC», «USB COM port emulation» or «virtual serial port» of its manual, once"

// Hint says what a technician has to know of d: what the quirk table says, and of
// a code scanner that still is a keyboard how to make it a serial line.
func (d Device) Hint() string {
	q, _ := d.Known()
	if q.Hint != "" || q.Is != "code-scanner" || !slices.Contains(d.Classes, classHID) {
		return q.Hint
	}
	for _, n := range d.Nodes {
		if n.Subsystem == "tty" {
			return ""
		}
	}
	return keyboardScanner
}

// kind names what the USB classes of d are for.
func (d Device) kind() string {
	for _, k := range []struct {
		class uint8
		words string
	}{
		{classPrinter, "printer"},
		{classSmartCard, "chip card reader"},
		{classVideo, "camera"},
		{classImage, "image scanner"},
		{classHID, "keyboard or other input device"},
	} {
		if slices.Contains(d.Classes, k.class) {
			return k.words
		}
	}
	return "unknown device"
}
