package main

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/penjire/penjire/firmware/kiosk/pagefile"
)

func TestJudge(t *testing.T) {
	l := limits{first: time.Minute, silent: 10 * time.Second, fresh: 5 * time.Second}
	start := time.Unix(1e9, 0)
	at := func(s int) time.Time { return start.Add(time.Duration(s) * time.Second) }
	for _, c := range []struct {
		name string
		f    facts
		want verdict
	}{
		{"it may take long over the first page", facts{now: at(59), answers: true}, keep},
		{"but not for ever", facts{now: at(61), answers: true}, hangs},
		{"without a daemon there is nothing to paint", facts{now: at(600)}, keep},
		{"it paints", facts{now: at(100), painted: at(95), answers: true}, keep},
		{"it stopped painting", facts{now: at(100), painted: at(85), answers: true}, hangs},
		{"a visit is on", facts{now: at(100), painted: at(99), page: pagefile.Page{Visits: 1, Open: true}, answers: true}, keep},
		{"a visit is just over", facts{now: at(100), painted: at(99), page: pagefile.Page{Visits: 1}, quiet: at(97), answers: true}, keep},
		{"and nobody has begun another", facts{now: at(103), painted: at(101), page: pagefile.Page{Visits: 1}, quiet: at(97), answers: true}, used},
		{"that visit was on the browser before", facts{now: at(103), painted: at(101), page: pagefile.Page{Visits: 1}, first: pagefile.Page{Visits: 1}, quiet: at(97), answers: true}, keep},
	} {
		c.f.started = start
		if got := l.judge(c.f); got != c.want {
			t.Errorf("%s: judge = %q, want %q", c.name, got, c.want)
		}
	}
	l.fresh = 0
	if got := l.judge(facts{started: start, now: at(103), painted: at(101), page: pagefile.Page{Visits: 1}, quiet: at(1)}); got != keep {
		t.Errorf("fresh = 0: judge = %q, want it left", got)
	}
}

// TestKeeper runs a browser that is a shell: it dies, then hangs, and each time
// another is started on an empty profile.
func TestKeeper(t *testing.T) {
	dir := t.TempDir()
	daemon := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "page") }))
	defer daemon.Close()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	starts := filepath.Join(dir, "starts")
	k := &keeper{
		command: []string{"/bin/sh", "-c", `n=$(cat "$0" 2>/dev/null | wc -l); ls -A "$1" >>"$0.left"; echo x >>"$0"; touch "$1/citizen"; test $n = 0 && exit 1; exec sleep 600`, starts, filepath.Join(dir, "profile")},
		page:    filepath.Join(dir, "page"), profile: filepath.Join(dir, "profile"), url: daemon.URL,
		limits: limits{first: time.Second, silent: time.Second}, log: slog.New(slog.DiscardHandler),
	}
	done := make(chan error, 1)
	go func() { done <- k.run(ctx) }()
	for deadline := time.Now().Add(60 * time.Second); ; {
		b, _ := os.ReadFile(starts)
		if strings.Count(string(b), "x") >= 3 { // one died, one hung
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("started %q, want three browsers", b)
		}
		select {
		case err := <-done:
			t.Fatalf("run = %v", err)
		case <-time.After(20 * time.Millisecond):
		}
	}
	for k.silent.Load() <= attempts {
		select {
		case err := <-done:
			t.Fatalf("run = %v", err)
		case <-time.After(20 * time.Millisecond):
		}
	}
	if err := k.well(ctx); err == nil {
		t.Error("well = nil though no browser ever painted")
	}
	stop()
	if err := <-done; err != nil {
		t.Errorf("run = %v, want nil when asked to stop", err)
	}
	if b, err := os.ReadFile(starts + ".left"); err != nil || len(b) > 0 {
		t.Errorf("a browser found %q of another's in its profile (%v)", b, err)
	}
}

func TestUsage(t *testing.T) {
	var b strings.Builder
	if got := run([]string{"-profile", "/tmp/x"}, &b); got != 2 || !strings.Contains(b.String(), "usage") {
		t.Errorf("run without a browser = %d, %q, want 2 and the usage", got, b.String())
	}
}
