package plugged

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Found is what was found where a driver looks for its device.
type Found struct {
	Path   string  // that was looked at
	Target string  // what Path, a link, leads to; "" if nothing is there
	Device *Device // nil: sysfs knows none there
	Node   Node    // of Device
	// Instead is what is in the USB socket that Path names, where it is not what
	// Path is for: a printer where a serial line is looked for.
	Instead *Device
	Denied  string // why this user may not open it; "": he may
}

// Look says what is at path, a device file or a link to one.
func (s System) Look(path string) (Found, error) {
	f := Found{Path: path}
	all, err := s.All()
	if err != nil {
		return f, err
	}
	target, err := filepath.EvalSymlinks(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		f.Instead = instead(path, all)
		return f, nil
	case errors.Is(err, fs.ErrPermission):
		f.Denied = "this user may not look into its folder"
		return f, nil
	case err != nil:
		return f, fmt.Errorf("plugged: look at %s: %w", path, err)
	}
	f.Target, f.Denied = target, denied(target)
	for _, d := range all {
		for _, n := range d.Nodes {
			if n.Path == target {
				f.Device, f.Node = &d, n
			}
		}
	}
	return f, nil
}

// At returns what is in a USB socket.
func (s System) At(socket string) (Device, bool) {
	if socket == "" || strings.ContainsAny(socket, "/:") {
		return Device{}, false
	}
	return s.usb(socket, s.names())
}

// byPath is the part of udev's names that names a USB socket: controller, ports.
var byPath = regexp.MustCompile(`-usb(?:v\d)?-\d+:([\d.]+):`)

// instead returns the device in the USB socket that path names. The name says the
// ports and not the bus; where two buses have such a socket in use, neither is told.
func instead(path string, all []Device) *Device {
	m := byPath.FindStringSubmatch(filepath.Base(path))
	if m == nil {
		return nil
	}
	var found *Device
	for _, d := range all {
		if _, ports, ok := strings.Cut(d.Socket, "-"); ok && ports == m[1] {
			if found != nil {
				return nil
			}
			found = &d
		}
	}
	return found
}

// denied says why this user may not open path, or "".
func denied(path string) string {
	if err := unix.Access(path, unix.R_OK|unix.W_OK); !errors.Is(err, unix.EACCES) {
		return ""
	}
	group := "another group"
	if st, err := os.Stat(path); err == nil {
		if sys, ok := st.Sys().(*syscall.Stat_t); ok {
			if g, err := user.LookupGroupId(strconv.Itoa(int(sys.Gid))); err == nil {
				group = "group " + g.Name
			}
		}
	}
	return "this user may not open it: it is for " + group
}

// String says it for people, in one line.
func (f Found) String() string {
	var s strings.Builder
	s.WriteString(f.Path)
	switch {
	case f.Target == "" && f.Denied == "" && f.Instead != nil:
		fmt.Fprintf(&s, ": is not there; in its USB socket is %v", *f.Instead)
		if len(f.Instead.Nodes) == 0 {
			s.WriteString(", for which the kernel has no device file")
		} else {
			fmt.Fprintf(&s, ", which is %s", f.Instead.Nodes[0].Path)
		}
	case f.Target == "" && f.Denied == "":
		s.WriteString(": nothing is there")
	case f.Target != "" && f.Target != f.Path:
		s.WriteString(" leads to " + f.Target)
	}
	if f.Device != nil {
		fmt.Fprintf(&s, ": %v", *f.Device)
		if f.Device.Socket != "" {
			s.WriteString(" in USB socket " + f.Device.Socket)
		}
		if f.Node.Driver != "" {
			s.WriteString(", kernel driver " + f.Node.Driver)
		}
	} else if f.Target != "" {
		s.WriteString(": is there, but sysfs knows no device of that name")
	}
	if f.Denied != "" {
		s.WriteString("; " + f.Denied)
	}
	return s.String()
}
