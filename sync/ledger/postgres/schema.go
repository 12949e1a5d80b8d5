package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"
)

// migrations are the steps from each version of the schema to the next; the first
// makes the tables. One that was shipped is never changed.
var migrations = []string{schema1, schema2, schema3, schema4}

// schema1: the promise «nothing twice» is in its constraints: records' primary
// key, records_number and requests' primary key. Rows that there are many of are
// found by their kiosk, or by a hash: none is stored at the end of one list.
//
// Places (records.id, requests.place, alarms.id) rise with time and are given by
// the portals (dialect.go).
const schema1 = `
CREATE TABLE records (
	kiosk TEXT NOT NULL, epoch BYTEA NOT NULL, seq BIGINT NOT NULL, digest BYTEA NOT NULL,
	id BIGINT NOT NULL, fork BIGINT NOT NULL,
	doc BYTEA NOT NULL, code TEXT NOT NULL, service TEXT NOT NULL, lang TEXT NOT NULL,
	claimed BIGINT NOT NULL, received BIGINT NOT NULL,
	sealed BYTEA NOT NULL, receipt BYTEA NOT NULL,
	state TEXT NOT NULL, reason TEXT NOT NULL DEFAULT '',
	decided BIGINT NOT NULL DEFAULT 0, decided_receipt BYTEA,
	channel TEXT NOT NULL DEFAULT 'kiosk', sent BIGINT NOT NULL DEFAULT 0,
	PRIMARY KEY (kiosk, epoch, seq, digest, doc)
);
CREATE UNIQUE INDEX records_number ON records (kiosk, epoch, seq) WHERE fork = 0;
CREATE UNIQUE INDEX records_place ON records (id);
CREATE INDEX records_undecided ON records (id) WHERE state = 'received';
CREATE INDEX records_refused ON records (id) WHERE state = 'refused';
CREATE INDEX records_doc ON records (doc);
CREATE INDEX records_code ON records (code);

CREATE TABLE requests (
	doc BYTEA PRIMARY KEY, place BIGINT NOT NULL UNIQUE,
	code TEXT NOT NULL, kiosk TEXT NOT NULL, epoch BYTEA NOT NULL, seq BIGINT NOT NULL,
	service TEXT NOT NULL, agency TEXT NOT NULL, lang TEXT NOT NULL,
	identified BIGINT NOT NULL, signer TEXT NOT NULL, search TEXT NOT NULL,
	state TEXT NOT NULL,
	claimed BIGINT NOT NULL, received BIGINT NOT NULL, registered BIGINT NOT NULL, due BIGINT NOT NULL,
	assigned TEXT NOT NULL DEFAULT '',
	facts TEXT NOT NULL, answer_to TEXT NOT NULL, corrects BYTEA,
	container BYTEA NOT NULL,
	answer_id BYTEA, answer_by TEXT NOT NULL DEFAULT '', answer_at BIGINT NOT NULL DEFAULT 0,
	answer_container BYTEA, answer_packet BYTEA, answer_seal TEXT NOT NULL DEFAULT '',
	answer_check TEXT NOT NULL DEFAULT '',
	channel TEXT NOT NULL DEFAULT 'kiosk', sent BIGINT NOT NULL DEFAULT 0,
	original BYTEA
);
CREATE INDEX requests_code ON requests (code);
CREATE INDEX requests_list ON requests (agency, state, due);
CREATE INDEX requests_check ON requests (answer_check) WHERE answer_check != '';
CREATE INDEX requests_answer ON requests (answer_id) WHERE answer_id IS NOT NULL;

CREATE TABLE counters (kiosk TEXT PRIMARY KEY, last BIGINT NOT NULL);

CREATE TABLE items (
	kiosk TEXT NOT NULL, id BIGINT NOT NULL, -- '' is every kiosk
	kind BIGINT NOT NULL, version BIGINT NOT NULL DEFAULT 0,
	doc BYTEA NOT NULL, stage TEXT NOT NULL, at BIGINT NOT NULL, bytes BYTEA NOT NULL,
	acked BIGINT NOT NULL DEFAULT 0, -- when the kiosk said that it has it
	PRIMARY KEY (kiosk, id)
);
CREATE INDEX items_doc ON items (doc);

CREATE TABLE published (
	kind BIGINT NOT NULL, version BIGINT NOT NULL, at BIGINT NOT NULL, bytes BYTEA NOT NULL,
	PRIMARY KEY (kind, version)
);

CREATE TABLE heads (
	kiosk TEXT NOT NULL, epoch BYTEA NOT NULL, size BIGINT NOT NULL,
	root BYTEA NOT NULL, note BYTEA NOT NULL, stamp BYTEA, at BIGINT NOT NULL,
	counter BIGINT NOT NULL DEFAULT 0,
	PRIMARY KEY (kiosk, epoch, size)
);

CREATE TABLE alarms (
	kiosk TEXT NOT NULL, code TEXT NOT NULL, at BIGINT NOT NULL, id BIGINT NOT NULL, note TEXT NOT NULL,
	PRIMARY KEY (kiosk, code, at, id)
);
CREATE INDEX alarms_place ON alarms (id);

CREATE TABLE kiosks (
	id TEXT PRIMARY KEY,
	epoch BYTEA NOT NULL, at BIGINT NOT NULL, software TEXT NOT NULL,
	unsent BIGINT NOT NULL, oldest BIGINT NOT NULL,
	catalogue BIGINT NOT NULL, trust BIGINT NOT NULL, cursor BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE traffic (
	kiosk TEXT NOT NULL, hour BIGINT NOT NULL, records BIGINT NOT NULL, bytes BIGINT NOT NULL,
	PRIMARY KEY (kiosk, hour)
);

CREATE TABLE dictionaries (id BIGINT PRIMARY KEY, bytes BYTEA NOT NULL);
CREATE TABLE awaiting (record BIGINT PRIMARY KEY, dictionary BIGINT NOT NULL);

CREATE TABLE uploads (
	kiosk TEXT NOT NULL, digest BYTEA NOT NULL, size BIGINT NOT NULL, have BIGINT NOT NULL, at BIGINT NOT NULL,
	PRIMARY KEY (kiosk, digest)
);
CREATE INDEX uploads_at ON uploads (at);
CREATE TABLE chunks (
	kiosk TEXT NOT NULL, digest BYTEA NOT NULL, begins BIGINT NOT NULL, bytes BYTEA NOT NULL,
	PRIMARY KEY (kiosk, digest, begins)
);

CREATE TABLE revoked_seals (
	seal BYTEA PRIMARY KEY, doc BYTEA NOT NULL UNIQUE,
	agency TEXT NOT NULL, reason TEXT NOT NULL, by_whom TEXT NOT NULL, at BIGINT NOT NULL
);
`

// schema2 adds one-time codes, and the certificates of kiosks. That a code brings
// one certificate of each use, and an earlier certificate one for each key, is in the
// constraints.
const schema2 = `
CREATE TABLE codes (
	id BYTEA PRIMARY KEY, kiosk TEXT NOT NULL, proof BYTEA NOT NULL, chip BIGINT NOT NULL,
	made BIGINT NOT NULL, until BIGINT NOT NULL, by_whom TEXT NOT NULL, taken BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX codes_kiosk ON codes (kiosk);
CREATE TABLE certificates (
	serial BYTEA PRIMARY KEY, kiosk TEXT NOT NULL, use TEXT NOT NULL, key BYTEA NOT NULL,
	begins BIGINT NOT NULL, until BIGINT NOT NULL, issued BIGINT NOT NULL, der BYTEA NOT NULL,
	code BYTEA, earlier BYTEA,
	revoked BIGINT NOT NULL, reason TEXT NOT NULL, by_whom TEXT NOT NULL,
	CHECK ((code IS NULL) != (earlier IS NULL))
);
CREATE UNIQUE INDEX certificates_code ON certificates (code, use);
CREATE UNIQUE INDEX certificates_earlier ON certificates (earlier, use, key);
CREATE INDEX certificates_kiosk ON certificates (kiosk);
`

// schema3 adds releases of the kiosks' software, what kiosks say of theirs, and how
// releases ended.
const schema3 = `
CREATE TABLE releases (
	board TEXT NOT NULL, build BIGINT NOT NULL, version TEXT NOT NULL, sha256 BYTEA NOT NULL, size BIGINT NOT NULL, signed BYTEA NOT NULL,
	widest BIGINT NOT NULL, ring BIGINT NOT NULL, paused TEXT NOT NULL, by_whom TEXT NOT NULL, at BIGINT NOT NULL,
	PRIMARY KEY (board, build)
);
CREATE TABLE software (
	kiosk TEXT PRIMARY KEY, at BIGINT NOT NULL, own_ring BIGINT NOT NULL, assigned BIGINT NOT NULL, report BYTEA, by_whom TEXT NOT NULL
);
CREATE TABLE ended (
	board TEXT NOT NULL, build BIGINT NOT NULL, kiosk TEXT NOT NULL, ring BIGINT NOT NULL, code TEXT NOT NULL, at BIGINT NOT NULL,
	PRIMARY KEY (board, build, kiosk)
);
`

// schema4 adds what operators set on kiosks from afar.
const schema4 = `
CREATE TABLE layers (
	scope TEXT NOT NULL, number BIGINT NOT NULL, content BYTEA NOT NULL, by_whom TEXT NOT NULL, at BIGINT NOT NULL,
	PRIMARY KEY (scope, number)
);
`

// migrate brings the database to the last version. Several portals may start at
// once: the one that takes a version first makes it, the others wait.
func migrate(ctx context.Context, db *sql.DB, existing bool) error {
	for {
		v, err := version(ctx, db, existing)
		switch {
		case err != nil:
			return err
		case v == len(migrations):
			return nil
		case v < 0 || v > len(migrations):
			return fmt.Errorf("its schema is version %d, this program knows %d", v, len(migrations))
		}
		if err := step(ctx, db, v); err != nil && !dialect.Again(err) {
			return fmt.Errorf("bring the schema to version %d: %w", v+1, err)
		}
	}
}

// version reads which version the schema has; 0 where there are no tables yet.
func version(ctx context.Context, db *sql.DB, existing bool) (v int, err error) {
	err = db.QueryRowContext(ctx, `SELECT coalesce(max(version), 0) FROM schema_versions`).Scan(&v)
	if !missingTable(err) {
		return v, err
	}
	if existing {
		return 0, errors.New("there is no ledger in it")
	}
	_, err = db.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS schema_versions (version BIGINT PRIMARY KEY)`)
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok && // another portal made it: IF NOT EXISTS does not look that far
		(pg.Code == uniqueViolation || pg.Code == duplicateTable || pg.Code == duplicateObject) {
		return 0, nil
	}
	return 0, err
}

func step(ctx context.Context, db *sql.DB, from int) (err error) {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, ignoreDone(tx.Rollback()))
		}
	}()
	// The version is taken first: a second portal waits for this row, and fails on it.
	if _, err := tx.ExecContext(ctx, `INSERT INTO schema_versions (version) VALUES ($1)`, from+1); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, migrations[from]); err != nil {
		return err
	}
	return tx.Commit()
}

func ignoreDone(err error) error {
	if errors.Is(err, sql.ErrTxDone) {
		return nil
	}
	return err
}
