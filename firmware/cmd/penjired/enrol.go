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

	"github.com/penjire/penjire/firmware/commission"
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

// enrolFirst gets the kiosk in that folder its certificates, and has a technician's
// pages on its screen meanwhile. It returns the first start when there are settings.
// onto is the folder of the panel's statements.
func enrolFirst(ctx context.Context, dir, board, onto string, log *slog.Logger, p *pages) (_ *commission.Wizard, err error) {
	if board == "" {
		r, err := release()
		if err != nil {
			return nil, fmt.Errorf("the image does not say which board this is: %w; hint: -board NAME", err)
		}
		board = r.Board
	}
	_, built := build()
	var w *commission.Wizard // before it is there nothing changes
	e, err := enrol.Open(enrol.Options{Dir: dir, Board: board, Built: built, Log: log, Say: func(s enrol.Status) {
		onPanel(onto, s, log)
		w.Changed()
	}})
	if err != nil {
		return nil, err
	}
	s, err := e.Settings()
	if err != nil {
		return nil, err
	}
	sayPhone(onto, s.Phone, log)
	if w, err = firstStart(dir, onto, s, log); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			w.Close()
		}
	}()
	w.Enrolling(e)
	if err := p.begin(s, w, log); err != nil {
		return nil, err
	}
	defer p.end()
	l, err := control.Listen(enrol.Socket(dir))
	if err != nil {
		return nil, err
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
		w.Run(ctx)
	}()
	err = e.Run(ctx)
	w.Enrolling(nil)
	stop()
	<-told
	<-joined
	if err == nil && !w.Engaged() { // a technician has it printed
		err = dueTicket(dir)
	}
	err = errors.Join(err, srv.Close())
	<-served
	if unsaid := panel.Unsay(onto, panelName); unsaid != nil {
		log.Debug("the panel", "err", unsaid)
	}
	return w, err
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

// networkOnPanel says on the panel why the network of the set-up is not joined.
func networkOnPanel(onto string, log *slog.Logger) func(network.Why) {
	return func(w network.Why) {
		err := panel.Unsay(onto, networkName)
		if w != "" {
			err = panel.Say(onto, networkName, panel.Statement{Detail: []string{"NET-" + strings.ToUpper(string(w))}})
		}
		if err != nil {
			log.Debug("the panel", "err", err)
		}
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
