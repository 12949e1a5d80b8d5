package sqlite

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/penjire/penjire/sync/ledger"
)

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

// KeepDictionary implements ledger.Ledger.
func (d *DB) KeepDictionary(ctx context.Context, id uint32, b []byte) error {
	return d.update(ctx, "keep a dictionary", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO dictionaries (id, bytes) VALUES (?, ?) ON CONFLICT DO NOTHING`, id, b)
		return err
	})
}

// Dictionary implements ledger.Ledger.
func (d *DB) Dictionary(ctx context.Context, id uint32) ([]byte, error) {
	var b []byte
	if err := d.r.QueryRowContext(ctx, `SELECT bytes FROM dictionaries WHERE id = ?`, id).Scan(&b); err != nil {
		return nil, fmt.Errorf("sqlite: read a dictionary: %w", noRows(err))
	}
	return b, nil
}

// AwaitDictionary implements ledger.Ledger.
func (d *DB) AwaitDictionary(ctx context.Context, k ledger.Key, id uint32) error {
	return d.update(ctx, "have a record wait for its dictionary", func(tx *sql.Tx) error {
		seq, err := toInt(k.Seq)
		if err != nil {
			return err
		}
		var record int64
		if err := tx.QueryRowContext(ctx, `SELECT id FROM records WHERE kiosk = ? AND epoch = ? AND seq = ? AND digest = ?`,
			k.Kiosk, k.Epoch[:], seq, k.Digest[:]).Scan(&record); err != nil {
			return noRows(err)
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO awaiting (record, dictionary) VALUES (?, ?)
			ON CONFLICT (record) DO UPDATE SET dictionary = excluded.dictionary`, record, id)
		return err
	})
}
