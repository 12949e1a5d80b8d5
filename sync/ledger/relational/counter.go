package relational

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// A kiosk's row in counters says which ID its last item got, and is what a
// transaction holds that changes something of the kiosk as a whole. Who holds it
// ends before the next one gets it: IDs become visible in the order they rise in,
// and a kiosk that has stored one was sent all below it. The row of the kiosk ''
// is for what goes to all.

// nextItem gives the first of n IDs for items of a kiosk, one after the other: above every ID before it, and no
// lower than the time. A counter alone would give IDs again after the database was
// restored from a backup, and kiosks that have stored those would never be sent
// what stands under them now (WIRE-SES-20).
func nextItem(ctx context.Context, tx *tx, kiosk string, at time.Time, n int) (first int64, err error) {
	const next = `UPDATE counters SET last = CASE WHEN last >= ?1 THEN last + ?3 ELSE ?1 + ?3 - 1 END WHERE kiosk = ?2 RETURNING last + 1 - ?3`
	err = tx.row(ctx, next, toMilli(at), kiosk, n).Scan(&first)
	if !errors.Is(err, sql.ErrNoRows) {
		return first, err
	}
	if err := hold(ctx, tx, kiosk); err != nil {
		return 0, err
	}
	err = tx.row(ctx, next, toMilli(at), kiosk, n).Scan(&first)
	return first, err
}

// nextBroadcast gives the ID of an item for all kiosks, which is above the last
// one of each, and holds every counter until the end.
func nextBroadcast(ctx context.Context, tx *tx, at time.Time) (int64, error) {
	if err := hold(ctx, tx, ""); err != nil {
		return 0, err
	}
	rs, err := tx.query(ctx, `SELECT last FROM counters ORDER BY kiosk`+tx.d.d.Lock)
	all, err := rows(rs, err, func(rs *sql.Rows) (n int64, err error) {
		err = rs.Scan(&n)
		return n, err
	})
	if err != nil {
		return 0, err
	}
	id := toMilli(at)
	for _, n := range all {
		id = max(id, n+1)
	}
	_, err = tx.exec(ctx, `UPDATE counters SET last = ?`, id)
	return id, err
}

// hold makes others wait who want to hold the same kiosk, until this transaction
// ends. A new counter begins where the broadcasts are: none can be given between.
func hold(ctx context.Context, tx *tx, kiosk string) error {
	const lock = `SELECT last FROM counters WHERE kiosk = ?`
	var last int64
	err := tx.row(ctx, lock+tx.d.d.Lock, kiosk).Scan(&last)
	if !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if kiosk != "" {
		if err := hold(ctx, tx, ""); err != nil {
			return err
		}
		if err := tx.row(ctx, lock, "").Scan(&last); err != nil {
			return err
		}
	}
	if _, err := tx.exec(ctx, `INSERT INTO counters (kiosk, last) VALUES (?, ?) ON CONFLICT DO NOTHING`, kiosk, last); err != nil {
		return err
	}
	return tx.row(ctx, lock+tx.d.d.Lock, kiosk).Scan(&last)
}

// Surpass implements ledger.Ledger.
func (d *Store) Surpass(ctx context.Context, kiosk string, id uint64) (behind bool, err error) {
	n, err := toInt(id)
	if err != nil {
		return false, d.errorf("number items anew: %w", err)
	}
	err = d.update(ctx, "number items anew", func(tx *tx) error {
		behind = false // of an earlier try
		if err := hold(ctx, tx, kiosk); err != nil {
			return err
		}
		var last int64
		if err := tx.row(ctx, `SELECT last FROM counters WHERE kiosk = ?`, kiosk).Scan(&last); err != nil || last >= n {
			return err
		}
		behind = true
		rs, err := tx.query(ctx, `SELECT id FROM items WHERE kiosk = ? AND acked = 0 AND id <= ? ORDER BY id`, kiosk, n)
		low, err := rows(rs, err, func(rs *sql.Rows) (id int64, err error) {
			err = rs.Scan(&id)
			return id, err
		})
		if err != nil {
			return err
		}
		for i, id := range low {
			if _, err := tx.exec(ctx, `UPDATE items SET id = ? WHERE kiosk = ? AND id = ?`, n+1+int64(i), kiosk, id); err != nil {
				return err
			}
		}
		_, err = tx.exec(ctx, `UPDATE counters SET last = ? WHERE kiosk = ?`, n+int64(len(low)), kiosk)
		return err
	})
	return behind && err == nil, err
}
