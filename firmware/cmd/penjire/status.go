package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/penjire/penjire/firmware/enrol"
	"github.com/penjire/penjire/firmware/health"
	"github.com/penjire/penjire/firmware/kiosk"
	"github.com/penjire/penjire/sync/uplink"
)

func status(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	fs := flag.NewFlagSet("penjire status", flag.ContinueOnError)
	fs.SetOutput(stderr)
	from := controlFlags(fs)
	asJSON := fs.Bool("json", false, "print JSON")
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return good
		}
		return usage
	}
	if fs.NArg() > 0 {
		_, _ = fmt.Fprintf(stderr, "penjire: status takes no %q\n%s", fs.Arg(0), help)
		return usage
	}
	if *from.socket == "" && enrol.Due(*from.from) {
		return enrolStatus(ctx, enrol.Socket(filepath.Dir(*from.from)), *asJSON, stdout, stderr)
	}
	at, ok := from.where(stderr)
	if !ok {
		return usage
	}
	raw, err := ask(ctx, at, "/state")
	if err != nil {
		return noKiosk(stderr, at, err)
	}
	var st kiosk.Status
	if err := json.Unmarshal(raw, &st); err != nil {
		_, _ = fmt.Fprintf(stderr, "penjire: the kiosk's answer cannot be read: %v\n", err)
		return blind
	}
	if *asJSON {
		_, _ = stdout.Write(raw)
	} else {
		show(stdout, st)
	}
	for _, h := range st.Health {
		if h.Severity != health.Note.String() {
			return bad
		}
	}
	return good
}

// supportTime is how long the kiosk may take to make a support bundle.
const supportTime = time.Minute

// waits are what keeps requests from the portal and until when, for people; what is
// not here is told by the line of the portal.
var waits = map[string]string{
	uplink.WaitsWindow: "next connection at %s: the schedule has no window before",
	uplink.WaitsBudget: "today's bytes are used up: next connection at %s",
	uplink.WaitsRoom:   "what is left of today's bytes is too little for what waits: it goes from %s on",
	uplink.WaitsPortal: "the portal is busy: next connection at %s",
	uplink.WaitsQuota:  "the portal takes no more requests of this kiosk for now: the rest goes from %s on",
	uplink.WaitsFull:   "the portal's disk has no room for requests: next try at %s",
}

// percent is a part that may not be known.
func percent(n int) string {
	if n < 0 {
		return "unknown"
	}
	return fmt.Sprintf("%d %%", n)
}

// show prints the state for people.
func show(w io.Writer, s kiosk.Status) {
	line := func(name, format string, args ...any) {
		_, _ = fmt.Fprintf(w, "%-10s %s\n", name, fmt.Sprintf(format, args...))
	}
	line("kiosk", "%s, version %s, board %s, up %v", s.Kiosk, s.Version, s.Board, s.Devices.Uptime.Round(time.Second))
	if s.Developer {
		line("", "a developer's image, which is not for service")
	}
	line("clock", "%s, %s; last signed time %s", s.Clock.Now.Format(time.RFC3339), s.Clock.Trust, s.Clock.LastBeacon.Format(time.RFC3339))
	line("portal", "%s; %d bytes sent, %d received", cmp.Or(s.Devices.Portal, "not connected yet"), s.Uplink.Sent, s.Uplink.Received)
	if why := waits[s.Uplink.Waits]; why != "" {
		line("", why, s.Uplink.Until.Format(time.RFC3339))
	}
	line("printer", "%s (paper %s, cover %s)", s.Devices.Printer, s.Devices.Paper, s.Devices.Cover)
	line("reader", "%s", s.Devices.Reader)
	var states []string
	for name, n := range s.Queue.ByState {
		if n > 0 {
			states = append(states, fmt.Sprintf("%s %d", name, n))
		}
	}
	slices.Sort(states)
	line("requests", "%d not confirmed by the portal; %v", s.Queue.Unsent, states)
	if s.Queue.Oldest != nil {
		line("", "the oldest since %s, for %v", s.Queue.Oldest.Format(time.RFC3339), s.Clock.Now.Sub(*s.Queue.Oldest).Round(time.Second))
	}
	line("outbox", "%d bytes, %d free, %d to print", s.Queue.Bytes, s.Queue.Free, s.Queue.Prints)
	if m := s.Storage; m != nil {
		line("storage", "%s; %d MiB free; worn %s; %d errors", cmp.Or(m.Model, m.Device, "unknown"), m.Free>>20, percent(m.Worn), m.Errors)
	}
	line("journal", "%d entries, root %s", s.Journal.Size, s.Journal.Root)
	line("visits", "%d since the start", s.Visits.Count)
	for _, key := range s.Keys {
		kind := key.Kind
		if !key.Marked {
			kind += ", which its certificate does not say"
		}
		line("key", "%s: %s, %s; its certificate is good until %s", key.Use, kind, key.Where, key.Until.Format(time.DateOnly))
		if key.Renewal != "" {
			line("", "it was not renewed: %s; next try at %s", key.Renewal, key.Next.Format(time.RFC3339))
		}
		if key.Fault != "" {
			line("", "it does not work: %s", key.Fault)
		}
	}
	line("knows", "trust bundle %d, catalogue %d", s.Trust.Version, s.Catalogue.Version)
	if r := s.Remote; r != nil {
		line("set", "by the portal, version %d: %s", r.Version, strings.Join(r.Set, ", "))
		for _, f := range r.Faults {
			line("", "not used: %s", f)
		}
		if len(r.Unknown) > 0 {
			line("", "for newer software: %s", strings.Join(r.Unknown, ", "))
		}
	}
	if len(s.Health) == 0 {
		line("health", "well")
	}
	for _, h := range s.Health {
		line("health", "%s (%s) since %s: %s; %s", h.Code, h.Severity, h.Since.Format(time.RFC3339), h.What, h.Advice)
	}
}
