// Package sdnotify tells systemd how a program is. A program that systemd has not
// started tells nobody, and nothing else is different.
//
// # Reference
//
// systemd, sd_notify(3) and sd_watchdog_enabled(3).
package sdnotify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strconv"
	"time"
)

// States that systemd knows.
const (
	Ready    = "READY=1"
	Watchdog = "WATCHDOG=1"
)

// Notifier tells systemd. The zero value tells nobody.
type Notifier struct {
	socket string        // "": nobody is told
	Within time.Duration // Watchdog must be told again within this; 0: it need not
}

// New reads from the environment what systemd asks for.
func New() Notifier {
	n := Notifier{socket: os.Getenv("NOTIFY_SOCKET")}
	us, err := strconv.ParseInt(os.Getenv("WATCHDOG_USEC"), 10, 64)
	pid := os.Getenv("WATCHDOG_PID") // absent where the whole unit may tell
	if err == nil && us > 0 && (pid == "" || pid == strconv.Itoa(os.Getpid())) {
		n.Within = time.Duration(us) * time.Microsecond
	}
	return n
}

// Tell sends one state, or several on lines of their own. It does not wait for
// systemd to act on them.
func (n Notifier) Tell(state string) error {
	if n.socket == "" {
		return nil
	}
	c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: n.socket, Net: "unixgram"})
	if err != nil {
		return fmt.Errorf("sdnotify: tell %q: %w", state, err)
	}
	_, err = c.Write([]byte(state))
	if err := errors.Join(err, c.Close()); err != nil {
		return fmt.Errorf("sdnotify: tell %q: %w", state, err)
	}
	return nil
}

// Keep tells that the program is ready once alive says so, and then, four times as
// often as asked, that it lives: each time only if alive says so again, within a
// quarter of the time that systemd gives. It returns when ctx ends.
func (n Notifier) Keep(ctx context.Context, alive func(context.Context) error, log *slog.Logger) {
	if n.socket == "" {
		return
	}
	every := n.Within / 4
	if every <= 0 {
		every = 10 * time.Second
	}
	state := Ready + "\n" + Watchdog
	for {
		wait := every
		if err := n.once(ctx, every, state, alive); err == nil {
			state = Watchdog
		} else if ctx.Err() == nil {
			log.Warn("systemd is not told that all is well", "err", err)
			wait = min(wait, time.Second)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

func (n Notifier) once(ctx context.Context, within time.Duration, state string, alive func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	if err := alive(ctx); err != nil {
		return err
	}
	return n.Tell(state)
}
