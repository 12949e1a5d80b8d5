package relational

import (
	"bytes"
	"context"
	"database/sql"
	"time"

	"github.com/penjire/penjire/sync/ledger"
)

const releaseColumns = "board, build, version, sha256, size, signed, widest, ring, paused, by_whom, at"

func scanRelease(rs *sql.Rows) (r ledger.Release, err error) {
	err = rs.Scan(&r.Board, &r.Build, &r.Version, (*blob32)(&r.SHA256), &r.Size, &r.Signed, &r.Widest, &r.Ring, &r.Paused, &r.By, milli{&r.At})
	return r, err
}

// AddRelease implements ledger.Releases.
func (d *Store) AddRelease(ctx context.Context, r ledger.Release) error {
	return d.update(ctx, "add a release", func(tx *tx) error {
		build, err := toInt(r.Build)
		if err != nil {
			return err
		}
		if _, err := tx.exec(ctx, `INSERT INTO releases (`+releaseColumns+`) VALUES (`+marks(11)+`) ON CONFLICT (board, build) DO NOTHING`,
			r.Board, build, r.Version, r.SHA256[:], r.Size, r.Signed, r.Widest, 0, "", r.By, toMilli(r.At)); err != nil {
			return err
		}
		var signed []byte
		if err := tx.row(ctx, `SELECT signed FROM releases WHERE board = ? AND build = ?`, r.Board, build).Scan(&signed); err != nil {
			return err
		}
		if !bytes.Equal(signed, r.Signed) {
			return ledger.ErrRelease
		}
		return nil
	})
}

// Releases implements ledger.Releases.
func (d *Store) Releases(ctx context.Context) ([]ledger.Release, error) {
	rs, err := d.query(ctx, `SELECT `+releaseColumns+` FROM releases ORDER BY board, build DESC`)
	out, err := rows(rs, err, scanRelease)
	if err != nil {
		return nil, d.errorf("read releases: %w", err)
	}
	return out, nil
}

// SetRelease implements ledger.Releases.
func (d *Store) SetRelease(ctx context.Context, board string, build uint64, ring uint8, paused, by string, at time.Time) error {
	return d.update(ctx, "change a release", func(tx *tx) error {
		b, err := toInt(build)
		if err != nil {
			return err
		}
		res, err := tx.exec(ctx, `UPDATE releases SET ring = ?, paused = ?, by_whom = ?, at = ? WHERE board = ? AND build = ?`,
			ring, paused, by, toMilli(at), board, b)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return noRows(errOr(err, sql.ErrNoRows))
		}
		return nil
	})
}

func errOr(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

const softwareColumns = "kiosk, at, own_ring, assigned, report, by_whom"

// AssignRing implements ledger.Releases.
func (d *Store) AssignRing(ctx context.Context, kiosk string, ring uint8, by string, at time.Time) error {
	return d.update(ctx, "put a kiosk into a ring", func(tx *tx) error {
		_, err := tx.exec(ctx, `INSERT INTO software (`+softwareColumns+`) VALUES (?, ?, 0, ?, NULL, ?)
			ON CONFLICT (kiosk) DO UPDATE SET assigned = excluded.assigned, by_whom = excluded.by_whom`, kiosk, toMilli(at), ring, by)
		return err
	})
}

// Reported implements ledger.Releases.
func (d *Store) Reported(ctx context.Context, s ledger.Software, e *ledger.Ended) (ledger.Software, error) {
	err := d.update(ctx, "keep what a kiosk says of its software", func(tx *tx) error {
		if _, err := tx.exec(ctx, `INSERT INTO software (`+softwareColumns+`) VALUES (?, ?, ?, 0, ?, '')
			ON CONFLICT (kiosk) DO UPDATE SET at = excluded.at, own_ring = excluded.own_ring, report = excluded.report`,
			s.Kiosk, toMilli(s.At), s.OwnRing, s.Report); err != nil {
			return err
		}
		if err := tx.row(ctx, `SELECT assigned FROM software WHERE kiosk = ?`, s.Kiosk).Scan(&s.Assigned); err != nil || e == nil {
			return err
		}
		build, err := toInt(e.Build)
		if err != nil {
			return err
		}
		_, err = tx.exec(ctx, `INSERT INTO ended (`+endedColumns+`) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT (board, build, kiosk) DO UPDATE SET ring = excluded.ring, code = excluded.code, at = excluded.at
			WHERE ended.code != excluded.code`, e.Board, build, e.Kiosk, s.Ring(), e.Code, toMilli(e.At))
		return err
	})
	return s, err
}

// Software implements ledger.Releases.
func (d *Store) Software(ctx context.Context) ([]ledger.Software, error) {
	rs, err := d.query(ctx, `SELECT kiosk, at, own_ring, assigned, report FROM software ORDER BY kiosk`)
	out, err := rows(rs, err, func(rs *sql.Rows) (s ledger.Software, err error) {
		err = rs.Scan(&s.Kiosk, milli{&s.At}, &s.OwnRing, &s.Assigned, &s.Report)
		return s, err
	})
	if err != nil {
		return nil, d.errorf("read what kiosks say of their software: %w", err)
	}
	return out, nil
}

const endedColumns = "board, build, kiosk, ring, code, at"

// Ended implements ledger.Releases.
func (d *Store) Ended(ctx context.Context) ([]ledger.Ended, error) {
	rs, err := d.query(ctx, `SELECT `+endedColumns+` FROM ended ORDER BY board, build, kiosk`)
	out, err := rows(rs, err, func(rs *sql.Rows) (e ledger.Ended, err error) {
		err = rs.Scan(&e.Board, &e.Build, &e.Kiosk, &e.Ring, &e.Code, milli{&e.At})
		return e, err
	})
	if err != nil {
		return nil, d.errorf("read how releases ended: %w", err)
	}
	return out, nil
}
