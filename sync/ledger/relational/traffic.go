package relational

import (
	"context"
	"database/sql"
	"time"

	"github.com/penjire/penjire/sync/ledger"
)

// count adds what is new of a frame to its hour: one row for all of it.
func count(ctx context.Context, tx *tx, kiosk string, at time.Time, recs []ledger.Incoming, out []ledger.Outcome) error {
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
	_, err := tx.exec(ctx, `INSERT INTO traffic (kiosk, hour, records, bytes) VALUES (?, ?, ?, ?)
		ON CONFLICT (kiosk, hour) DO UPDATE SET records = traffic.records + excluded.records, bytes = traffic.bytes + excluded.bytes`,
		kiosk, toMilli(at.UTC().Truncate(time.Hour)), records, bytes)
	return err
}

// Traffic implements ledger.Ledger.
func (d *Store) Traffic(ctx context.Context, kiosk string, since time.Time) ([]ledger.Traffic, error) {
	from := toMilli(since.UTC().Truncate(time.Hour))
	query, args := `SELECT kiosk, hour, records, bytes FROM traffic WHERE kiosk = ? AND hour >= ? ORDER BY hour`, []any{kiosk, from}
	if kiosk == "" {
		// Kiosk by kiosk: what is old is passed by without being read.
		query = `SELECT t.kiosk, t.hour, t.records, t.bytes FROM kiosks k
			JOIN traffic t ON t.kiosk = k.id AND t.hour >= ? ORDER BY t.kiosk, t.hour`
		args = []any{from}
	}
	rs, err := d.query(ctx, query, args...)
	out, err := rows(rs, err, func(rs *sql.Rows) (t ledger.Traffic, err error) {
		err = rs.Scan(&t.Kiosk, milli{&t.Hour}, &t.Records, &t.Bytes)
		return t, err
	})
	if err != nil {
		return nil, d.errorf("read what kiosks brought: %w", err)
	}
	return out, nil
}
