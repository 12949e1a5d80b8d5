package board

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
)

// Parse reads a board. It is strict: unknown and repeated keys, wrong types and
// values out of range are faults, and all of them are reported at once, as
// [Faults].
func Parse(b []byte) (*Board, error) {
	tree, err := decode(b)
	if err != nil {
		return nil, err
	}
	var fs Faults
	root := node{path: "board", v: tree, fs: &fs}
	root.once()
	root.only("name", "title", "status", "machine", "image", "display", "touch", "audio", "devices", "clock", "rtc", "watchdog", "power",
		"usb", "header", "buses", "pins")
	d := &Board{
		Name: root.key("name").name(), Title: root.key("title").text(),
		Status: optional(root.key("status"), status), Machine: optional(root.key("machine"), machine), Image: optional(root.key("image"), image),
		Display: display(root.key("display")), Touch: optional(root.key("touch"), touch), Audio: optional(root.key("audio"), audio),
		Devices: devices(root.key("devices")), Clock: clock(root.key("clock")), RTC: optional(root.key("rtc"), rtc),
		USB: optional(root.key("usb"), sockets),
	}
	d.Watchdog = optional(root.key("watchdog"), func(n node) WatchdogTimer { return watchdog(n, d) })
	d.Power = optional(root.key("power"), func(n node) Power { return power(n, d) })
	if h := root.key("header"); h.v != nil {
		d.Header = h.oneOf(Headers()...)
	}
	header, _ := HeaderOf(d.Header)
	d.Buses = buses(root.key("buses"), header)
	d.Pins = pins(root.key("pins"), d)
	lines(root, d)
	together(root, d)
	if len(fs) > 0 {
		return nil, fs
	}
	return d, nil
}

// ParseFile reads the board in the file at path. Faults name the file.
func ParseFile(path string) (*Board, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("board: read: %w", err)
	}
	d, err := Parse(b)
	if fs, ok := errors.AsType[Faults](err); ok {
		for i := range fs {
			fs[i].File = path
		}
		return nil, fs
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return d, nil
}

func display(n node) Display {
	n.only("width", "height", "px_per_mm", "rotation", "connector")
	d := Display{
		Width:   n.key("width").integer(320, 8192),
		Height:  n.key("height").integer(240, 8192),
		PxPerMM: n.key("px_per_mm").number(1, 40),

		Connector: optional(n.key("connector"), node.text),
	}
	if d.Connector != "" && !connectorForm.MatchString(d.Connector) {
		n.key("connector").fault("got %q, want a connector as the kernel names it, such as HDMI-A-1", d.Connector)
	}
	if r := n.key("rotation"); r.v != nil {
		d.Rotation = r.integer(0, 270)
		if d.Rotation%90 != 0 {
			r.fault("got %d, want 0, 90, 180 or 270", d.Rotation)
		}
	}
	return d
}

func devices(n node) []Device {
	var out []Device
	seen := map[string]bool{}
	for _, e := range n.items() {
		e.only("name", "class", "driver", "port", "options")
		d := Device{
			Name:   e.key("name").name(),
			Class:  Class(e.key("class").oneOf(Classes()...)),
			Driver: e.key("driver").name(),
			Port:   e.key("port").text(),
		}
		if d.Name != "" && seen[d.Name] {
			e.key("name").fault("%q is taken by an earlier device", d.Name)
		}
		seen[d.Name] = true
		if o := e.key("options"); o.v != nil {
			if m, ok := o.object(); ok {
				// What came out of JSON goes back into it.
				d.Options, _ = json.Marshal(m)
			}
		}
		out = append(out, d)
	}
	return out
}

func clock(n node) Clock {
	n.only("driver", "path")
	c := Clock{Driver: n.key("driver").oneOf("system", "offset-file")}
	p := n.key("path")
	switch {
	case c.Driver == "offset-file":
		c.Path = p.text()
	case p.v != nil:
		p.fault("got a path, want none with driver %q", c.Driver)
	}
	return c
}

// connectorForm is what the kernel's connectors look like in /sys/class/drm.
var connectorForm = regexp.MustCompile(`^(HDMI-A|DSI|DP|eDP|DPI|LVDS|VGA|DVI-[DI]|Virtual)-[1-9]$`)

// nameForm is what names of boards, devices and drivers look like.
var nameForm = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)
