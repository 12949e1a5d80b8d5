// Package sqlite is the ledger that needs no set-up: one SQLite file, by a
// driver in pure Go. It serves one portal process; a portal that has outgrown it
// moves to a store that passes the same suite (package ledgertest).
//
// # Reference
//
// sqlite.org: WAL mode, PRAGMA synchronous (FULL: each commit is on disk),
// partial indexes, AUTOINCREMENT (an id is never given twice).
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"

	_ "modernc.org/sqlite" // registers the driver "sqlite"

	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/ledger/relational"
)

// schemaVersion is PRAGMA user_version of the files that this package writes.
const schemaVersion = 12

// schema makes an empty file. The promise «nothing twice» is in its constraints:
// records' UNIQUE, records_number and requests' primary key.
const schema = `
CREATE TABLE records (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	kiosk TEXT NOT NULL, epoch BLOB NOT NULL, seq INTEGER NOT NULL, digest BLOB NOT NULL,
	fork INTEGER NOT NULL,
	doc BLOB NOT NULL, code TEXT NOT NULL, service TEXT NOT NULL, lang TEXT NOT NULL,
	claimed INTEGER NOT NULL, received INTEGER NOT NULL,
	sealed BLOB NOT NULL, receipt BLOB NOT NULL,
	state TEXT NOT NULL, reason TEXT NOT NULL DEFAULT '',
	decided INTEGER NOT NULL DEFAULT 0, decided_receipt BLOB,
	channel TEXT NOT NULL DEFAULT 'kiosk', sent INTEGER NOT NULL DEFAULT 0,
	UNIQUE (kiosk, epoch, seq, digest, doc)
) STRICT;
CREATE UNIQUE INDEX records_number ON records (kiosk, epoch, seq) WHERE fork = 0;
CREATE INDEX records_undecided ON records (id) WHERE state = 'received';
CREATE INDEX records_state ON records (state);
CREATE INDEX records_doc ON records (doc);
CREATE INDEX records_code ON records (code);

CREATE TABLE requests (
	doc BLOB PRIMARY KEY NOT NULL,
	code TEXT NOT NULL, kiosk TEXT NOT NULL, epoch BLOB NOT NULL, seq INTEGER NOT NULL,
	service TEXT NOT NULL, agency TEXT NOT NULL, lang TEXT NOT NULL,
	identified INTEGER NOT NULL, signer TEXT NOT NULL, search TEXT NOT NULL,
	state TEXT NOT NULL,
	claimed INTEGER NOT NULL, received INTEGER NOT NULL, registered INTEGER NOT NULL, due INTEGER NOT NULL,
	assigned TEXT NOT NULL DEFAULT '',
	facts TEXT NOT NULL, answer_to TEXT NOT NULL, corrects BLOB,
	container BLOB NOT NULL,
	answer_id BLOB, answer_by TEXT NOT NULL DEFAULT '', answer_at INTEGER NOT NULL DEFAULT 0,
	answer_container BLOB, answer_packet BLOB, answer_seal TEXT NOT NULL DEFAULT '',
	answer_check TEXT NOT NULL DEFAULT '',
	channel TEXT NOT NULL DEFAULT 'kiosk', sent INTEGER NOT NULL DEFAULT 0,
	original BLOB -- as received; NULL: from before originals were kept
) STRICT;
CREATE INDEX requests_code ON requests (code);
CREATE INDEX requests_list ON requests (agency, state, due);
CREATE INDEX requests_check ON requests (answer_check) WHERE answer_check != '';

CREATE TABLE published (
	kind INTEGER NOT NULL, version INTEGER NOT NULL, at INTEGER NOT NULL, bytes BLOB NOT NULL,
	PRIMARY KEY (kind, version)
) STRICT;

CREATE TABLE heads (
	kiosk TEXT NOT NULL, epoch BLOB NOT NULL, size INTEGER NOT NULL,
	root BLOB NOT NULL, note BLOB NOT NULL, stamp BLOB, at INTEGER NOT NULL,
	counter INTEGER NOT NULL DEFAULT 0,
	PRIMARY KEY (kiosk, epoch, size)
) STRICT, WITHOUT ROWID;

CREATE TABLE alarms (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	at INTEGER NOT NULL, kiosk TEXT NOT NULL, code TEXT NOT NULL, note TEXT NOT NULL
) STRICT;
CREATE INDEX alarms_kiosk ON alarms (kiosk, code, at);

CREATE TABLE kiosks (
	id TEXT PRIMARY KEY NOT NULL,
	epoch BLOB NOT NULL, at INTEGER NOT NULL, software TEXT NOT NULL,
	unsent INTEGER NOT NULL, oldest INTEGER NOT NULL,
	catalogue INTEGER NOT NULL, trust INTEGER NOT NULL, cursor INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
` + dictionaries

// DB is a ledger in one SQLite file.
type DB struct {
	*relational.Store
	w, r *sql.DB // its connections: one that writes, as SQLite has one writer
}

var _ ledger.Ledger = (*DB)(nil)

// Open opens the file, and makes it where there is none. A file of a newer
// portal is refused.
func Open(ctx context.Context, file string) (*DB, error) {
	w, err := connect(ctx, file, patience)
	if err != nil {
		return nil, err
	}
	r, err := sql.Open("sqlite", dsn(file, patience, "query_only(1)"))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("sqlite: open ledger %s: %w", file, err), w.Close())
	}
	r.SetMaxOpenConns(4)
	return &DB{relational.New(dialect, w, r), w, r}, nil
}

// OpenAlone is OpenExisting for one who must be alone: it fails where a portal has
// the file open, and none opens it until it is closed.
func OpenAlone(ctx context.Context, file string) (*DB, error) {
	if _, err := os.Stat(file); err != nil {
		return nil, fmt.Errorf("sqlite: open ledger: %w", err)
	}
	w, err := connect(ctx, file, "locking_mode(EXCLUSIVE)", "busy_timeout(100)")
	if err != nil {
		return nil, err
	}
	return &DB{relational.New(dialect, w, w), w, w}, nil
}

// patience is how long a connection waits for others.
const patience = "busy_timeout(10000)"

// dsn names the file to the driver, with what each connection begins with, in this
// order.
func dsn(file string, first ...string) string {
	q := url.Values{"_pragma": append(first, "journal_mode(WAL)", "synchronous(FULL)")}
	q.Set("_txlock", "immediate")
	return (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: file}).EscapedPath(), RawQuery: q.Encode()}).String()
}

// connect opens the connection that writes, on a file with today's schema.
func connect(ctx context.Context, file string, first ...string) (*sql.DB, error) {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return nil, fmt.Errorf("sqlite: open ledger: %w", err)
	}
	w, err := sql.Open("sqlite", dsn(file, first...))
	if err != nil {
		return nil, fmt.Errorf("sqlite: open ledger %s: %w", file, err)
	}
	w.SetMaxOpenConns(1)
	if err := migrate(ctx, w); err != nil {
		return nil, errors.Join(fmt.Errorf("sqlite: open ledger %s: %w", file, err), w.Close())
	}
	if err := os.Chmod(file, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("sqlite: open ledger: %w", err), w.Close())
	}
	return w, nil
}

// OpenExisting is Open for a file that must be there: a mistyped name makes no
// empty ledger.
func OpenExisting(ctx context.Context, file string) (*DB, error) {
	if _, err := os.Stat(file); err != nil {
		return nil, fmt.Errorf("sqlite: open ledger: %w", err)
	}
	return Open(ctx, file)
}

// migrate brings the file to schemaVersion.
func migrate(ctx context.Context, w *sql.DB) error {
	tx, err := w.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after Commit it does nothing
	var v int
	if err := tx.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&v); err != nil {
		return err
	}
	switch {
	case v == schemaVersion:
		return nil
	case v == 0:
		if _, err := tx.ExecContext(ctx, schema+revokedSeals+traffic+uploads+counters+items+enrolment+releases+layers); err != nil {
			return fmt.Errorf("make the tables: %w", err)
		}
	case v < 0 || v > schemaVersion:
		return fmt.Errorf("its schema is version %d, this program knows %d", v, schemaVersion)
	default:
		for _, u := range upgrades[v-1:] {
			if err := u.do(ctx, tx); err != nil {
				return fmt.Errorf("%s: %w", u.what, err)
			}
		}
	}
	if _, err := tx.ExecContext(ctx, fmt.Sprintf(`PRAGMA user_version = %d`, schemaVersion)); err != nil {
		return err
	}
	return tx.Commit()
}

// texts reads a column of texts, and closes the rows.
func texts(rs *sql.Rows, err error) ([]string, error) {
	if err != nil {
		return nil, err
	}
	defer func() { _ = rs.Close() }() // Err says what matters
	var out []string
	for rs.Next() {
		var s string
		if err := rs.Scan(&s); err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, rs.Err()
}

// dialect is what SQLite has of its own.
var dialect = relational.Dialect{
	Name:         "sqlite",
	RequestPlace: "rowid",
	Bytes:        "BLOB",
	Whole: func(ctx context.Context, r *sql.DB) ([]string, error) {
		lines, err := texts(r.QueryContext(ctx, `PRAGMA integrity_check`))
		return slices.DeleteFunc(lines, func(s string) bool { return s == "ok" }), err
	},
}
