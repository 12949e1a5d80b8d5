package registry

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/penjire/penjire/drivers/plugged"
)

// this is the machine that devices are looked for on.
var this plugged.System

// Looked says for a technician, in one line, where the device is looked for and
// what is there now. It opens nothing.
func (r Result) Looked() string { return looked(this, r.Want.Port) }

func looked(s plugged.System, port string) string {
	kind, rest, _ := strings.Cut(port, ":")
	switch {
	case port == "":
		return "nowhere: no port is set"
	case filepath.IsAbs(port):
		return lookedAt(s, port)
	case kind == "usblp":
		return lookedAt(s, rest)
	case kind == "usb":
		d, ok := s.At(rest)
		if !ok {
			return "USB socket " + rest + ": nothing is there"
		}
		return fmt.Sprintf("USB socket %s: %v", rest, d)
	}
	return port
}

func lookedAt(s plugged.System, path string) string {
	f, err := s.Look(path)
	if err != nil {
		return fmt.Sprintf("%s: could not be looked at: %v", path, err)
	}
	return f.String()
}

// Why says for a technician why the device was skipped or has failed: "" if it was
// not. A device that is loaded and not there has no reason but what Looked says.
func (r Result) Why() string {
	switch {
	case r.State == Skipped:
		return "the board knows this device and this kiosk has none: its port is empty"
	case errors.Is(r.Err, ErrNoDriver):
		return fmt.Sprintf("there is no driver %q; there are %s", r.Want.Driver, strings.Join(Names(), ", "))
	case r.Err != nil:
		// The registry's own words repeat what stands beside them.
		return errors.Unwrap(r.Err).Error()
	}
	return ""
}
