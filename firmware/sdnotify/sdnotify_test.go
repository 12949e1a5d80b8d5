package sdnotify

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// manager listens as systemd does.
func manager(t *testing.T) *net.UnixConn {
	t.Helper()
	at := filepath.Join(t.TempDir(), "notify")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: at, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	t.Setenv("NOTIFY_SOCKET", at)
	return c
}

func hear(t *testing.T, c *net.UnixConn) string {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 100)
	n, err := c.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	return string(b[:n])
}

func TestKeep(t *testing.T) {
	c := manager(t)
	t.Setenv("WATCHDOG_USEC", "40000")
	n := New()
	if n.Within != 40*time.Millisecond {
		t.Fatalf("Within = %s, want 40ms", n.Within)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	asked := 0
	go func() {
		defer close(done)
		n.Keep(ctx, func(context.Context) error {
			if asked++; asked == 1 {
				return errors.New("not yet")
			}
			return nil
		}, slog.New(slog.DiscardHandler))
	}()
	if got, want := hear(t, c), "READY=1\nWATCHDOG=1"; got != want {
		t.Errorf("first told %q, want %q, and only after it was alive", got, want)
	}
	for range 3 {
		if got := hear(t, c); got != Watchdog {
			t.Errorf("then told %q, want %q", got, Watchdog)
		}
	}
	stop()
	<-done
	if asked < 5 {
		t.Errorf("asked %d times whether it lives, want before each word", asked)
	}
}

func TestNobodyAsks(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	n := New()
	if err := n.Tell(Ready); err != nil {
		t.Errorf("Tell = %v, want nil where there is no systemd", err)
	}
	n.Keep(t.Context(), func(context.Context) error { t.Error("asked though nobody is told"); return nil }, slog.New(slog.DiscardHandler))
}

func TestWatchdogOfAnother(t *testing.T) {
	t.Setenv("WATCHDOG_USEC", "40000")
	t.Setenv("WATCHDOG_PID", "1")
	if n := New(); n.Within != 0 {
		t.Errorf("Within = %s, want 0: another process is asked", n.Within)
	}
}

func TestTellFails(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", filepath.Join(t.TempDir(), "gone"))
	if err := New().Tell(Ready); err == nil || !strings.Contains(err.Error(), "READY=1") {
		t.Errorf("Tell = %v, want an error that says what was told", err)
	}
}
