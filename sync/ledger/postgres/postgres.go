// Package postgres is the ledger on PostgreSQL, for any number of portals at once:
// they keep nothing of their own, and whichever a kiosk reaches tells it the same.
//
// # Promises
//
// What a method says is durable is on the disk of the database: each connection
// is refused unless the server flushes what it commits (fsync, full_page_writes and
// synchronous_commit on). A portal whose database is away answers kiosks «busy»
// with a time, and goes on by itself when it is back.
//
// # What is used
//
// Only what CockroachDB, YugabyteDB and Citus also speak: tables, unique
// constraints, INSERT … ON CONFLICT, SELECT … FOR UPDATE; no sequences, triggers,
// advisory locks, LISTEN. Keys begin with the kiosk where there are many rows.
//
// # Reference
//
// postgresql.org/docs/15: 30.5 (WAL configuration), 13.2.1 (Read Committed: each
// statement sees what was committed before it), 20.5 (synchronous_commit, fsync).
package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/ledger/relational"
)

// connections is how many of them one portal holds at most.
const connections = 16

// DB is a ledger in one PostgreSQL database.
type DB struct {
	*relational.Store
	db *sql.DB
}

var _ ledger.Shared = (*DB)(nil)

// Open opens the database at url, postgres://user@host:port/name?sslmode=verify-full,
// and brings its schema up to date; where it is empty, it makes the tables. A
// password comes from PGPASSFILE or PGPASSWORD, as libpq reads them: one in the
// address is refused, as it would show in lists of processes. A database of a newer
// portal is refused, and one that does not flush what it commits.
func Open(ctx context.Context, url string) (*DB, error) { return openURL(ctx, url, false) }

// OpenExisting is Open for a database that must have its tables: a mistyped name
// makes no empty ledger.
func OpenExisting(ctx context.Context, url string) (*DB, error) { return openURL(ctx, url, true) }

func openURL(ctx context.Context, at string, existing bool) (*DB, error) {
	u, err := url.Parse(at)
	if err != nil {
		return nil, errors.New("postgres: open ledger: its address cannot be read") // err quotes it
	}
	if _, has := u.User.Password(); has || u.Query().Has("password") || u.Query().Has("sslpassword") {
		return nil, errors.New("postgres: open ledger: a password does not belong into the address: name a file in PGPASSFILE, or set PGPASSWORD, PGSSLPASSWORD for a key")
	}
	cfg, err := pgx.ParseConfig(at)
	if err != nil {
		return nil, fmt.Errorf("postgres: open ledger: %w", err)
	}
	if cfg.ConnectTimeout == 0 {
		cfg.ConnectTimeout = 5 * time.Second
	}
	if cfg.RuntimeParams["application_name"] == "" {
		cfg.RuntimeParams["application_name"] = "portald"
	}
	// Each connection is tried before it is used again: one that ended with its server
	// a moment ago would fail a kiosk, which then comes back half a minute later.
	always := stdlib.OptionShouldPing(func(context.Context, stdlib.ShouldPingParams) bool { return true })
	db := stdlib.OpenDB(*cfg, stdlib.OptionAfterConnect(durable), always)
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	db.SetConnMaxIdleTime(5 * time.Minute)
	if err := migrate(ctx, db, existing); err != nil {
		return nil, errors.Join(fmt.Errorf("postgres: open ledger in %s at %s: %w", cfg.Database, cfg.Host, err), db.Close())
	}
	return &DB{relational.New(dialect, db, db), db}, nil
}

// ErrNotDurable says that the server does not flush what it commits.
var ErrNotDurable = errors.New("the database does not keep what it commits over a power cut")

// durable looks at what the promises stand on, and holds fast what a connection
// can hold: a setting that is changed later does not reach it.
func durable(ctx context.Context, conn *pgx.Conn) error {
	for _, name := range []string{"fsync", "full_page_writes", "synchronous_commit"} {
		var is string
		err := conn.QueryRow(ctx, "SHOW "+name).Scan(&is)
		if pg, ok := errors.AsType[*pgconn.PgError](err); ok && pg.Code == undefinedObject {
			continue // a database that knows no other way has no such setting
		}
		if err != nil {
			return err
		}
		if is != "on" && !(name == "synchronous_commit" && is == "remote_apply") {
			return fmt.Errorf("%w: %s is %s, want on: set it in postgresql.conf, or for this database or user if it was changed there", ErrNotDurable, name, is)
		}
		if name == "synchronous_commit" {
			if _, err := conn.Exec(ctx, "SET synchronous_commit = "+is); err != nil {
				return err
			}
		}
	}
	if _, err := conn.Exec(ctx, "SET default_transaction_isolation = 'read committed'"); err != nil {
		return err
	}
	// What a portal held whose machine lost its power or its network the server would
	// keep from the others for hours, until it finds the connection dead.
	_, err := conn.Exec(ctx, "SET idle_in_transaction_session_timeout = '1min'")
	return err
}

// SQLSTATE of what is looked at.
const (
	undefinedObject = "42704"
	undefinedTable  = "42P01"
	uniqueViolation = "23505"
	serialization   = "40001"
	deadlock        = "40P01"
	duplicateTable  = "42P07"
	duplicateObject = "42710"
)

// dialect is what PostgreSQL has of its own.
var dialect = relational.Dialect{
	Name:         "postgres",
	Bind:         bind,
	Place:        place,
	Lock:         " FOR UPDATE",
	RequestPlace: "place",
	Bytes:        "BYTEA",
	Again: func(err error) bool {
		pg, ok := errors.AsType[*pgconn.PgError](err)
		// A row that another portal wrote first is seen by the next try.
		return ok && (pg.Code == uniqueViolation || pg.Code == serialization || pg.Code == deadlock)
	},
}

// missingTable says that a query met a database without our tables.
func missingTable(err error) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return ok && pg.Code == undefinedTable && strings.Contains(pg.Message, "schema_versions")
}
