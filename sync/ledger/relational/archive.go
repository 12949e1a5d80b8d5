package relational

import (
	"context"
	"database/sql"
	"time"

	"github.com/penjire/penjire/sync/ledger"
)

// Published implements ledger.Ledger.
func (d *Store) Published(ctx context.Context, kind uint8, at time.Time) (ledger.Publication, error) {
	return d.published(ctx, `at <= ?2 ORDER BY version DESC LIMIT 1`, kind, toMilli(at))
}

// PublishedVersion implements ledger.Ledger.
func (d *Store) PublishedVersion(ctx context.Context, kind uint8, version uint64) (ledger.Publication, error) {
	v, err := toInt(version)
	if err != nil {
		return ledger.Publication{}, d.errorf("read a publication: %w", err)
	}
	return d.published(ctx, `version = ?2`, kind, v)
}

func (d *Store) published(ctx context.Context, where string, kind uint8, arg int64) (ledger.Publication, error) {
	var p ledger.Publication
	err := d.row(ctx, `SELECT version, at, bytes FROM published WHERE kind = ?1 AND `+where, kind, arg).
		Scan(&p.Version, milli{&p.At}, &p.Bytes)
	if err != nil {
		return ledger.Publication{}, d.errorf("read a publication: %w", noRows(err))
	}
	return p, nil
}

// RecordsAfter implements ledger.Ledger.
func (d *Store) RecordsAfter(ctx context.Context, after uint64, n int) ([]uint64, error) {
	a, err := toInt(after)
	if err != nil {
		return nil, d.errorf("list records: %w", err)
	}
	rs, err := d.query(ctx, `SELECT id FROM records WHERE id > ? ORDER BY id LIMIT ?`, a, n)
	out, err := rows(rs, err, func(rs *sql.Rows) (id uint64, err error) {
		err = rs.Scan(&id)
		return id, err
	})
	if err != nil {
		return nil, d.errorf("list records: %w", err)
	}
	return out, nil
}

// StoredRecord implements ledger.Ledger.
func (d *Store) StoredRecord(ctx context.Context, number uint64) (ledger.Stored, error) {
	fail := func(err error) (ledger.Stored, error) {
		return ledger.Stored{}, d.errorf("read record %d: %w", number, noRows(err))
	}
	n, err := toInt(number)
	if err != nil {
		return fail(err)
	}
	var s ledger.Stored
	err = d.row(ctx,
		`SELECT kiosk, epoch, seq, digest, doc, code, service, lang, channel, claimed, sent, received, sealed,
		   fork, state, reason, receipt, decided, decided_receipt FROM records WHERE id = ?`, n).
		Scan(&s.Kiosk, (*blob16)(&s.Epoch), &s.Seq, (*blob32)(&s.Digest), (*blob32)(&s.Doc), &s.Code,
			&s.Service, &s.Lang, &s.Channel, milli{&s.Claimed}, milli{&s.Sent}, milli{&s.Received}, &s.Sealed,
			&s.Fork, &s.State, &s.Reason, &s.Receipt, milli{&s.Decided}, &s.Decision)
	if err != nil {
		return fail(err)
	}
	return s, nil
}

// BroughtBy implements ledger.Ledger.
func (d *Store) BroughtBy(ctx context.Context, doc ledger.Doc) (ledger.Stored, error) {
	var n uint64
	err := d.row(ctx,
		`SELECT r.id FROM requests q JOIN records r ON r.doc = q.doc AND r.kiosk = q.kiosk AND r.epoch = q.epoch AND r.seq = q.seq
		 WHERE q.doc = ? AND r.state = 'registered' ORDER BY r.id LIMIT 1`, doc[:]).Scan(&n)
	if err != nil {
		return ledger.Stored{}, d.errorf("find the record of a document: %w", noRows(err))
	}
	return d.StoredRecord(ctx, n)
}

// DocsAfter implements ledger.Ledger.
func (d *Store) DocsAfter(ctx context.Context, after uint64, n int) ([]ledger.NumberedDoc, error) {
	a, err := toInt(after)
	if err != nil {
		return nil, d.errorf("list documents: %w", err)
	}
	rs, err := d.query(ctx, `SELECT `+d.d.RequestPlace+`, doc FROM requests WHERE `+d.d.RequestPlace+` > ? ORDER BY `+d.d.RequestPlace+` LIMIT ?`, a, n)
	out, err := rows(rs, err, func(rs *sql.Rows) (x ledger.NumberedDoc, err error) {
		err = rs.Scan(&x.Number, (*blob32)(&x.Doc))
		return x, err
	})
	if err != nil {
		return nil, d.errorf("list documents: %w", err)
	}
	return out, nil
}
