package hardware

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Page writes the report for people. What the machine does not tell is said as
// unknown.
func (r Report) Page(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	row := func(head, format string, args ...any) {
		_, _ = fmt.Fprintf(t, "%s\t%s\n", head, fmt.Sprintf(format, args...)) // Flush tells the error
	}
	f := r.Machine.Found
	row("machine", "%v", f)
	row("processor", "%s, %d cores, %d MiB memory", cmp.Or(f.CPU, f.Architecture), f.Cores, f.MemoryMiB)
	row("board", "%s", boardOf(r))
	row("kernel", "%s", cmp.Or(r.Kernel, "unknown"))
	heads(row, "medium", r.Media, func(m Medium) string {
		return fmt.Sprintf("%s  %s %s, %d MiB, worn %s, spare blocks spent %s", m.Name, m.Kind, m.Model, m.MiB, percent(m.Worn), percent(m.Spent))
	})
	heads(row, "display", r.Displays, func(d Display) string {
		modes := d.Modes
		if len(modes) > 4 {
			modes = append(modes[:4:4], "…")
		}
		return fmt.Sprintf("%s  %s  %s", d.Name, d.Status, strings.Join(modes, " "))
	})
	heads(row, "input", r.Inputs, func(s string) string { return s })
	heads(row, "network", r.Network, func(c Card) string {
		return fmt.Sprintf("%s  %s, %s, link %s", c.Name, c.Kind, cmp.Or(c.Driver, "driver unknown"), c.Link)
	})
	heads(row, "usb", r.USB, func(u USB) string {
		var s strings.Builder
		_, _ = fmt.Fprintf(&s, "%s  %s  %s %s", u.Socket, u.ID, u.Maker, u.Model)
		for _, p := range u.Ports {
			s.WriteString("  " + p.Path)
		}
		return s.String()
	})
	heads(row, "serial", r.Serial, func(p Port) string { return p.Path + "  " + p.Driver })
	heads(row, "gpio", r.GPIO, func(c Chip) string {
		lines := "lines unknown"
		if c.Lines > 0 {
			lines = fmt.Sprintf("%d lines", c.Lines)
		}
		return fmt.Sprintf("%s  %s, %s", c.Name, cmp.Or(c.Label, "label unknown"), lines)
	})
	heads(row, "bus", r.Buses, func(s string) string { return s })
	named := func(n Named) string { return n.Name + "  " + n.What }
	heads(row, "clock", r.Clocks, named)
	heads(row, "tpm", r.TPM, named)
	heads(row, "audio", r.Audio, named)
	heads(row, "other", r.Other, named)
	if err := t.Flush(); err != nil {
		return fmt.Errorf("hardware: write the page: %w", err)
	}
	return nil
}

// boardOf says which board it is and how sure that is.
func boardOf(r Report) string {
	m := r.Machine.Matched
	s := fmt.Sprintf("%s: %s", m.Board, m.Why)
	if !m.Exact {
		s += " (not known exactly)"
	}
	if b := r.Machine.Board; b != "" && b != m.Board {
		s += fmt.Sprintf("; the image is for %s", b)
	}
	return s
}

func percent(n *int) string {
	if n == nil {
		return "unknown"
	}
	return fmt.Sprintf("%d %%", *n)
}

// heads writes a row for each of what there is, and says when there is none.
func heads[T any](row func(string, string, ...any), head string, all []T, say func(T) string) {
	if len(all) == 0 {
		row(head, "none")
	}
	for i, v := range all {
		if i > 0 {
			head = ""
		}
		row(head, "%s", strings.TrimSpace(say(v)))
	}
}
