package sqlite

import (
	"context"
	"database/sql"

	"github.com/penjire/penjire/sync/edoc/seal"
)

// addCheckNumbers brings a file of schema 1 to 2: the check number of each seal
// stands in a column of its own, to be found by.
func addCheckNumbers(ctx context.Context, tx *sql.Tx) error {
	if _, err := tx.ExecContext(ctx,
		`ALTER TABLE requests ADD COLUMN answer_check TEXT NOT NULL DEFAULT '';
		 CREATE INDEX requests_check ON requests (answer_check) WHERE answer_check != ''`); err != nil {
		return err
	}
	rs, err := tx.QueryContext(ctx, `SELECT DISTINCT answer_seal FROM requests WHERE answer_seal != ''`)
	seals, err := rows(rs, err, func(rs *sql.Rows) (s string, err error) {
		err = rs.Scan(&s)
		return s, err
	})
	if err != nil {
		return err
	}
	for _, url := range seals {
		s, err := seal.Parse(url)
		if err != nil {
			continue // nobody can type the number of it; Check tells of it
		}
		if _, err := tx.ExecContext(ctx, `UPDATE requests SET answer_check = ? WHERE answer_seal = ?`, s.CheckNumber(), url); err != nil {
			return err
		}
	}
	return nil
}
