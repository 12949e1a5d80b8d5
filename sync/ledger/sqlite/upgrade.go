package sqlite

import (
	"context"
	"database/sql"

	"github.com/penjire/penjire/sync/edoc/seal"
)

// upgrades are the steps from each schema to the next; the first is from 1 to 2.
var upgrades = [schemaVersion - 1]struct {
	what string
	do   func(context.Context, *sql.Tx) error
}{
	{"add the check numbers", addCheckNumbers},
	{"add origins, times and what was published", addStorage},
	{"add dictionaries", addDictionaries},
	{"add the counters of journal heads", addCounters},
	{"add the revoked seals", addRevokedSeals},
	{"add what each hour brought", addTraffic},
	{"add uploads", addUploads},
	{"number the items of each kiosk apart", addNumbers},
	{"add codes and certificates", addEnrolment},
	{"add releases", addReleases},
	{"add settings", addLayers},
}

// addStorage brings a file of schema 2 to 3: what ED-13 wants kept. Of what came
// in before, the original is still in its envelope, and of what was published
// only the last version is known.
func addStorage(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx,
		`ALTER TABLE records ADD COLUMN channel TEXT NOT NULL DEFAULT 'kiosk';
		 ALTER TABLE records ADD COLUMN sent INTEGER NOT NULL DEFAULT 0;
		 ALTER TABLE requests ADD COLUMN channel TEXT NOT NULL DEFAULT 'kiosk';
		 ALTER TABLE requests ADD COLUMN sent INTEGER NOT NULL DEFAULT 0;
		 ALTER TABLE requests ADD COLUMN original BLOB;
		 ALTER TABLE items ADD COLUMN acked INTEGER NOT NULL DEFAULT 0;
		 CREATE INDEX items_doc ON items (doc);
		 CREATE TABLE published (
			kind INTEGER NOT NULL, version INTEGER NOT NULL, at INTEGER NOT NULL, bytes BLOB NOT NULL,
			PRIMARY KEY (kind, version)
		 ) STRICT;
		 INSERT INTO published SELECT kind, version, at, bytes FROM items WHERE kiosk = ''`)
	return err
}

// addCheckNumbers brings a file of schema 1 to 2: the check number of each seal
// stands in a column of its own, to be found by.
func addCheckNumbers(ctx context.Context, tx *sql.Tx) error {
	if _, err := tx.ExecContext(ctx,
		`ALTER TABLE requests ADD COLUMN answer_check TEXT NOT NULL DEFAULT '';
		 CREATE INDEX requests_check ON requests (answer_check) WHERE answer_check != ''`); err != nil {
		return err
	}
	seals, err := texts(tx.QueryContext(ctx, `SELECT DISTINCT answer_seal FROM requests WHERE answer_seal != ''`))
	if err != nil {
		return err
	}
	for _, url := range seals {
		s, err := seal.Parse(url)
		if err != nil {
			continue // nobody can type the number of it; Check tells of it
		}
		if _, err := tx.ExecContext(ctx, `UPDATE requests SET answer_check = ? WHERE answer_seal = ?`, s.CheckNumber(), url); err != nil {
			return err
		}
	}
	return nil
}

// addCounters brings a file of schema 4 to 5: a journal head carries what the
// kiosk's hardware counted.
func addCounters(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, `ALTER TABLE heads ADD COLUMN counter INTEGER NOT NULL DEFAULT 0`)
	return err
}

// dictionaries are the tables of what envelopes were compressed with.
const dictionaries = `
CREATE TABLE dictionaries (id INTEGER PRIMARY KEY NOT NULL, bytes BLOB NOT NULL) STRICT;
CREATE TABLE awaiting (record INTEGER PRIMARY KEY NOT NULL REFERENCES records (id), dictionary INTEGER NOT NULL) STRICT;
`

// addDictionaries brings a file of an older schema to the one with them.
func addDictionaries(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, dictionaries)
	return err
}

// revokedSeals is what schema 6 adds: the table of revoked seals, and how the
// answer that a seal names is found.
const revokedSeals = `
CREATE TABLE revoked_seals (
	seal BLOB PRIMARY KEY NOT NULL, doc BLOB NOT NULL UNIQUE REFERENCES requests (doc),
	agency TEXT NOT NULL, reason TEXT NOT NULL, by_whom TEXT NOT NULL, at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX requests_answer ON requests (answer_id) WHERE answer_id IS NOT NULL;
`

// addRevokedSeals brings a file of schema 5 to 6.
func addRevokedSeals(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, revokedSeals)
	return err
}

// traffic is what schema 7 adds: what each kiosk brought in each hour.
const traffic = `
CREATE TABLE traffic (
	kiosk TEXT NOT NULL, hour INTEGER NOT NULL, records INTEGER NOT NULL, bytes INTEGER NOT NULL,
	PRIMARY KEY (kiosk, hour)
) STRICT, WITHOUT ROWID;
`

// addTraffic brings a file of schema 6 to 7. What came before is not counted.
func addTraffic(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, traffic)
	return err
}

// uploads is what schema 8 adds: large records while they come.
const uploads = `
CREATE TABLE uploads (
	kiosk TEXT NOT NULL, digest BLOB NOT NULL, size INTEGER NOT NULL, have INTEGER NOT NULL, at INTEGER NOT NULL,
	PRIMARY KEY (kiosk, digest)
) STRICT, WITHOUT ROWID;
CREATE INDEX uploads_at ON uploads (at);
CREATE TABLE chunks (
	kiosk TEXT NOT NULL, digest BLOB NOT NULL, begins INTEGER NOT NULL, bytes BLOB NOT NULL,
	PRIMARY KEY (kiosk, digest, begins)
) STRICT;
`

// addUploads brings a file of schema 7 to 8.
func addUploads(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, uploads)
	return err
}

// enrolment is what schema 10 adds: one-time codes, and the certificates of kiosks.
// That a code brings one certificate of each use, and an earlier certificate one for
// each key, is in the constraints.
const enrolment = `
CREATE TABLE codes (
	id BLOB PRIMARY KEY NOT NULL, kiosk TEXT NOT NULL, proof BLOB NOT NULL, chip INTEGER NOT NULL,
	made INTEGER NOT NULL, until INTEGER NOT NULL, by_whom TEXT NOT NULL, taken INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE INDEX codes_kiosk ON codes (kiosk);
CREATE TABLE certificates (
	serial BLOB PRIMARY KEY NOT NULL, kiosk TEXT NOT NULL, use TEXT NOT NULL, key BLOB NOT NULL,
	begins INTEGER NOT NULL, until INTEGER NOT NULL, issued INTEGER NOT NULL, der BLOB NOT NULL,
	code BLOB REFERENCES codes (id), earlier BLOB,
	revoked INTEGER NOT NULL, reason TEXT NOT NULL, by_whom TEXT NOT NULL,
	UNIQUE (code, use), UNIQUE (earlier, use, key), CHECK ((code IS NULL) != (earlier IS NULL))
) STRICT;
CREATE INDEX certificates_kiosk ON certificates (kiosk);
`

// addEnrolment brings a file of schema 9 to 10.
func addEnrolment(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, enrolment)
	return err
}

// releases is what schema 11 adds: releases of the kiosks' software, what kiosks say
// of theirs, and how releases ended.
const releases = `
CREATE TABLE releases (
	board TEXT NOT NULL, build INTEGER NOT NULL, version TEXT NOT NULL, sha256 BLOB NOT NULL, size INTEGER NOT NULL, signed BLOB NOT NULL,
	widest INTEGER NOT NULL, ring INTEGER NOT NULL, paused TEXT NOT NULL, by_whom TEXT NOT NULL, at INTEGER NOT NULL,
	PRIMARY KEY (board, build)
) STRICT;
CREATE TABLE software (
	kiosk TEXT PRIMARY KEY NOT NULL, at INTEGER NOT NULL, own_ring INTEGER NOT NULL, assigned INTEGER NOT NULL, report BLOB, by_whom TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE ended (
	board TEXT NOT NULL, build INTEGER NOT NULL, kiosk TEXT NOT NULL, ring INTEGER NOT NULL, code TEXT NOT NULL, at INTEGER NOT NULL,
	PRIMARY KEY (board, build, kiosk)
) STRICT, WITHOUT ROWID;
`

// addReleases brings a file of schema 10 to 11.
func addReleases(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, releases)
	return err
}

// layers is what schema 12 adds: what operators set on kiosks from afar.
const layers = `
CREATE TABLE layers (
	scope TEXT NOT NULL, number INTEGER NOT NULL, content BLOB NOT NULL, by_whom TEXT NOT NULL, at INTEGER NOT NULL,
	PRIMARY KEY (scope, number)
) STRICT, WITHOUT ROWID;
`

// addLayers brings a file of schema 11 to 12.
func addLayers(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, layers)
	return err
}
