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

// Presence says whether something is where a device is looked for.
type Presence int

// The presences.
const (
	Unseen  Presence = 1 // it cannot be seen without opening it: on the network, on a bus
	There   Presence = 2 // something is there; whether it is the device only its driver finds out
	Missing Presence = 3
)

// Look is what is where a device is looked for.
type Look struct {
	Words  string // for a technician, in one line: where, and what is there
	There  Presence
	Device *plugged.Device // that is there; nil: none that sysfs knows
	Denied bool            // this user may not open it
}

// Look looks where the device is looked for. It opens nothing.
func (r Result) Look() Look { return look(this, r.Want.Port) }

func look(s plugged.System, port string) Look {
	kind, rest, _ := strings.Cut(port, ":")
	switch {
	case port == "":
		return Look{Words: "nowhere: no port is set", There: Unseen}
	case filepath.IsAbs(port):
		return lookAt(s, port)
	case kind == "usblp":
		return lookAt(s, rest)
	case kind == "usb":
		d, ok := s.At(rest)
		if !ok {
			return Look{Words: "USB socket " + rest + ": nothing is there", There: Missing}
		}
		return Look{Words: fmt.Sprintf("USB socket %s: %v", rest, d), There: There, Device: &d}
	}
	return Look{Words: port, There: Unseen}
}

func lookAt(s plugged.System, path string) Look {
	f, err := s.Look(path)
	if err != nil {
		return Look{Words: fmt.Sprintf("%s: could not be looked at: %v", path, err), There: Unseen}
	}
	l := Look{Words: f.String(), There: Missing, Device: f.Device, Denied: f.Denied != ""}
	if f.Target != "" || l.Denied {
		l.There = There
	}
	return l
}

// Why says for a technician why the device was skipped or has failed: "" if it was
// not. A device that is loaded and not there has no reason but what Look says.
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
