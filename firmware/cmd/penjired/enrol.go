package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/penjire/penjire/boards/layout"
	"github.com/penjire/penjire/firmware/control"
	"github.com/penjire/penjire/firmware/enrol"
	"github.com/penjire/penjire/firmware/kiosk"
	"github.com/penjire/penjire/firmware/network"
	"github.com/penjire/penjire/firmware/panel"
	"github.com/penjire/penjire/firmware/sdnotify"
	ui "github.com/penjire/penjire/ui/panel"
)

// panelName is this program's on the panel, while the kiosk is not enrolled.
const panelName = "enrol"

// enrolFirst gets the kiosk in that folder its certificates. It returns nil when
// there are settings. onto is the folder of the panel's statements.
func enrolFirst(ctx context.Context, dir, board, onto string, log *slog.Logger) error {
	if board == "" {
		b, err := os.ReadFile(layout.ReleaseFile)
		if err != nil {
			return fmt.Errorf("the image does not say which board this is: %w; hint: -board NAME", err)
		}
		r, err := layout.ParseRelease(b)
		if err != nil {
			return err
		}
		board = r.Board
	}
	_, built := build()
	e, err := enrol.Open(enrol.Options{Dir: dir, Board: board, Built: built, Log: log, Say: func(s enrol.Status) { onPanel(onto, s, log) }})
	if err != nil {
		return err
	}
	l, err := control.Listen(enrol.Socket(dir))
	if err != nil {
		return err
	}
	srv := &http.Server{Handler: e.Control(), ReadHeaderTimeout: 10 * time.Second}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = srv.Serve(l) // it ends when it is closed
	}()
	ctx, stop := context.WithCancel(ctx)
	told := make(chan struct{})
	go func() { // the program is well while the kiosk is not enrolled
		defer close(told)
		sdnotify.New().Keep(ctx, func(context.Context) error { return nil }, log)
	}()
	joined := make(chan struct{})
	go func() {
		defer close(joined)
		joinNetwork(ctx, dir, onto, log)
	}()
	err = e.Run(ctx)
	stop()
	<-told
	<-joined
	if err == nil {
		err = dueTicket(dir)
	}
	err = errors.Join(err, srv.Close())
	<-served
	if unsaid := panel.Unsay(onto, panelName); unsaid != nil {
		log.Debug("the panel", "err", unsaid)
	}
	return err
}

// onPanel says on the panel what enrolment lacks: as a code at its foot, which the
// runbook explains.
func onPanel(dir string, s enrol.Status, log *slog.Logger) {
	detail := []string{"ENROL", strings.ToUpper(cmp.Or(s.Refusal, s.Lacks, s.Step))}
	err := panel.Say(dir, panelName, panel.Statement{Show: ui.Enrol, Detail: detail})
	if err != nil {
		log.Debug("the panel", "err", err) // there is none on a bench
	}
}

// networkName is this program's on the panel, while a network is joined.
const networkName = "network"

// joinNetwork joins the network of the set-up, and says on the panel why not.
func joinNetwork(ctx context.Context, dir, onto string, log *slog.Logger) {
	m, err := network.Open()
	if err != nil {
		log.Info("the network is left as it is", "err", err) // a bench has no NetworkManager
		return
	}
	defer func() { _ = m.Close() }() // nothing is kept by it
	err = m.Keep(ctx, dir, log, func(w network.Why) {
		if err := panel.Say(onto, networkName, panel.Statement{Detail: []string{"NET-" + strings.ToUpper(string(w))}}); err != nil {
			log.Debug("the panel", "err", err)
		}
	})
	if err != nil && ctx.Err() == nil {
		log.Warn("the network of the set-up is not joined", "err", err)
	}
	if unsaid := panel.Unsay(onto, networkName); unsaid != nil {
		log.Debug("the panel", "err", unsaid)
	}
}

// dueTicket has the kiosk print what works, once it serves.
func dueTicket(dir string) error {
	state := filepath.Join(dir, enrol.StateFolder)
	if err := os.MkdirAll(state, 0o700); err != nil {
		return fmt.Errorf("have the first ticket printed: %w", err)
	}
	if err := os.WriteFile(filepath.Join(state, kiosk.TicketDue), []byte("tk\n"), 0o600); err != nil {
		return fmt.Errorf("have the first ticket printed: %w", err)
	}
	return nil
}
