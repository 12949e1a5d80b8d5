package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/user"
	"strconv"

	"github.com/penjire/penjire/boards/board"
	"github.com/penjire/penjire/boards/layout"
	"github.com/penjire/penjire/firmware/first"
	"github.com/penjire/penjire/firmware/hardware"
	"github.com/penjire/penjire/firmware/panel"
	"github.com/penjire/penjire/firmware/settings"
)

// firstCommand is penjire first.
func firstCommand(ctx context.Context, args []string, stderr io.Writer) int {
	fs := flag.NewFlagSet("penjire first", flag.ContinueOnError)
	if st, done := parseFlags(fs, args, stderr); done {
		return st
	}
	stick := fs.NArg() == 1 && fs.Arg(0) == "stick"
	if fs.NArg() != 0 && !stick {
		_, _ = fmt.Fprintln(stderr, "usage: penjire first [stick]")
		return usage
	}
	log := slog.New(slog.NewTextHandler(stderr, nil))
	o, err := firstOptions()
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "penjire: this is no image of a kiosk: %v\n", err)
		return usage
	}
	o.Log = log
	if stick {
		if _, err = first.TakeStick(o); err != nil {
			_, _ = fmt.Fprintf(stderr, "penjire: %v\nhint: penjire setup write makes such a stick; firmware/docs/runbooks/first-start.md says what the codes mean\n", err)
			return blind
		}
		return good
	}
	_, err = first.Run(ctx, o)
	firstFacts(log)
	if err := keepHardware(); err != nil {
		log.Warn("the daemon is not told what the machine is made of", "err", err)
	}
	switch {
	case errors.Is(err, first.ErrData):
		_, _ = fmt.Fprintf(stderr, "penjire: %v\nhint: firmware/docs/runbooks/first-start.md says what to do; do not format the card\n", err)
		return bad
	case err != nil:
		_, _ = fmt.Fprintf(stderr, "penjire: %v\nhint: make the card's set-up anew with penjire flash, or bring it on a memory stick: penjire setup write\n", err)
		return blind
	}
	return good
}

// keepHardware reports the machine, for the daemon, which sees less of it.
func keepHardware() error {
	b, err := imageBoard()
	if err != nil {
		return err
	}
	return hardware.Keep(b.Name)
}

// firstOptions says where things are in the image that runs.
func firstOptions() (first.Options, error) {
	b, err := imageBoard()
	if err != nil {
		return first.Options{}, err
	}
	l, err := layout.For(b.Name)
	if err != nil {
		return first.Options{}, err
	}
	u, err := user.Lookup(layout.DaemonUser)
	if err != nil {
		return first.Options{}, err
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return first.Options{}, err
	}
	gid, err := strconv.Atoi(u.Gid)
	if err != nil {
		return first.Options{}, err
	}
	return first.Options{
		Data: l.Device(layout.Data), Setup: l.Device(layout.Setup), DataDir: layout.DataDir, SetupDir: layout.SetupDir,
		RunDir: "/run/penjire", Stick: layout.StickDir, UID: uid, GID: gid,
	}, nil
}

// imageBoard returns the board of the image that runs.
func imageBoard() (*board.Board, error) {
	b, err := os.ReadFile(layout.BoardFile)
	if err != nil {
		return nil, err
	}
	return board.Parse(b)
}

// firstFacts puts into the panel's foot what a technician on the telephone asks for.
// What is not known is left out.
func firstFacts(log *slog.Logger) {
	var s panel.Statement
	if k, err := settings.Load(layout.SettingsIn); err == nil {
		s.Detail, s.Phone = append(s.Detail, k.Kiosk), k.Phone
	}
	if b, err := os.ReadFile(layout.ReleaseFile); err == nil {
		if r, err := layout.ParseRelease(b); err == nil {
			s.Detail = append(s.Detail, r.Version, r.Board)
			s.Developer = r.Developer
		}
	}
	if err := panel.Say(panel.Dir, "facts", s); err != nil {
		log.Warn("the panel cannot be told", "err", err)
	}
}
