// Package relational is the ledger in SQL: what SQLite and PostgreSQL do alike is
// written once, here. Packages sqlite and postgres beside it open a database,
// bring it to their schema, and say in a Dialect where they differ.
//
// A query is written with ? or ?1 for its arguments, and in words that both
// databases know.
package relational

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/penjire/penjire/sync/ledger"
)

// Dialect is where one database differs from another.
type Dialect struct {
	Name string // begins every error
	// Bind puts the database's own placeholders into a query; nil: it knows ? and ?1.
	Bind func(query string) string
	// Place begins the places of new rows, which rise with time: rows stored
	// together get it and what follows it. nil: the database counts them itself.
	Place func() int64
	// Bytes is the type of a column of bytes.
	Bytes string
	// Lock ends a query whose rows nobody else may change before this transaction
	// has ended; empty: the database has one writer at a time.
	Lock string
	// RequestPlace is the column with a request's place.
	RequestPlace string
	// Again says that a transaction failed for what others did at the same time, and
	// did nothing; nil: that does not happen.
	Again func(error) bool
	// Whole reads the database's own check of its files; nil: it has none.
	Whole func(ctx context.Context, r *sql.DB) (faults []string, err error)
}

// Store is the ledger in a database. The methods are those of ledger.Ledger.
type Store struct {
	d    Dialect
	w, r *sql.DB
}

var _ ledger.Ledger = (*Store)(nil)

// New returns the ledger in a database that has its schema. It writes through w
// and reads through r, and closes both; they may be the same.
func New(d Dialect, w, r *sql.DB) *Store { return &Store{d: d, w: w, r: r} }

// Close implements ledger.Ledger.
func (d *Store) Close() error {
	if d.w == d.r {
		return d.w.Close()
	}
	return errors.Join(d.r.Close(), d.w.Close())
}

func (d *Store) bind(query string) string {
	if d.d.Bind == nil {
		return query
	}
	return d.d.Bind(query)
}

func (d *Store) query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return d.r.QueryContext(ctx, d.bind(query), args...)
}

func (d *Store) row(ctx context.Context, query string, args ...any) *sql.Row {
	return d.r.QueryRowContext(ctx, d.bind(query), args...)
}

// errorf is fmt.Errorf that begins with the database's name.
func (d *Store) errorf(format string, a ...any) error {
	return fmt.Errorf(d.d.Name+": "+format, a...)
}

// tx is one transaction, which reads what it wrote.
type tx struct {
	sql *sql.Tx
	d   *Store
}

func (t *tx) query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return t.sql.QueryContext(ctx, t.d.bind(query), args...)
}

func (t *tx) row(ctx context.Context, query string, args ...any) *sql.Row {
	return t.sql.QueryRowContext(ctx, t.d.bind(query), args...)
}

func (t *tx) exec(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return t.sql.ExecContext(ctx, t.d.bind(query), args...)
}

// tries is how often a transaction is begun that others stand in the way of.
const tries = 20

// update runs f in one transaction that is on disk when update returns nil. f may
// run again, from the start, where it ran into another one.
func (d *Store) update(ctx context.Context, what string, f func(tx *tx) error) error {
	var err error
	for range tries {
		if err = d.once(ctx, f); err == nil {
			return nil
		}
		if d.d.Again == nil || !d.d.Again(err) || ctx.Err() != nil {
			break
		}
	}
	return d.errorf("%s: %w", what, err)
}

func (d *Store) once(ctx context.Context, f func(tx *tx) error) error {
	stx, err := d.w.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := f(&tx{stx, d}); err != nil {
		_ = stx.Rollback() // f's error says more
		return err
	}
	return stx.Commit()
}

// places returns the places of rows that are stored together, by their number;
// nil: the database gives them.
func (d *Store) places() func(i int) any {
	if d.d.Place == nil {
		return func(int) any { return nil }
	}
	first := d.d.Place()
	return func(i int) any { return first + int64(i) }
}

// marks is n placeholders.
func marks(n int) string { return "?" + strings.Repeat(", ?", n-1) }
