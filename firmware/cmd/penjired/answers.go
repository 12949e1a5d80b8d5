package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
)

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
