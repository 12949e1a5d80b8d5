package relational

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/penjire/penjire/sync/ledger"
)

// BeginUpload implements ledger.Uploads.
func (d *Store) BeginUpload(ctx context.Context, kiosk string, u ledger.Upload, q ledger.Quota) (have int64, err error) {
	err = d.update(ctx, "begin an upload", func(tx *tx) error {
		have = 0
		var size int64
		err := tx.row(ctx, `SELECT size, have FROM uploads WHERE kiosk = ? AND digest = ?`, kiosk, u.Digest[:]).Scan(&size, &have)
		switch {
		case err == nil && size == u.Size:
			return nil
		case err == nil:
			have = 0
			if err := endUpload(ctx, tx, kiosk, u.Digest); err != nil {
				return err
			}
		case !errors.Is(err, sql.ErrNoRows):
			return err
		}
		if err := uploadRoom(ctx, tx, kiosk, u, q); err != nil {
			return err
		}
		_, err = tx.exec(ctx, `INSERT INTO uploads (kiosk, digest, size, have, at) VALUES (?, ?, ?, 0, ?)`,
			kiosk, u.Digest[:], u.Size, toMilli(u.At))
		return err
	})
	return have, err
}

// uploadRoom makes room for u: uploads that rest go, the oldest first.
func uploadRoom(ctx context.Context, tx *tx, kiosk string, u ledger.Upload, q ledger.Quota) error {
	others, err := uploads(tx.query(ctx, uploadsQuery, kiosk))
	if err != nil {
		return err
	}
	bytes := u.Size
	for _, o := range others {
		bytes += o.Size
	}
	for len(others) >= q.Uploads || bytes > q.Bytes {
		if len(others) == 0 || u.At.Sub(others[0].At) < q.Rest {
			return ledger.ErrQuota
		}
		if err := endUpload(ctx, tx, kiosk, others[0].Digest); err != nil {
			return err
		}
		bytes -= others[0].Size
		others = others[1:]
	}
	return nil
}

const uploadsQuery = `SELECT digest, size, have, at FROM uploads WHERE kiosk = ? ORDER BY at, digest`

func uploads(rs *sql.Rows, err error) ([]ledger.Upload, error) {
	return rows(rs, err, func(rs *sql.Rows) (u ledger.Upload, err error) {
		err = rs.Scan((*blob32)(&u.Digest), &u.Size, &u.Have, milli{&u.At})
		return u, err
	})
}

// Uploads implements ledger.Uploads.
func (d *Store) Uploads(ctx context.Context, kiosk string) ([]ledger.Upload, error) {
	out, err := uploads(d.query(ctx, uploadsQuery, kiosk))
	if err != nil {
		return nil, d.errorf("read uploads: %w", err)
	}
	return out, nil
}

// AppendUpload implements ledger.Uploads.
func (d *Store) AppendUpload(ctx context.Context, kiosk string, digest [32]byte, offset int64, b []byte, at time.Time) (have int64, err error) {
	err = d.update(ctx, "add to an upload", func(tx *tx) error {
		// Two sessions of one kiosk may be at two portals: each holds the upload first.
		var size int64
		if err := tx.row(ctx, `SELECT size, have FROM uploads WHERE kiosk = ? AND digest = ?`+tx.d.d.Lock, kiosk, digest[:]).Scan(&size, &have); err != nil {
			return noRows(err)
		}
		end := offset + int64(len(b))
		if offset < 0 || offset > have || end <= have || end > size {
			return nil
		}
		rest := b[have-offset:]
		if _, err := tx.exec(ctx, `UPDATE uploads SET have = ?, at = ? WHERE kiosk = ? AND digest = ?`, end, toMilli(at), kiosk, digest[:]); err != nil {
			return err
		}
		if _, err := tx.exec(ctx, `INSERT INTO chunks (kiosk, digest, begins, bytes) VALUES (?, ?, ?, ?)`, kiosk, digest[:], have, rest); err != nil {
			return err
		}
		have = end
		return nil
	})
	return have, err
}

// ReadUpload implements ledger.Uploads.
func (d *Store) ReadUpload(ctx context.Context, kiosk string, digest [32]byte) ([]byte, error) {
	var have int64
	if err := d.row(ctx, `SELECT have FROM uploads WHERE kiosk = ? AND digest = ?`, kiosk, digest[:]).Scan(&have); err != nil {
		return nil, d.errorf("read an upload: %w", noRows(err))
	}
	out := make([]byte, 0, have)
	rs, err := d.query(ctx, `SELECT begins, bytes FROM chunks WHERE kiosk = ? AND digest = ? ORDER BY begins`, kiosk, digest[:])
	_, err = rows(rs, err, func(rs *sql.Rows) (struct{}, error) {
		var begins int64
		var b sql.RawBytes
		if err := rs.Scan(&begins, &b); err != nil {
			return struct{}{}, err
		}
		if begins != int64(len(out)) {
			return struct{}{}, fmt.Errorf("bytes at %d where those at %d should be", begins, len(out))
		}
		out = append(out, b...)
		return struct{}{}, nil
	})
	if err != nil {
		return nil, d.errorf("read an upload: %w", err)
	}
	return out, nil
}

// EndUpload implements ledger.Uploads.
func (d *Store) EndUpload(ctx context.Context, kiosk string, digest [32]byte) error {
	return d.update(ctx, "end an upload", func(tx *tx) error { return endUpload(ctx, tx, kiosk, digest) })
}

// endUpload takes the upload first: whoever adds to it just now ends before, and
// what is added goes too.
func endUpload(ctx context.Context, tx *tx, kiosk string, digest [32]byte) error {
	for _, table := range []string{"uploads", "chunks"} {
		if _, err := tx.exec(ctx, `DELETE FROM `+table+` WHERE kiosk = ? AND digest = ?`, kiosk, digest[:]); err != nil {
			return err
		}
	}
	return nil
}

// ForgetUploads implements ledger.Uploads.
func (d *Store) ForgetUploads(ctx context.Context, before time.Time) (n int, err error) {
	err = d.update(ctx, "forget uploads", func(tx *tx) error {
		type upload struct {
			kiosk  string
			digest [32]byte
		}
		// Held from here on: one that goes on just now is not old any more.
		rs, err := tx.query(ctx, `SELECT kiosk, digest FROM uploads WHERE at < ? ORDER BY kiosk, digest`+tx.d.d.Lock, toMilli(before))
		old, err := rows(rs, err, func(rs *sql.Rows) (u upload, err error) {
			err = rs.Scan(&u.kiosk, (*blob32)(&u.digest))
			return u, err
		})
		if err != nil {
			return err
		}
		for _, u := range old {
			if err := endUpload(ctx, tx, u.kiosk, u.digest); err != nil {
				return err
			}
		}
		n = len(old)
		return nil
	})
	return n, err
}
