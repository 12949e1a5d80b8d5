package link

import (
	"bytes"
	"errors"
	"strings"
)

// Uevent is what the kernel says of a device that comes or goes (kernel,
// Documentation/core-api/kobject.rst and lib/kobject_uevent.c).
type Uevent struct {
	Action    string // "add", "remove", "change" …
	Path      string // of the device below /sys
	Subsystem string // "tty", "usbmisc", "usb" …
	Node      string // the device file below /dev; "": it has none
}

// errUevent is a message that is none of the kernel's.
var errUevent = errors.New("link: not a uevent of the kernel")

// ParseUevent reads one message of the kernel's group: action@path, then
// KEY=value, each ended by a zero byte. Messages of udev, which go to another
// group and begin with "libudev", are refused.
func ParseUevent(b []byte) (Uevent, error) {
	head, rest, ended := bytes.Cut(b, []byte{0})
	action, path, ok := strings.Cut(string(head), "@")
	if !ended || !ok || action == "" || !strings.HasPrefix(path, "/") {
		return Uevent{}, errUevent
	}
	u := Uevent{Action: action, Path: path}
	for field := range bytes.SplitSeq(rest, []byte{0}) {
		key, value, _ := strings.Cut(string(field), "=")
		switch key {
		case "SUBSYSTEM":
			u.Subsystem = value
		case "DEVNAME":
			u.Node = value
		}
	}
	return u, nil
}
