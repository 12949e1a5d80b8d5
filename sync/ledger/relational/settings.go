package relational

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/penjire/penjire/sync/ledger"
)

const layerColumns = "scope, number, content, by_whom, at"

// AddLayer implements ledger.Settings.
func (d *Store) AddLayer(ctx context.Context, l ledger.Layer) (n uint64, err error) {
	err = d.update(ctx, "keep settings", func(tx *tx) error {
		if err := hold(ctx, tx, ""); err != nil {
			return err
		}
		if err := tx.row(ctx, `SELECT coalesce(max(number), 0) + 1 FROM layers WHERE scope = ?`, l.Scope).Scan(&n); err != nil {
			return err
		}
		if l.Number != 0 && l.Number != n {
			return ledger.ErrLayer
		}
		number, err := toInt(n)
		if err != nil {
			return err
		}
		_, err = tx.exec(ctx, `INSERT INTO layers (`+layerColumns+`) VALUES (`+marks(5)+`)`, l.Scope, number, l.Values, l.By, toMilli(l.At))
		return err
	})
	return n, err
}

// Layers implements ledger.Settings.
func (d *Store) Layers(ctx context.Context) ([]ledger.Layer, error) {
	rs, err := d.query(ctx, `SELECT `+layerColumns+` FROM layers ORDER BY scope, number DESC`)
	out, err := rows(rs, err, func(rs *sql.Rows) (l ledger.Layer, err error) {
		err = rs.Scan(&l.Scope, &l.Number, &l.Values, &l.By, milli{&l.At})
		return l, err
	})
	if err != nil {
		return nil, d.errorf("read settings: %w", err)
	}
	return out, nil
}

const lastSettings = `SELECT version, bytes FROM items WHERE kiosk = ? AND kind = ? ORDER BY id DESC LIMIT 1`

// PutSettings implements ledger.Settings.
func (d *Store) PutSettings(ctx context.Context, kiosk string, version uint64, at time.Time, signed []byte) error {
	return d.update(ctx, "put settings among the items", func(tx *tx) error {
		v, err := toInt(version)
		if err != nil {
			return err
		}
		id, err := nextItem(ctx, tx, kiosk, at, 1) // it holds the kiosk's row
		if err != nil {
			return err
		}
		var last sql.NullInt64
		if err := tx.row(ctx, `SELECT max(version) FROM items WHERE kiosk = ? AND kind = ?`, kiosk, ledger.ItemSettings).Scan(&last); err != nil {
			return err
		}
		if last.Valid && v <= last.Int64 {
			return fmt.Errorf("version %d is not above %d", v, last.Int64)
		}
		_, err = tx.exec(ctx, `INSERT INTO items (id, kiosk, kind, version, doc, stage, at, bytes) VALUES (?, ?, ?, ?, ?, '', ?, ?)`,
			id, kiosk, ledger.ItemSettings, v, make([]byte, 32), toMilli(at), signed)
		return err
	})
}

// LastSettings implements ledger.Settings.
func (d *Store) LastSettings(ctx context.Context, kiosk string) (version uint64, signed []byte, err error) {
	if err := d.row(ctx, lastSettings, kiosk, ledger.ItemSettings).Scan(&version, &signed); err != nil {
		return 0, nil, d.errorf("read the settings of a kiosk: %w", noRows(err))
	}
	return version, signed, nil
}

// SettingsRefused implements ledger.Settings. The stage of an item is what it makes of a
// request; settings are of none.
func (d *Store) SettingsRefused(ctx context.Context, kiosk string, version uint64, code string) error {
	return d.update(ctx, "note that settings were refused", func(tx *tx) error {
		v, err := toInt(version)
		if err != nil {
			return err
		}
		_, err = tx.exec(ctx, `UPDATE items SET stage = ? WHERE kiosk = ? AND kind = ? AND version = ?`, code, kiosk, ledger.ItemSettings, v)
		return err
	})
}

// GivenSettings implements ledger.Settings.
func (d *Store) GivenSettings(ctx context.Context) ([]ledger.Given, error) {
	rs, err := d.query(ctx, `SELECT i.kiosk, i.version, i.at, i.acked, i.stage, i.bytes FROM items i
		JOIN (SELECT kiosk, max(id) AS id FROM items WHERE kind = ? GROUP BY kiosk) l ON l.kiosk = i.kiosk AND l.id = i.id
		ORDER BY i.kiosk`, ledger.ItemSettings)
	out, err := rows(rs, err, func(rs *sql.Rows) (g ledger.Given, err error) {
		err = rs.Scan(&g.Kiosk, &g.Version, milli{&g.At}, milli{&g.Acked}, &g.Refused, &g.Signed)
		return g, err
	})
	if err != nil {
		return nil, d.errorf("read what kiosks were given of settings: %w", err)
	}
	return out, nil
}
