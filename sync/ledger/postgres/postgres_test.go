package postgres

import (
	"errors"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/ledger/ledgertest"
	"github.com/penjire/penjire/sync/ledger/postgrestest"
	"github.com/penjire/penjire/sync/ledger/sqlite"
)

func TestLedger(t *testing.T) {
	server := postgrestest.Start(t)
	ledgertest.Test(t, func(t testing.TB) ledgertest.Opener {
		url := server.Database(t)
		return func(t testing.TB) ledger.Ledger { return open(t, url) }
	})
}

func open(t testing.TB, url string) *DB {
	t.Helper()
	d, err := Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func closed(t testing.TB, d *DB) {
	t.Helper()
	if err := d.Check(t.Context()); err != nil {
		t.Errorf("Check = %v", err)
	}
	if err := d.Close(); err != nil {
		t.Errorf("Close = %v", err)
	}
}

// TestOpen opens what must be refused, and one empty database by many at once.
func TestOpen(t *testing.T) {
	server := postgrestest.Start(t)
	url := server.Database(t)
	name := strings.TrimPrefix(strings.SplitN(url, "?", 2)[0], "postgres:///")
	ctx := t.Context()

	if _, err := OpenExisting(ctx, url); err == nil || !strings.Contains(err.Error(), "no ledger") {
		t.Errorf("OpenExisting of an empty database = %v, want it refused", err)
	}
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			d, err := Open(ctx, url)
			if err != nil {
				t.Errorf("Open at once with others = %v", err)
				return
			}
			if err := d.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	d, err := OpenExisting(ctx, url)
	if err != nil {
		t.Fatalf("OpenExisting = %v", err)
	}
	closed(t, d)

	for _, set := range []string{"synchronous_commit = off", "synchronous_commit = local"} {
		server.Exec(t, "postgres", "ALTER DATABASE "+name+" SET "+set)
		if _, err := Open(ctx, url); !errors.Is(err, ErrNotDurable) {
			t.Errorf("Open with %s = %v, want ErrNotDurable", set, err)
		}
	}
	server.Exec(t, "postgres", "ALTER DATABASE "+name+" RESET synchronous_commit")
	server.Exec(t, name, "INSERT INTO schema_versions (version) VALUES (99)")
	if _, err := Open(ctx, url); err == nil || !strings.Contains(err.Error(), "version 99") {
		t.Errorf("Open of a newer database = %v, want it refused", err)
	}
	for bad, want := range map[string]string{
		"postgres://u:hunter2@h/d":           "PGPASSFILE",
		"postgres://h/d?password=hunter2":    "PGPASSFILE",
		"postgres://h/d?sslpassword=hunter2": "PGSSLPASSWORD",
		"postgres://u:hunter2@h:%zz/d":       "cannot be read",
	} {
		if _, err := Open(ctx, bad); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("Open with a password in the address = %v, want it refused with %s and not told", err, want)
		}
	}
	server.Exec(t, "postgres", "ALTER SYSTEM SET fsync = off")
	server.Exec(t, "postgres", "SELECT pg_reload_conf()")
	if _, err := Open(ctx, server.Database(t)); !errors.Is(err, ErrNotDurable) {
		t.Errorf("Open of a server that does not flush = %v, want ErrNotDurable", err)
	}
}

// TestPinned weakens the server under an open ledger: what is connected keeps its
// promise, and what would connect anew is refused.
func TestPinned(t *testing.T) {
	server := postgrestest.Start(t)
	d := open(t, server.Database(t))
	defer func() { _ = d.Close() }()
	server.Exec(t, "postgres", "ALTER SYSTEM SET synchronous_commit = off")
	server.Exec(t, "postgres", "SELECT pg_reload_conf()")
	for range 20 {
		var is string
		err := d.db.QueryRowContext(t.Context(), "SHOW synchronous_commit").Scan(&is)
		if err != nil && !errors.Is(err, ErrNotDurable) || err == nil && is != "on" {
			t.Fatalf("synchronous_commit of a connection = %q, %v, want on", is, err)
		}
	}
	// A portal that is gone holds up the others no longer than this.
	var is string
	if err := d.db.QueryRowContext(t.Context(), "SHOW idle_in_transaction_session_timeout").Scan(&is); err != nil || is != "1min" {
		t.Errorf("a transaction that nobody goes on with ends after %q, %v, want 1min", is, err)
	}
}

// TestCopy moves a ledger from a file and reads both.
func TestCopy(t *testing.T) {
	server, ctx := postgrestest.Start(t), t.Context()
	from, err := sqlite.Open(ctx, filepath.Join(t.TempDir(), "ledger.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = from.Close() }()
	ledgertest.Fill(t, from)
	url := server.Database(t)
	to := open(t, url)
	defer func() { closed(t, to) }()
	// Where not everything arrives as it was, nothing does.
	name := strings.TrimPrefix(strings.SplitN(url, "?", 2)[0], "postgres:///")
	server.Exec(t, name, `CREATE FUNCTION bend() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.software = NEW.software || 1; RETURN NEW; END';
		CREATE TRIGGER bend BEFORE INSERT ON kiosks FOR EACH ROW EXECUTE FUNCTION bend()`)
	if _, err := from.CopyTo(ctx, to.Store); err == nil || !strings.Contains(err.Error(), "table kiosks: 1 rows arrived") {
		t.Fatalf("a move with another row of kiosks = %v, want it refused", err)
	}
	server.Exec(t, name, "DROP TRIGGER bend ON kiosks")
	sums, err := from.CopyTo(ctx, to.Store)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range sums {
		if s.Rows == 0 {
			t.Errorf("table %s: nothing to copy: the test tells nothing of it", s.Table)
		}
	}
	for what, read := range map[string]func(ledger.Ledger) (any, error){
		"Undecided": func(l ledger.Ledger) (any, error) { return l.Undecided(ctx, 0, 100) },
		"List":      func(l ledger.Ledger) (any, error) { return l.List(ctx, ledger.Filter{}) },
		"Items":     func(l ledger.Ledger) (any, error) { return l.Items(ctx, ledgertest.Kiosk, 0, 100) },
		"Kiosks":    func(l ledger.Ledger) (any, error) { return l.Kiosks(ctx) },
		"Alarms":    func(l ledger.Ledger) (any, error) { return l.Alarms(ctx, 100) },
	} {
		a, err1 := read(from)
		b, err2 := read(to)
		if err := errors.Join(err1, err2); err != nil || !reflect.DeepEqual(a, b) {
			t.Errorf("%s after the move = %v, %v, want %v", what, b, err, a)
		}
	}
	// It goes on there: what is new comes after what was moved.
	in := ledgertest.Incoming(1000)
	if _, err := to.Intake(ctx, ledgertest.Kiosk, time.Now(), []ledger.Incoming{in}, ledgertest.Receipt()); err != nil {
		t.Fatal(err)
	}
	if u, err := to.Undecided(ctx, 0, 100); err != nil || len(u) < 2 || u[len(u)-1].Seq != 1000 {
		t.Errorf("Undecided = %d records, %v, want the new one last", len(u), err)
	}
	if _, err := from.CopyTo(ctx, to.Store); err == nil || !strings.Contains(err.Error(), "must be empty") {
		t.Errorf("a second move = %v, want it refused", err)
	}
}
