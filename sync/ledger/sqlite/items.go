package sqlite

import (
	"context"
	"database/sql"
)

// items are the items in the schema of today. Each kiosk's are numbered apart, by
// its row in counters; before schema 9 the file numbered all of them in one row.
const (
	counters = `
CREATE TABLE counters (kiosk TEXT PRIMARY KEY NOT NULL, last INTEGER NOT NULL) STRICT, WITHOUT ROWID;
`
	items = `
CREATE TABLE items (
	kiosk TEXT NOT NULL, id INTEGER NOT NULL, -- '' is every kiosk
	kind INTEGER NOT NULL, version INTEGER NOT NULL DEFAULT 0,
	doc BLOB NOT NULL, stage TEXT NOT NULL, at INTEGER NOT NULL, bytes BLOB NOT NULL,
	acked INTEGER NOT NULL DEFAULT 0, -- when the kiosk said that it has it
	PRIMARY KEY (kiosk, id)
) STRICT;
CREATE INDEX items_doc ON items (doc);
`
)

// addNumbers brings a file of schema 8 to 9. No kiosk is given an ID again: each
// goes on where the file was.
func addNumbers(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, counters+`
		INSERT INTO counters SELECT k, seq FROM sqlite_sequence,
		  (SELECT '' AS k UNION SELECT id FROM kiosks UNION SELECT kiosk FROM items) WHERE name = 'items';
		DROP INDEX items_doc; DROP INDEX items_kiosk; ALTER TABLE items RENAME TO items_before;`+items+`
		INSERT INTO items SELECT kiosk, id, kind, version, doc, stage, at, bytes, acked FROM items_before;
		DROP TABLE items_before;`)
	return err
}
