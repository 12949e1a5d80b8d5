// Command penjired is the kiosk daemon: one process that serves the screens on
// loopback, drives the devices, keeps the outbox and syncs it to the portal.
//
//	penjired -settings /etc/penjire/settings.json
//
// Where there are no settings yet and a set-up (setup.json) stands beside them, it
// first gets the kiosk its certificates and makes the settings: package enrol. It
// tries for ever, and says on the panel and to penjire enrol what is missing.
//
// When it is ready it prints one JSON line with its addresses on standard
// output; logs go to standard error. SIGTERM and SIGINT stop it in order; it may
// also be killed at any moment and lose nothing that was accepted.
//
// Exit statuses: 0 stopped when asked, 1 something broke, 2 wrong arguments or
// settings, 4 the kiosk went out of service for ever: starting it again is of no use.
package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/penjire/penjire/firmware/commission"
	"github.com/penjire/penjire/firmware/enrol"
	"github.com/penjire/penjire/firmware/kiosk"
	"github.com/penjire/penjire/firmware/panel"
	"github.com/penjire/penjire/firmware/sdnotify"
	"github.com/penjire/penjire/firmware/settings"
	"github.com/penjire/penjire/sync/outbox"
)

// checkOutbox is the hidden subcommand that looks at the outbox's file before
// the daemon does: some damage kills the process that sees it.
const checkOutbox = "outbox-check"

// memory is how much of it the garbage collector is to get along with: kiosks
// have 1 GB and a browser on it (DESIGN 14).
const memory = 36 << 20

// Version is the software's, set when it is built.
var version = "development"

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	if len(args) > 0 && args[0] == checkOutbox {
		return outbox.CheckMain(context.Background(), args[1:])
	}
	fs := flag.NewFlagSet("penjired", flag.ContinueOnError)
	fs.SetOutput(stderr)
	path := fs.String("settings", "/etc/penjire/settings.json", "the kiosk's settings `file`")
	page := fs.String("page", "", "`file` to write whenever a page says that it was painted: for who watches over the browser")
	board := fs.String("board", "", "`name` of the board, for a kiosk that is enrolled now; empty: the image says")
	verbose := fs.Bool("v", false, "log more")
	if err := fs.Parse(args); err != nil || fs.NArg() > 0 {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		_, _ = fmt.Fprintln(stderr, "penjired: usage: penjired -settings FILE")
		return 2
	}
	level := new(slog.LevelVar)
	if *verbose {
		level.Set(slog.LevelDebug)
	}
	log := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: level}))
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memory)
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(50)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var first *commission.Wizard
	before := &pages{file: *page, out: stdout}
	if enrol.Due(*path) {
		if err := told(ctx, log, func(ctx context.Context) (err error) {
			first, err = enrolFirst(ctx, filepath.Dir(*path), *board, panel.Dir, log, before)
			return err
		}); err != nil {
			if ctx.Err() != nil {
				return 0
			}
			log.Error("the kiosk cannot be enrolled", "err", err)
			return 1
		}
	}
	s, err := settings.Load(*path)
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "penjired: %v\n", err)
		return 2
	}
	if first, err = opened(first, *path, s, log); err != nil {
		_, _ = fmt.Fprintf(stderr, "penjired: %v\n", err)
		return 1
	}
	defer first.Close()
	err = serve(ctx, s, first, before.kept, *page, log, level, stdout)
	switch {
	case errors.Is(err, kiosk.ErrDecommissioned):
		log.Error("the kiosk stopped", "err", err)
		return 4
	case err != nil:
		log.Error("the kiosk stopped", "err", err)
		return 1
	}
	return 0
}

func serve(ctx context.Context, s settings.Settings, first *commission.Wizard, kept net.Listener, page string, log *slog.Logger, level *slog.LevelVar, stdout io.Writer) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	v, built := build()
	up, err := updates()
	if err != nil {
		return err
	}
	k, err := kiosk.Open(ctx, kiosk.Options{
		Updates: up, Front: first.Before, Setup: first.Reopen, Screens: kept,
		Settings: s, Version: v, Built: built, Boot: rand.Text()[:12], Log: log, Level: level,
		PageFile: page, CheckOutbox: []string{"/proc/self/exe", checkOutbox},
	})
	if err != nil {
		return err
	}
	ready, err := json.Marshal(map[string]string{"kiosk": s.Kiosk, "screens": "http://" + k.Addr() + "/", "control": s.Control})
	if err != nil {
		return errors.Join(err, k.Close())
	}
	log.Info("ready", "kiosk", s.Kiosk, "version", v, "screens", k.Addr())
	_, _ = fmt.Fprintf(stdout, "%s\n", ready) // nobody may be listening
	defer tend(ctx, first)()
	told := make(chan struct{})
	go func() {
		defer close(told)
		sdnotify.New().Keep(ctx, answers(k.Addr(), k.Alive), log)
	}()
	err = k.Run(ctx)
	stop()
	<-told
	return err
}

// build returns the software's version and when its source was committed.
func build() (v string, at time.Time) {
	v = version
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v, at
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.time":
			if t, err := time.Parse(time.RFC3339, s.Value); err == nil {
				at = t
			}
		case "vcs.revision":
			if v == "development" && len(s.Value) >= 12 {
				v = s.Value[:12]
			}
		}
	}
	return v, at
}
