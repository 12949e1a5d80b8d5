package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/penjire/penjire/sync/ledger"
)

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

// count adds what is new of a frame to its hour: one row for all of it.
func count(ctx context.Context, tx *sql.Tx, kiosk string, at time.Time, recs []ledger.Incoming, out []ledger.Outcome) error {
	var records, bytes int64
	for i, o := range out {
		if o.New {
			records++
			bytes += int64(len(recs[i].Sealed))
		}
	}
	if records == 0 {
		return nil
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO traffic (kiosk, hour, records, bytes) VALUES (?, ?, ?, ?)
		ON CONFLICT (kiosk, hour) DO UPDATE SET records = records + excluded.records, bytes = bytes + excluded.bytes`,
		kiosk, toMilli(at.UTC().Truncate(time.Hour)), records, bytes)
	return err
}

// Traffic implements ledger.Ledger.
func (d *DB) Traffic(ctx context.Context, kiosk string, since time.Time) ([]ledger.Traffic, error) {
	from := toMilli(since.UTC().Truncate(time.Hour))
	query, args := `SELECT kiosk, hour, records, bytes FROM traffic WHERE kiosk = ? AND hour >= ? ORDER BY hour`, []any{kiosk, from}
	if kiosk == "" {
		// Kiosk by kiosk: what is old is passed by without being read.
		query = `SELECT t.kiosk, t.hour, t.records, t.bytes FROM kiosks k
			JOIN traffic t ON t.kiosk = k.id AND t.hour >= ? ORDER BY t.kiosk, t.hour`
		args = []any{from}
	}
	rs, err := d.r.QueryContext(ctx, query, args...)
	out, err := rows(rs, err, func(rs *sql.Rows) (t ledger.Traffic, err error) {
		err = rs.Scan(&t.Kiosk, milli{&t.Hour}, &t.Records, &t.Bytes)
		return t, err
	})
	if err != nil {
		return nil, fmt.Errorf("sqlite: read what kiosks brought: %w", err)
	}
	return out, nil
}
