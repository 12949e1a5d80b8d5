package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/penjire/penjire/boards/layout"
	"github.com/penjire/penjire/firmware/enrol"
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
	l, err := enrol.Listen(dir)
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
	err = e.Run(ctx)
	stop()
	<-told
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
