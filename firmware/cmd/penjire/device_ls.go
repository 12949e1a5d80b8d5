package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"strings"

	"github.com/penjire/penjire/boards/board"
	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/link"
	"github.com/penjire/penjire/drivers/plugged"
	"github.com/penjire/penjire/drivers/quirk"
	"github.com/penjire/penjire/drivers/registry"
)

// listing is what penjire device ls --json prints.
type listing struct {
	Board   string        `json:"board"`
	Kiosk   bool          `json:"kiosk"` // one runs, and has said what Health says
	Devices []boardDevice `json:"devices"`
	Others  []unassigned  `json:"others"` // plugged in, and no device of the board is looked for there
}

// boardDevice is one device of the board.
type boardDevice struct {
	Name   string `json:"name"`
	Class  string `json:"class"`
	Driver string `json:"driver"`
	Port   string `json:"port"`
	State  string `json:"state"`            // found, missing, unseen, skipped, failed
	Health string `json:"health,omitempty"` // that the kiosk says; "": none runs
	Looked string `json:"looked"`           // where, and what is there
	Why    string `json:"why,omitempty"`    // it was skipped or has failed
	Hint   string `json:"hint,omitempty"`   // of what is there
}

// unassigned is one thing that nobody looks for.
type unassigned struct {
	What   string   `json:"what"`
	Socket string   `json:"socket,omitempty"`
	Nodes  []string `json:"nodes"`
	Port   string   `json:"port,omitempty"`   // what a board would call it
	Driver string   `json:"driver,omitempty"` // that the quirk table recommends
	Hint   string   `json:"hint,omitempty"`
}

func deviceLs(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	fs := flag.NewFlagSet("penjire device ls", flag.ContinueOnError)
	var f deviceFlags
	f.add(fs)
	asJSON := fs.Bool("json", false, "print JSON")
	if st, done := parseFlags(fs, args, stderr); done {
		return st
	}
	if fs.NArg() > 0 {
		_, _ = fmt.Fprint(stderr, deviceHelp)
		return usage
	}
	d, err := f.load()
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "penjire: %v\n", err)
		return usage
	}
	l, err := d.list(ctx)
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "penjire: what is plugged in cannot be looked at: %v\n", err)
		return blind
	}
	if *asJSON {
		b, err := json.MarshalIndent(l, "", "\t")
		if err != nil {
			_, _ = fmt.Fprintf(stderr, "penjire: %v\n", err)
			return blind
		}
		_, _ = fmt.Fprintf(stdout, "%s\n", b)
	} else {
		l.show(stdout)
	}
	for _, x := range l.Devices {
		if x.State == "missing" || x.State == "failed" {
			return bad
		}
	}
	return good
}

func (d *devices) list(ctx context.Context) (listing, error) {
	l := listing{Board: d.board.Name, Devices: []boardDevice{}, Others: []unassigned{}}
	st, running := d.running(ctx)
	l.Kiosk = running
	health := map[string]string{}
	for _, b := range st.Devices.Board {
		health[b.Name] = b.Health
	}
	taken := map[string]bool{}
	for i, w := range d.wants {
		class := d.board.Devices[i].Class
		r := d.check(w, class)
		look := r.Look()
		x := boardDevice{
			Name: w.Name, Class: string(class), Driver: w.Driver, Port: w.Port,
			Health: health[w.Name], Looked: look.Words, Why: r.Why(), State: state(r, look.There),
		}
		if look.Device != nil {
			taken[id(*look.Device)] = true
			x.Hint = look.Device.Hint()
		}
		l.Devices = append(l.Devices, x)
	}
	all, err := (plugged.System{}).All()
	for _, p := range all {
		if !taken[id(p)] {
			l.Others = append(l.Others, describe(p))
		}
	}
	return l, err
}

// check finds out what the registry makes of w without letting the driver reach
// its device. Drivers without a line would: they are loaded only by who uses them.
func (d *devices) check(w registry.Want, class board.Class) registry.Result {
	switch class {
	case board.CardReader, board.ReceiptPrinter, board.CodeScanner, board.Modem:
	default:
		if w.Port == "" {
			return registry.Result{Want: w, State: registry.Skipped}
		}
		return registry.Result{Want: w, State: registry.Loaded}
	}
	w.Tap = func(link.Port) link.Port {
		return link.Sought{Name: w.Port, Seek: func() (link.Port, error) { return nil, device.ErrUnplugged }}
	}
	r := registry.Load([]registry.Want{w})[0]
	if err := registry.Halt([]registry.Result{r}); err != nil {
		return registry.Result{Want: w, State: registry.Failed, Err: fmt.Errorf("stop it: %w", err)}
	}
	return r
}

func state(r registry.Result, there registry.Presence) string {
	switch {
	case r.State != registry.Loaded:
		return r.State.String()
	case there == registry.There:
		return "found"
	case there == registry.Missing:
		return "missing"
	}
	return "unseen"
}

// id tells one thing that is plugged in from another.
func id(p plugged.Device) string {
	if p.Socket != "" {
		return p.Socket
	}
	return p.Nodes[0].Path
}

// describe says what is plugged in and how a board would call it.
func describe(p plugged.Device) unassigned {
	u := unassigned{What: p.String(), Socket: p.Socket, Nodes: []string{}}
	for _, n := range p.Nodes {
		u.Nodes = append(u.Nodes, n.Path)
		switch {
		case u.Port != "":
		case n.Name != "":
			u.Port = n.Name
		case p.Socket != "" && (n.Subsystem == "tty" || n.Subsystem == "usbmisc"):
			u.Port = "usb:" + p.Socket
		case n.Subsystem == "tty":
			u.Port = n.Path
		}
	}
	q, known := p.Known()
	if known && u.Port != "" {
		u.Driver = q.Driver
	}
	u.Hint = p.Hint()
	if q.Has(quirk.NoSerial) && u.Hint == "" {
		u.Hint = "several of these cannot be told apart but by their sockets"
	}
	return u
}

// show prints the listing for people.
func (l listing) show(w io.Writer) {
	_, _ = fmt.Fprintf(w, "board %s", l.Board)
	if l.Kiosk {
		_, _ = fmt.Fprint(w, "; the kiosk is running")
	}
	_, _ = fmt.Fprintln(w)
	for _, x := range l.Devices {
		word := x.State
		if x.Health != "" {
			word += ", " + x.Health
		}
		_, _ = fmt.Fprintf(w, "%-12s %-16s %s\n", x.Name, x.Class, word)
		more := func(s string) {
			if s != "" {
				_, _ = fmt.Fprintf(w, "             %s\n", s)
			}
		}
		more("driver " + x.Driver + ", " + x.Looked)
		more(x.Why)
		more(x.Hint)
	}
	if len(l.Others) > 0 {
		_, _ = fmt.Fprintln(w, "plugged in, and no device of the board:")
	}
	for _, u := range l.Others {
		where := strings.Join(u.Nodes, ", ")
		if u.Socket != "" {
			where = strings.TrimSuffix("USB socket "+u.Socket+", "+where, ", ")
		}
		_, _ = fmt.Fprintf(w, "             %s: %s\n", u.What, where)
		if u.Port != "" {
			line := "a board calls its port " + u.Port
			if u.Driver != "" {
				line += "; driver " + u.Driver
			}
			_, _ = fmt.Fprintf(w, "               %s\n", line)
		}
		if u.Hint != "" {
			_, _ = fmt.Fprintf(w, "               %s\n", u.Hint)
		}
	}
}
