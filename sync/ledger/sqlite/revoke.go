package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/penjire/penjire/sync/ledger"
)

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

// RevokeSeal implements ledger.Ledger.
func (d *DB) RevokeSeal(ctx context.Context, r ledger.Revocation) error {
	return d.update(ctx, "revoke a seal", func(tx *sql.Tx) error {
		if !slices.Contains(ledger.RevokeReasons, r.Reason) || r.By == "" {
			return errors.New("a revocation has a reason and says who revoked")
		}
		var agency, seal string
		if err := tx.QueryRowContext(ctx, `SELECT agency, answer_seal FROM requests WHERE doc = ?`, r.Doc[:]).Scan(&agency, &seal); err != nil {
			return noRows(err)
		}
		if seal == "" || agency != r.Agency {
			return ledger.ErrNotFound
		}
		res, err := tx.ExecContext(ctx,
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
func (d *DB) RevokedSeals(ctx context.Context) ([]ledger.Revocation, error) {
	rs, err := d.r.QueryContext(ctx, `SELECT seal, doc, agency, reason, by_whom, at FROM revoked_seals ORDER BY at, seal`)
	all, err := rows(rs, err, func(rs *sql.Rows) (r ledger.Revocation, err error) {
		var seal []byte
		var at int64
		err = rs.Scan(&seal, (*blob32)(&r.Doc), &r.Agency, &r.Reason, &r.By, &at)
		copy(r.Seal[:], seal)
		r.At = fromMilli(at)
		return r, err
	})
	if err != nil {
		return nil, fmt.Errorf("sqlite: list revoked seals: %w", err)
	}
	return all, nil
}

// ByAnswer implements ledger.Ledger.
func (d *DB) ByAnswer(ctx context.Context, prefix []byte) ([]ledger.Request, error) {
	if len(prefix) < 8 || len(prefix) > 32 {
		return nil, fmt.Errorf("sqlite: find an answer: got %d bytes of its identity, want 8 to 32", len(prefix))
	}
	last := bytes.Repeat([]byte{0xff}, 32)
	copy(last, prefix)
	rs, err := d.r.QueryContext(ctx,
		`SELECT doc FROM requests WHERE answer_id IS NOT NULL AND answer_id BETWEEN ? AND ? ORDER BY doc`, prefix, last)
	docs, err := rows(rs, err, func(rs *sql.Rows) (d ledger.Doc, err error) {
		err = rs.Scan((*blob32)(&d))
		return d, err
	})
	if err != nil {
		return nil, fmt.Errorf("sqlite: find an answer: %w", err)
	}
	return d.all(ctx, docs)
}
