package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os/signal"
	"strings"
	"syscall"

	"github.com/penjire/penjire/boards/layout"
	"github.com/penjire/penjire/firmware/network"
	"github.com/penjire/penjire/firmware/panel"
	"github.com/penjire/penjire/firmware/settings"
)

const networkHelp = `usage: penjire network ls
       penjire network check [--settings FILE] [ADDRESS]
       penjire network setup [--dir FOLDER]
`

// networkCommand is penjire network.
func networkCommand(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	wrong := func() int {
		_, _ = fmt.Fprint(stderr, networkHelp)
		return usage
	}
	if len(args) == 0 {
		return wrong()
	}
	fs := flag.NewFlagSet("penjire network "+args[0], flag.ContinueOnError)
	from := fs.String("settings", layout.SettingsIn, "the kiosk's settings `file`, for the portal's address")
	dir := fs.String("dir", layout.KioskDir, "`folder` with the set-up")
	if st, done := parseFlags(fs, args[1:], stderr); done {
		return st
	}
	most := map[string]int{"ls": 0, "check": 1, "setup": 0}
	if n, ok := most[args[0]]; !ok || fs.NArg() > n {
		return wrong()
	}
	address := fs.Arg(0)
	if args[0] == "check" && address == "" {
		s, err := settings.Load(*from)
		if err != nil {
			_, _ = fmt.Fprintf(stderr, "penjire: which portal there is to be is not known: %v\nhint: give its address\n", err)
			return usage
		}
		address = s.Portal.URL
	}
	m, err := network.Open()
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "penjire: %v\nhint: is NetworkManager running?\n", err)
		return blind
	}
	defer func() { _ = m.Close() }() // nothing is kept by it
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	switch args[0] {
	case "ls":
		return networkLs(ctx, m, stdout, stderr)
	case "check":
		return networkCheck(m.Look(ctx, address, nil), stdout)
	}
	return networkSetup(ctx, m, *dir, stderr)
}

func networkLs(ctx context.Context, m *network.Manager, stdout, stderr io.Writer) int {
	all, err := m.Devices(ctx)
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "penjire: %v\n", err)
		return blind
	}
	for _, d := range all {
		state := string(d.State)
		if d.State == network.Unknown {
			state = "unknown"
		}
		_, _ = fmt.Fprintf(stdout, "%-10s %-9s %s\n", d.Name, d.Kind, state)
	}
	wifi, err := m.Networks(ctx)
	if err != nil && !errors.Is(err, network.ErrNoDevice) {
		_, _ = fmt.Fprintf(stderr, "penjire: %v\n", err)
		return blind
	}
	for _, n := range wifi {
		_, _ = fmt.Fprintf(stdout, "  %3d %%  %-14s %s\n", n.Strength, n.Lock, n.SSID)
	}
	return good
}

func networkCheck(c network.Check, stdout io.Writer) int {
	st := good
	for _, s := range c.Steps {
		words := map[network.Answer]string{network.Yes: "yes", network.No: "NO"}[s.OK]
		switch {
		case s.OK == network.No:
			st = bad
		case words == "":
			words = "unknown"
			if st == good && s.Name != network.StepClock && s.Name != network.StepIdentity { // which the running kiosk knows
				st = blind
			}
		}
		_, _ = fmt.Fprintf(stdout, "%-8s %-8s %s\n", s.Name, words, s.Say)
	}
	return st
}

// networkSetup joins what the set-up says, and says on the panel why not.
func networkSetup(ctx context.Context, m *network.Manager, dir string, stderr io.Writer) int {
	log := slog.New(slog.NewTextHandler(stderr, nil))
	const who = "network"
	err := m.Keep(ctx, dir, log, func(w network.Why) {
		if err := panel.Say(panel.Dir, who, panel.Statement{Detail: []string{"NET-" + strings.ToUpper(string(w))}}); err != nil {
			log.Warn("the panel cannot be told", "err", err)
		}
	})
	if unsaid := panel.Unsay(panel.Dir, who); unsaid != nil {
		log.Warn("the panel cannot be told", "err", unsaid)
	}
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "penjire: %v\n", err)
		return bad
	}
	return good
}
