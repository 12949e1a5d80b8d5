package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"

	"github.com/penjire/penjire/firmware/sdnotify"
)

// told has systemd told that all is well while do does what may take days: an
// enrolment that waits for a network is no hang.
func told(ctx context.Context, log *slog.Logger, do func(context.Context) error) error {
	ctx, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		sdnotify.New().Keep(ctx, func(context.Context) error { return nil }, log)
	}()
	err := do(ctx)
	stop()
	<-done
	return err
}

// answers returns a check that the screens at addr really give a page, and that
// what drives the kiosk goes round. It is what systemd's watchdog is told by.
func answers(addr string, goesRound func() bool) func(context.Context) error {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	return func(ctx context.Context) error {
		if !goesRound() {
			return errors.New("a loop of the kiosk does not go round")
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/", nil)
		if err != nil {
			return err
		}
		res, err := client.Do(req)
		if err != nil {
			return fmt.Errorf("ask for a page: %w", err)
		}
		n, err := io.Copy(io.Discard, res.Body)
		if err := errors.Join(err, res.Body.Close()); err != nil {
			return fmt.Errorf("read a page: %w", err)
		}
		if res.StatusCode != http.StatusOK || n == 0 {
			return fmt.Errorf("the page has status %d and %d bytes", res.StatusCode, n)
		}
		return nil
	}
}
