package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/penjire/penjire/sync/ledger/postgrestest"
)

// TestMove moves the ledger of a portal to PostgreSQL and serves from there, with
// two portals on one database.
func TestMove(t *testing.T) {
	server := postgrestest.Start(t)
	dir, _ := folder(t)
	url := server.Database(t)
	running := start(t, "-dir", dir) // publishes
	command := func(want int, args ...string) string {
		t.Helper()
		var out, errs bytes.Buffer
		if got := run(t.Context(), args, &out, &errs); got != want {
			t.Fatalf("portald %v = %d, want %d\n%s%s", args, got, want, &out, &errs)
		}
		return out.String() + errs.String()
	}
	if s := command(1, "move", "-dir", dir, url); !strings.Contains(s, "must not run") {
		t.Errorf("move beside a running portal says %q", s)
	}
	running.end()
	command(2, "move", "-dir", dir)
	command(2, "move", "-dir", dir, "ledger2.db")
	if s := command(1, "check", "-dir", dir, "-ledger", url); !strings.Contains(s, "no ledger in it") {
		t.Errorf("check of an empty database says %q", s)
	}
	if s := command(0, "move", "-dir", dir, url); !strings.Contains(s, "published") || !strings.Contains(s, "all of it arrived") {
		t.Errorf("move says %q", s)
	}
	if s := command(1, "move", "-dir", dir, url); !strings.Contains(s, "must be empty") {
		t.Errorf("a second move says %q", s)
	}
	a := start(t, "-dir", dir, "-ledger", url)
	b := start(t, "-dir", dir, "-ledger", url)
	for _, p := range []*portald{a, b} {
		if s := p.get("/healthz", 200); !strings.Contains(s, "ok") {
			t.Errorf("/healthz = %q", s)
		}
		if s := p.get("/api/state", 200); !strings.Contains(s, `"trust":1`) {
			t.Errorf("/api/state = %q, want what was moved", s)
		}
	}
	if s := command(0, "check", "-dir", dir, "-ledger", url); !strings.Contains(s, "damaged 0") {
		t.Errorf("check = %q", s)
	}
	command(0, "export", "-dir", dir, "-ledger", url, "-all", filepath.Join(t.TempDir(), "out"))
	a.end()
	b.end()
}

// TestPasswordStaysOut gives portald a password where everyone can read it.
func TestPasswordStaysOut(t *testing.T) {
	dir, _ := folder(t)
	var out, errs bytes.Buffer
	if got := run(t.Context(), []string{"-dir", dir, "-ledger", "postgres://u:hunter2@localhost/x"}, &out, &errs); got != 1 {
		t.Errorf("portald = %d, want 1", got)
	}
	if s := out.String() + errs.String(); strings.Contains(s, "hunter2") || !strings.Contains(s, "PGPASSFILE") {
		t.Errorf("portald says %q, want where a password belongs, and not the password", s)
	}
}
