package board

import (
	"encoding/json"
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
	root.only("name", "title", "display", "devices", "clock")
	d := &Board{Name: root.key("name").name(), Title: root.key("title").text()}
	d.Display = display(root.key("display"))
	d.Devices = devices(root.key("devices"))
	d.Clock = clock(root.key("clock"))
	if len(fs) > 0 {
		return nil, fs
	}
	return d, nil
}

func display(n node) Display {
	n.only("width", "height", "px_per_mm", "rotation")
	d := Display{
		Width:   n.key("width").integer(320, 8192),
		Height:  n.key("height").integer(240, 8192),
		PxPerMM: n.key("px_per_mm").number(1, 40),
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

// nameForm is what names of boards, devices and drivers look like.
var nameForm = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)
