package relational

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"slices"

	"github.com/penjire/penjire/sync/ledger"
)

// RevokeSeal implements ledger.Ledger.
func (d *Store) RevokeSeal(ctx context.Context, r ledger.Revocation) error {
	return d.update(ctx, "revoke a seal", func(tx *tx) error {
		if !slices.Contains(ledger.RevokeReasons, r.Reason) || r.By == "" {
			return errors.New("a revocation has a reason and says who revoked")
		}
		var agency, seal string
		if err := tx.row(ctx, `SELECT agency, answer_seal FROM requests WHERE doc = ?`, r.Doc[:]).Scan(&agency, &seal); err != nil {
			return noRows(err)
		}
		if seal == "" || agency != r.Agency {
			return ledger.ErrNotFound
		}
		res, err := tx.exec(ctx,
			`INSERT INTO revoked_seals (seal, doc, agency, reason, by_whom, at) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
			r.Seal[:], r.Doc[:], r.Agency, r.Reason, r.By, toMilli(r.At))
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(ledger.ErrRevoked, err)
		}
		return nil
	})
}

// RevokedSeals implements ledger.Ledger.
func (d *Store) RevokedSeals(ctx context.Context) ([]ledger.Revocation, error) {
	rs, err := d.query(ctx, `SELECT seal, doc, agency, reason, by_whom, at FROM revoked_seals ORDER BY at, seal`)
	all, err := rows(rs, err, func(rs *sql.Rows) (r ledger.Revocation, err error) {
		var seal []byte
		var at int64
		err = rs.Scan(&seal, (*blob32)(&r.Doc), &r.Agency, &r.Reason, &r.By, &at)
		copy(r.Seal[:], seal)
		r.At = fromMilli(at)
		return r, err
	})
	if err != nil {
		return nil, d.errorf("list revoked seals: %w", err)
	}
	return all, nil
}

// ByAnswer implements ledger.Ledger.
func (d *Store) ByAnswer(ctx context.Context, prefix []byte) ([]ledger.Request, error) {
	if len(prefix) < 8 || len(prefix) > 32 {
		return nil, d.errorf("find an answer: got %d bytes of its identity, want 8 to 32", len(prefix))
	}
	last := bytes.Repeat([]byte{0xff}, 32)
	copy(last, prefix)
	rs, err := d.query(ctx,
		`SELECT doc FROM requests WHERE answer_id IS NOT NULL AND answer_id BETWEEN ? AND ? ORDER BY doc`, prefix, last)
	docs, err := rows(rs, err, func(rs *sql.Rows) (d ledger.Doc, err error) {
		err = rs.Scan((*blob32)(&d))
		return d, err
	})
	if err != nil {
		return nil, d.errorf("find an answer: %w", err)
	}
	return d.all(ctx, docs)
}
