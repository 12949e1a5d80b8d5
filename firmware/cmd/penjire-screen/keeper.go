package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/penjire/penjire/firmware/kiosk/pagefile"
)

const (
	lookEvery = time.Second
	again     = time.Second // between a browser's end and the next one's start
	// attempts is how many browsers in a row may paint nothing before systemd is
	// told no more that all is well: then it may be the compositor that hangs.
	attempts = 2
)

// keeper keeps a browser going.
type keeper struct {
	command       []string
	page, profile string
	url           string // the daemon's
	limits        limits
	log           *slog.Logger

	silent atomic.Int32 // browsers in a row that painted nothing or stopped painting
}

// run starts browsers until ctx ends.
func (k *keeper) run(ctx context.Context) error {
	for ctx.Err() == nil {
		why, err := k.one(ctx)
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return nil
		}
		k.log.Info("the browser is started anew", "why", why)
		select {
		case <-ctx.Done():
		case <-time.After(again):
		}
	}
	return nil
}

// one runs one browser to its end, and says why it ended.
func (k *keeper) one(ctx context.Context) (why string, err error) {
	if err := errors.Join(os.RemoveAll(k.profile), os.MkdirAll(k.profile, 0o700)); err != nil {
		return "", fmt.Errorf("empty the browser's profile: %w", err)
	}
	c := exec.Command(k.command[0], k.command[1:]...)
	c.Stdout, c.Stderr = os.Stderr, os.Stderr
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := c.Start(); err != nil {
		return "", fmt.Errorf("start the browser: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	_, before, _ := pagefile.Read(k.page) // an older browser's
	f := facts{started: time.Now()}
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case err := <-ended:
			k.silent.Add(1)
			return fmt.Sprintf("it ended: %v", err), nil
		case <-ctx.Done():
			k.stop(c, ended)
			return "", nil
		case <-tick.C:
		}
		before = k.look(ctx, &f, before)
		switch v := k.limits.judge(f); v {
		case keep:
			continue
		case hangs:
			k.silent.Add(1)
			k.stop(c, ended)
			return string(v), nil
		default:
			k.stop(c, ended)
			return string(v), nil
		}
	}
}

// look brings f up to date. before is the page file's time as it was last seen, and
// so is what it returns: only whether it changed counts, for clocks are set.
func (k *keeper) look(ctx context.Context, f *facts, before time.Time) time.Time {
	f.now = time.Now()
	f.answers = true
	page, at, err := pagefile.Read(k.page)
	if err == nil && !at.Equal(before) {
		if f.painted.IsZero() {
			f.first = page
			k.log.Info("the browser paints", "after", f.now.Sub(f.started).Round(100*time.Millisecond).String())
		}
		before, f.painted, f.page = at, f.now, page
		k.silent.Store(0)
	}
	switch {
	case f.page.Open || f.painted.IsZero():
		f.quiet = time.Time{}
	case f.quiet.IsZero():
		f.quiet = f.now
	}
	if k.limits.judge(*f) == hangs {
		f.answers = k.answers(ctx) // only now: it is asked for nothing otherwise
	}
	return before
}

// answers reports whether the daemon gives pages.
func (k *keeper) answers(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, k.url, nil)
	if err != nil {
		return false
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	_, err = io.Copy(io.Discard, res.Body)
	return errors.Join(err, res.Body.Close()) == nil && res.StatusCode == http.StatusOK
}

// stop ends the browser with all its processes.
func (k *keeper) stop(c *exec.Cmd, ended <-chan error) {
	_ = syscall.Kill(-c.Process.Pid, syscall.SIGTERM)
	select {
	case <-ended:
	case <-time.After(3 * time.Second):
	}
	_ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL) // whoever is left of them
	select {
	case <-ended:
	default:
	}
}

// well is what systemd's watchdog is told by.
func (k *keeper) well(context.Context) error {
	if n := k.silent.Load(); n > attempts {
		return fmt.Errorf("%d browsers in a row painted nothing", n)
	}
	return nil
}
