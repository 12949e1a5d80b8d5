package relational

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/penjire/penjire/sync/ledger"
)

const codeColumns = `id, kiosk, proof, chip, made, until, by_whom, taken,
	coalesce((SELECT min(issued) FROM certificates x WHERE x.code = c.id), 0)`

func scanCode(scan func(...any) error) (c ledger.Code, err error) {
	err = scan((*blob32)(&c.ID), &c.Kiosk, &c.Proof, &c.Chip, milli{&c.Made}, milli{&c.Until}, &c.By, milli{&c.Taken}, milli{&c.Used})
	return c, err
}

// NewCode implements ledger.Enrolment.
func (d *Store) NewCode(ctx context.Context, c ledger.Code) error {
	return d.update(ctx, "keep a one-time code", func(tx *tx) error {
		if c.Kiosk == "" || c.By == "" || !c.Until.After(c.Made) {
			return errors.New("a code is for a kiosk, by somebody, and for a time")
		}
		res, err := tx.exec(ctx,
			`INSERT INTO codes (id, kiosk, proof, chip, made, until, by_whom) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
			c.ID[:], c.Kiosk, c.Proof, flag(c.Chip), toMilli(c.Made), toMilli(c.Until), c.By)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(errors.New("the code is there already"), err)
		}
		return nil
	})
}

// Codes implements ledger.Enrolment.
func (d *Store) Codes(ctx context.Context, kiosk string) ([]ledger.Code, error) {
	rs, err := d.query(ctx, `SELECT `+codeColumns+` FROM codes c WHERE (?1 = '' OR kiosk = ?1) ORDER BY made DESC, id`, kiosk)
	out, err := rows(rs, err, func(rs *sql.Rows) (ledger.Code, error) { return scanCode(rs.Scan) })
	if err != nil {
		return nil, d.errorf("read one-time codes: %w", err)
	}
	return out, nil
}

// Code implements ledger.Enrolment.
func (d *Store) Code(ctx context.Context, id ledger.CodeID) (ledger.Code, error) {
	c, err := scanCode(d.row(ctx, `SELECT `+codeColumns+` FROM codes c WHERE id = ?`, id[:]).Scan)
	if err != nil {
		return ledger.Code{}, d.errorf("read a one-time code: %w", noRows(err))
	}
	return c, nil
}

// TakeBack implements ledger.Enrolment.
func (d *Store) TakeBack(ctx context.Context, id ledger.CodeID, at time.Time) error {
	return d.update(ctx, "take a one-time code back", func(tx *tx) error {
		c, err := tx.holdCode(ctx, id)
		if err != nil {
			return noRows(err)
		}
		if !c.Used.IsZero() || !c.Taken.IsZero() {
			return ledger.ErrNotFound
		}
		_, err = tx.exec(ctx, `UPDATE codes SET taken = ? WHERE id = ?`, toMilli(at), id[:])
		return err
	})
}

// holdCode makes others wait who want to use or end the same code, and reads it:
// in two steps, so that it is read as whoever held it left it.
func (t *tx) holdCode(ctx context.Context, id ledger.CodeID) (ledger.Code, error) {
	var taken int64
	if err := t.row(ctx, `SELECT taken FROM codes WHERE id = ?`+t.d.d.Lock, id[:]).Scan(&taken); err != nil {
		return ledger.Code{}, err
	}
	return scanCode(t.row(ctx, `SELECT `+codeColumns+` FROM codes c WHERE id = ?`, id[:]).Scan)
}

const certColumns = `serial, kiosk, use, key, begins, until, issued, der, code, earlier, revoked, reason, by_whom`

func scanCert(rs *sql.Rows) (c ledger.Certificate, err error) {
	var serial, code, earlier []byte
	err = rs.Scan(&serial, &c.Kiosk, &c.Use, (*blob32)(&c.Key), milli{&c.From}, milli{&c.Until}, milli{&c.Issued}, &c.DER,
		&code, &earlier, milli{&c.Revoked}, &c.Reason, &c.By)
	if err != nil {
		return c, err
	}
	if len(serial) != 20 || code != nil && len(code) != 32 || earlier != nil && len(earlier) != 20 {
		return c, fmt.Errorf("a certificate of %s: stored values of other lengths", c.Kiosk)
	}
	copy(c.Serial[:], serial)
	if code != nil {
		c.Code = (*ledger.CodeID)(code)
	}
	if earlier != nil {
		c.Earlier = (*[20]byte)(earlier)
	}
	return c, nil
}

// Issue implements ledger.Enrolment.
func (d *Store) Issue(ctx context.Context, a ledger.Asking, sign func(string, *ledger.Code, []ledger.Wanted) ([]ledger.Certificate, error)) (out []ledger.Certificate, err error) {
	err = d.update(ctx, "issue certificates", func(tx *tx) error {
		out = nil
		if (a.Code == nil) == (a.Earlier == nil) || len(a.Want) == 0 {
			return errors.New("a certificate is asked for by a code or by an earlier one")
		}
		kiosk, code, err := tx.asking(ctx, a)
		if err != nil {
			return err
		}
		have := make([]*ledger.Certificate, len(a.Want))
		var fresh []ledger.Wanted
		for i, w := range a.Want {
			if have[i], err = tx.issued(ctx, a, w); err != nil {
				return err
			}
			if have[i] == nil {
				fresh = append(fresh, w)
			}
		}
		if code != nil && a.At.After(code.Until) {
			if len(fresh) > 0 || a.At.After(code.Used.Add(a.Again)) {
				return ledger.ErrCodeExpired
			}
		}
		var made []ledger.Certificate
		if len(fresh) > 0 {
			if made, err = sign(kiosk, code, fresh); err != nil {
				return err
			}
			if len(made) != len(fresh) {
				return fmt.Errorf("%d certificates were made of %d", len(made), len(fresh))
			}
		}
		for i := range have {
			if have[i] == nil {
				c := made[0]
				made = made[1:]
				c.Kiosk, c.Issued, c.Code, c.Earlier = kiosk, a.At, a.Code, a.Earlier
				if err := tx.keepCert(ctx, c); err != nil {
					return err
				}
				have[i] = &c
			}
			out = append(out, *have[i])
		}
		return nil
	})
	return out, err
}

// asking holds what certificates are asked for by, and says for which kiosk.
func (t *tx) asking(ctx context.Context, a ledger.Asking) (string, *ledger.Code, error) {
	if a.Code == nil {
		revoked, err := certRevoked(t.row(ctx, certRevokedQuery+t.d.d.Lock, a.Earlier[:]))
		if err == nil && revoked {
			err = ledger.ErrCertRevoked
		}
		return a.Kiosk, nil, err
	}
	c, err := t.holdCode(ctx, *a.Code)
	switch {
	case errors.Is(err, sql.ErrNoRows), err == nil && !c.Taken.IsZero():
		return "", nil, ledger.ErrNoCode
	case err != nil:
		return "", nil, err
	}
	return c.Kiosk, &c, nil
}

// issued returns the certificate that was issued before for the same; nil: none was.
func (t *tx) issued(ctx context.Context, a ledger.Asking, w ledger.Wanted) (*ledger.Certificate, error) {
	query, args := `SELECT `+certColumns+` FROM certificates WHERE code = ? AND use = ?`, []any{nil, w.Use}
	if a.Code != nil {
		args[0] = a.Code[:]
	} else {
		query, args = `SELECT `+certColumns+` FROM certificates WHERE earlier = ? AND use = ? AND key = ?`, []any{a.Earlier[:], w.Use, w.Key[:]}
	}
	rs, err := t.query(ctx, query, args...)
	all, err := rows(rs, err, scanCert)
	switch {
	case err != nil:
		return nil, err
	case len(all) == 0:
		return nil, nil
	case all[0].Key != w.Key:
		return nil, ledger.ErrCodeUsed
	case !all[0].Revoked.IsZero():
		return nil, ledger.ErrCertRevoked
	}
	return &all[0], nil
}

func (t *tx) keepCert(ctx context.Context, c ledger.Certificate) error {
	var code, earlier []byte
	if c.Code != nil {
		code = c.Code[:]
	}
	if c.Earlier != nil {
		earlier = c.Earlier[:]
	}
	_, err := t.exec(ctx, `INSERT INTO certificates (`+certColumns+`) VALUES (`+marks(13)+`)`,
		c.Serial[:], c.Kiosk, c.Use, c.Key[:], toMilli(c.From), toMilli(c.Until), toMilli(c.Issued), c.DER, code, earlier, int64(0), "", "")
	return err
}

// Certificates implements ledger.Enrolment.
func (d *Store) Certificates(ctx context.Context, kiosk string) ([]ledger.Certificate, error) {
	rs, err := d.query(ctx, `SELECT `+certColumns+` FROM certificates WHERE (?1 = '' OR kiosk = ?1) ORDER BY issued DESC, serial`, kiosk)
	out, err := rows(rs, err, scanCert)
	if err != nil {
		return nil, d.errorf("read the kiosks' certificates: %w", err)
	}
	return out, nil
}

const certRevokedQuery = `SELECT revoked FROM certificates WHERE serial = ?`

func certRevoked(r *sql.Row) (bool, error) {
	var at int64
	err := r.Scan(&at)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return at != 0, err
}

// CertRevoked implements ledger.Enrolment.
func (d *Store) CertRevoked(ctx context.Context, serial [20]byte) (bool, error) {
	yes, err := certRevoked(d.row(ctx, certRevokedQuery, serial[:]))
	if err != nil {
		return false, d.errorf("look for a revoked certificate: %w", err)
	}
	return yes, nil
}

// RevokeKiosk implements ledger.Enrolment.
func (d *Store) RevokeKiosk(ctx context.Context, kiosk string, at time.Time, reason, by string) (n int, err error) {
	err = d.update(ctx, "revoke a kiosk", func(tx *tx) error {
		if reason == "" || by == "" {
			return errors.New("a revocation has a reason and says who revoked")
		}
		// Codes are held first: who is just using one ends before, and what it brought
		// is revoked too.
		rs, err := tx.query(ctx, `SELECT id FROM codes WHERE kiosk = ? ORDER BY id`+tx.d.d.Lock, kiosk)
		if _, err := rows(rs, err, func(*sql.Rows) (struct{}, error) { return struct{}{}, nil }); err != nil {
			return err
		}
		if _, err := tx.exec(ctx, `UPDATE codes SET taken = ? WHERE kiosk = ? AND taken = 0
			AND NOT EXISTS (SELECT 1 FROM certificates x WHERE x.code = codes.id)`, toMilli(at), kiosk); err != nil {
			return err
		}
		res, err := tx.exec(ctx, `UPDATE certificates SET revoked = ?, reason = ?, by_whom = ? WHERE kiosk = ? AND revoked = 0`,
			toMilli(at), reason, by, kiosk)
		if err != nil {
			return err
		}
		count, err := res.RowsAffected()
		if err == nil && count == 0 {
			err = ledger.ErrNotFound
		}
		n = int(count)
		return err
	})
	return n, err
}
