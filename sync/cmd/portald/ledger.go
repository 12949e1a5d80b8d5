package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/ledger/postgres"
	"github.com/penjire/penjire/sync/ledger/relational"
	"github.com/penjire/penjire/sync/ledger/sqlite"
	"github.com/penjire/penjire/sync/portal"
)

// isPostgres says whether a ledger is a database of PostgreSQL's, not a file.
func isPostgres(where string) bool {
	return strings.HasPrefix(where, "postgres://") || strings.HasPrefix(where, "postgresql://")
}

// ledgerPath returns where the ledger is that portal.json or -ledger names.
func ledgerPath(dir, name string) string {
	if isPostgres(name) || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(dir, name)
}

// openLedger opens the ledger, and makes it where there is none yet.
func openLedger(ctx context.Context, where string) (ledger.Ledger, error) {
	if isPostgres(where) {
		return postgres.Open(ctx, where)
	}
	return sqlite.Open(ctx, where)
}

// openExisting opens a ledger that must be there.
func openExisting(ctx context.Context, where string) (ledger.Ledger, error) {
	if isPostgres(where) {
		return postgres.OpenExisting(ctx, where)
	}
	return sqlite.OpenExisting(ctx, where)
}

// moveCommand is portald move.
func moveCommand(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	fs := flag.NewFlagSet("portald move", flag.ContinueOnError)
	fs.SetOutput(stderr)
	dir := fs.String("dir", "", "`folder` of portal.json")
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	if *dir == "" || fs.NArg() != 1 || !isPostgres(fs.Arg(0)) {
		_, _ = fmt.Fprintln(stderr, "portald: move needs -dir, and then the address postgres://… of an empty database")
		return 2
	}
	sums, err := move(ctx, *dir, fs.Arg(0))
	if err != nil {
		_, _ = fmt.Fprintln(stderr, "portald:", err)
		return 1
	}
	for _, s := range sums {
		_, _ = fmt.Fprintf(stdout, "%-14s %8d rows  %x\n", s.Table, s.Rows, s.Digest[:8])
	}
	_, _ = fmt.Fprintln(stdout, "all of it arrived and was read back; now put the address into portal.json as \"ledger\" and start portald")
	return 0
}

// move copies the ledger in the file that portal.json names to a database, and
// checks both.
func move(ctx context.Context, dir, to string) (sums []relational.Sum, err error) {
	f, err := portal.ReadFile(dir)
	if err != nil {
		return nil, err
	}
	if isPostgres(f.Ledger) {
		return nil, errors.New("the ledger is on PostgreSQL already; between two databases, pg_dump and pg_restore move it")
	}
	// What a portal took in behind the copy would be receipted and in no ledger.
	from, err := sqlite.OpenAlone(ctx, ledgerPath(dir, f.Ledger))
	if err != nil {
		return nil, fmt.Errorf("portald must not run while its ledger is moved: %w", err)
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	if err := from.Check(ctx); err != nil {
		return nil, fmt.Errorf("nothing was moved, for the ledger is not in order: %w", err)
	}
	db, err := postgres.Open(ctx, to)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if sums, err = from.CopyTo(ctx, db.Store); err != nil {
		return nil, err
	}
	return sums, db.Check(ctx)
}

// openFolder reads a portal's folder and opens its ledger, for a command that works
// beside the running portal. Whoever gets a ledger closes it.
func openFolder(ctx context.Context, dir, where string) (*loaded, ledger.Ledger, error) {
	l, err := load(options{dir: dir, ledger: where})
	if err != nil {
		return nil, nil, err
	}
	db, err := openLedger(ctx, l.ledger)
	return l, db, err
}
