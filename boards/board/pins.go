package board

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// buses reads which buses of the header are in use.
func buses(n node, h Header) []string {
	if n.v == nil {
		return nil
	}
	known := map[string]bool{}
	for _, p := range h.Pins {
		if p.Bus != "" {
			known[p.Bus] = true
		}
	}
	if len(known) == 0 {
		n.fault("got buses, want none: the board has no header")
		return nil
	}
	var out []string
	for _, e := range n.items() {
		b := e.oneOf(slices.Sorted(maps.Keys(known))...)
		if slices.Contains(out, b) {
			e.fault("%q is there already", b)
		}
		out = append(out, b)
	}
	return out
}

// pins reads the wires and holds them against the header.
func pins(n node, d *Board) []Pin {
	if n.v == nil {
		return nil
	}
	h, ok := HeaderOf(d.Header)
	if !ok {
		n.fault("got pins, want none: the board has no header")
		return nil
	}
	var out []Pin
	taken := map[int]string{}
	for _, e := range n.items() {
		e.only("pin", "line", "device", "use", "volts", "colour")
		p := Pin{
			Number: e.key("pin").integer(1, len(h.Pins)), Line: e.key("line").text(), Device: e.key("device").name(),
			Use: e.key("use").oneOf("gpio", "power", "ground", "i2c1", "spi0", "uart"), Colour: e.key("colour").oneOf(Colours()...),
		}
		if v := e.key("volts"); v.v != nil {
			p.Volts = v.number(0, 60)
		}
		if p.Device != "" && !slices.ContainsFunc(d.Devices, func(x Device) bool { return x.Name == p.Device }) {
			e.key("device").fault("got %q, want the name of a device of this board", p.Device)
		}
		if p.Number == 0 {
			continue // said already
		}
		if by, twice := taken[p.Number]; twice {
			e.key("pin").fault("pin %d is used twice, by %s and by %s", p.Number, by, p.Device)
		}
		taken[p.Number] = p.Device
		pin(e, p, h.Pins[p.Number-1], d.Buses)
		out = append(out, p)
	}
	return out
}

// pin holds one wire against its place on the header.
func pin(e node, p Pin, at HeaderPin, buses []string) {
	if p.Line != "" && p.Line != at.Line {
		e.key("line").fault("got %q, want %q: that is what pin %d of this header is", p.Line, at.Line, p.Number)
		return
	}
	if at.Kept != "" {
		e.key("pin").fault("pin %d (%s) is not free: %s", p.Number, at.Line, at.Kept)
	}
	signal := strings.HasPrefix(at.Line, "GPIO")
	switch {
	case p.Use == "":
	case p.Use == "ground" && at.Line != "GND", p.Use == "power" && (signal || at.Volts == 0), p.Use == "gpio" && !signal:
		e.key("use").fault("got %q, want what %s is for", p.Use, at.Line)
	case p.Use == "gpio" && at.Bus != "" && slices.Contains(buses, at.Bus):
		e.key("use").fault("pin %d (%s) has another function: the bus %s of this board is on it", p.Number, at.Line, at.Bus)
	case slices.Contains([]string{"i2c1", "spi0", "uart"}, p.Use) && (p.Use != at.Bus || !slices.Contains(buses, p.Use)):
		e.key("use").fault("got %q, want a bus of this board that is on pin %d; its buses are %q", p.Use, p.Number, buses)
	}
	if p.Volts != at.Volts {
		e.key("volts").fault("got %g V, want %g V: %s bears nothing else", p.Volts, at.Volts, at.Line)
	}
}

// lines holds the lines that devices have in their options against the pins: each
// is a wire of that device, and each wire of a signal is a line of its device.
func lines(root node, d *Board) {
	if d.Header == "" {
		return
	}
	used := map[string]bool{}
	for i, x := range d.Devices {
		at := root.key("devices").items()[i].key("options")
		for _, l := range linesIn(x.Options) {
			used[x.Name+" "+l] = true
			if strings.HasPrefix(l, "GPIO") && !slices.ContainsFunc(d.Pins, func(p Pin) bool { return p.Device == x.Name && p.Line == l }) {
				at.fault("device %s uses the line %s, and no pin of the board has it for %s", x.Name, l, x.Name)
			}
		}
	}
	for i, p := range d.Pins {
		if p.Use == "gpio" && !used[p.Device+" "+p.Line] {
			root.key("pins").items()[i].key("line").fault("got %q, want a line that the options of %s name", p.Line, p.Device)
		}
	}
}

// linesIn returns every value called line, however deep.
func linesIn(options json.RawMessage) []string {
	var tree any
	if json.Unmarshal(options, &tree) != nil {
		return nil // there are no options
	}
	var out []string
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for _, k := range slices.Sorted(maps.Keys(v)) {
				if s, ok := v[k].(string); ok && k == "line" {
					out = append(out, s)
				}
				walk(v[k])
			}
		case []any:
			for _, e := range v {
				walk(e)
			}
		}
	}
	walk(tree)
	return out
}
