package relational

import (
	"context"

	"github.com/penjire/penjire/sync/ledger"
)

// KeepDictionary implements ledger.Ledger.
func (d *Store) KeepDictionary(ctx context.Context, id uint32, b []byte) error {
	return d.update(ctx, "keep a dictionary", func(tx *tx) error {
		_, err := tx.exec(ctx, `INSERT INTO dictionaries (id, bytes) VALUES (?, ?) ON CONFLICT DO NOTHING`, id, b)
		return err
	})
}

// Dictionary implements ledger.Ledger.
func (d *Store) Dictionary(ctx context.Context, id uint32) ([]byte, error) {
	var b []byte
	if err := d.row(ctx, `SELECT bytes FROM dictionaries WHERE id = ?`, id).Scan(&b); err != nil {
		return nil, d.errorf("read a dictionary: %w", noRows(err))
	}
	return b, nil
}

// AwaitDictionary implements ledger.Ledger.
func (d *Store) AwaitDictionary(ctx context.Context, k ledger.Key, id uint32) error {
	return d.update(ctx, "have a record wait for its dictionary", func(tx *tx) error {
		seq, err := toInt(k.Seq)
		if err != nil {
			return err
		}
		var record int64
		if err := tx.row(ctx, `SELECT id FROM records WHERE kiosk = ? AND epoch = ? AND seq = ? AND digest = ? AND doc = ?`,
			k.Kiosk, k.Epoch[:], seq, k.Digest[:], k.Doc[:]).Scan(&record); err != nil {
			return noRows(err)
		}
		_, err = tx.exec(ctx, `INSERT INTO awaiting (record, dictionary) VALUES (?, ?)
			ON CONFLICT (record) DO UPDATE SET dictionary = excluded.dictionary`, record, id)
		return err
	})
}
