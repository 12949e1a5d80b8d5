package settings

import (
	"maps"
	"slices"
)

// Remote is what the portal's operator set from afar (sync/spec/wire.md, section 5b).
type Remote struct {
	LogLevel string // info or debug; "": as the kiosk was started
	Phone    string // of who helps citizens, for the screen while there is no browser; "": nobody said
	Solar    *bool  // every watt counts; nil: as the board says

	update, sync, night node // what is set over the file
	known               []string
}

// ParseRemote reads what was set from afar. A name that this software does not know is
// in unknown: newer software may. A name with a value that cannot be is left out as a
// whole and is in faults.
func ParseRemote(b []byte) (r Remote, unknown []string, faults Faults, err error) {
	tree, err := decode(b)
	if err != nil {
		return Remote{}, nil, nil, err
	}
	m, ok := tree.(map[string]any)
	if !ok {
		return Remote{}, nil, Faults{"settings: got " + kind(tree) + ", want an object"}, nil
	}
	for _, name := range slices.Sorted(maps.Keys(m)) {
		var bad Faults
		n := node{name, m[name], &bad}
		next := r
		switch name {
		case "log_level":
			if next.LogLevel = n.text(); n.text() != "info" && n.text() != "debug" {
				n.fault("got %q, want info or debug", n.text())
			}
		case "phone":
			next.Phone = n.phone()
		case "power":
			n.only("profile")
			solar := n.key("profile").text() == "solar"
			if p := n.key("profile").text(); p != "solar" && p != "mains" {
				n.key("profile").fault("got %q, want solar or mains", p)
			}
			next.Solar = &solar
		case "update":
			if n.only("ring", "quiet", "windows", "bytes_per_day", "every_h"); len(bad) == 0 {
				n.update("") // its faults are in bad
			}
			next.update = n
		case "sync":
			n.sync()
			next.sync = n
		case "night":
			n.window()
			next.night = n
		default:
			unknown = append(unknown, name)
			continue
		}
		if len(bad) > 0 {
			faults = append(faults, bad...)
			continue
		}
		next.known = append(slices.Clone(r.known), name)
		r = next
	}
	return r, unknown, faults, nil
}

// Names returns what is set, in order.
func (r Remote) Names() []string { return r.known }

// With returns the settings with what is set from afar over them. What is not set stays
// as the file has it, name by name.
func (s Settings) With(r Remote) Settings {
	if u := r.update; u.v != nil {
		far := u.update("")
		over(u, "ring", func() { s.Update.Ring = far.Ring })
		over(u, "quiet", func() { s.Update.Quiet = far.Quiet })
		over(u, "windows", func() { s.Update.Windows = far.Windows })
		over(u, "bytes_per_day", func() { s.Update.BytesPerDay = far.BytesPerDay })
		over(u, "every_h", func() { s.Update.Every = far.Every })
		s.Update = s.Update.withDefaults(s.State)
	}
	if y := r.sync; y.v != nil {
		far := y.sync()
		over(y, "windows", func() { s.Sync.Windows = far.Windows })
		over(y, "bytes_per_day", func() { s.Sync.BytesPerDay = far.BytesPerDay })
	}
	if r.night.v != nil {
		s.Night = r.night.window()
	}
	return s
}

// over does set if the object n has that name.
func over(n node, name string, set func()) {
	if m, ok := n.v.(map[string]any); ok {
		if _, ok := m[name]; ok {
			set()
		}
	}
}
