package relational

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/penjire/penjire/sync/ledger"
)

// putItems stores items for a kiosk, in their order.
func putItems(ctx context.Context, tx *tx, kiosk string, its []ledger.Item) error {
	last := time.Time{}
	for _, it := range its {
		if it.At.After(last) {
			last = it.At
		}
	}
	id, err := nextItem(ctx, tx, kiosk, last, len(its))
	if err != nil {
		return err
	}
	all := make([][]any, len(its))
	for i, it := range its {
		all[i] = []any{id + int64(i), kiosk, it.Kind, it.Doc[:], it.Stage, toMilli(it.At), it.Bytes}
	}
	return insert(ctx, tx, "items", "id, kiosk, kind, doc, stage, at, bytes", all)
}

// Broadcast implements ledger.Ledger.
func (d *Store) Broadcast(ctx context.Context, kind uint8, version uint64, at time.Time, b []byte) error {
	return d.update(ctx, "broadcast", func(tx *tx) error {
		v, err := toInt(version)
		if err != nil {
			return err
		}
		if err := hold(ctx, tx, ""); err != nil {
			return err
		}
		var last sql.NullInt64
		if err := tx.row(ctx, `SELECT max(version) FROM items WHERE kiosk = '' AND kind = ?`, kind).Scan(&last); err != nil {
			return err
		}
		if last.Valid && v <= last.Int64 {
			return fmt.Errorf("version %d of kind %d is not above %d", v, kind, last.Int64)
		}
		if _, err := tx.exec(ctx, `DELETE FROM items WHERE kiosk = '' AND kind = ?`, kind); err != nil {
			return err
		}
		id, err := nextBroadcast(ctx, tx, at)
		if err != nil {
			return err
		}
		if _, err := tx.exec(ctx, `INSERT INTO items (id, kiosk, kind, version, doc, stage, at, bytes) VALUES (?, '', ?, ?, ?, '', ?, ?)`,
			id, kind, v, make([]byte, 32), toMilli(at), b); err != nil {
			return err
		}
		_, err = tx.exec(ctx, `INSERT INTO published (kind, version, at, bytes) VALUES (?, ?, ?, ?)`, kind, v, toMilli(at), b)
		return err
	})
}

// Broadcasted implements ledger.Ledger.
func (d *Store) Broadcasted(ctx context.Context, kind uint8) (uint64, []byte, error) {
	var v uint64
	var b []byte
	err := d.row(ctx, `SELECT version, bytes FROM items WHERE kiosk = '' AND kind = ?`, kind).Scan(&v, &b)
	if err != nil {
		return 0, nil, d.errorf("read a broadcast: %w", noRows(err))
	}
	return v, b, nil
}

// Items implements ledger.Ledger.
func (d *Store) Items(ctx context.Context, kiosk string, after uint64, n int) ([]ledger.Item, error) {
	a, err := toInt(after)
	if err != nil {
		return nil, d.errorf("read items: %w", err)
	}
	rs, err := d.query(ctx,
		`SELECT id, kind, version, doc, stage, at, bytes FROM items WHERE kiosk IN (?, '') AND id > ? ORDER BY id LIMIT ?`, kiosk, a, n)
	out, err := rows(rs, err, func(rs *sql.Rows) (it ledger.Item, err error) {
		err = rs.Scan(&it.ID, &it.Kind, &it.Version, (*blob32)(&it.Doc), &it.Stage, milli{&it.At}, &it.Bytes)
		return it, err
	})
	if err != nil {
		return nil, d.errorf("read items: %w", err)
	}
	return out, nil
}

// Acked implements ledger.Ledger.
func (d *Store) Acked(ctx context.Context, kiosk string, id uint64, at time.Time) error {
	return d.update(ctx, "note an ack", func(tx *tx) error {
		n, err := toInt(id)
		if err != nil {
			return err
		}
		if _, err := tx.exec(ctx,
			`UPDATE items SET acked = ?1 WHERE kiosk = ?2 AND acked = 0
			   AND id > coalesce((SELECT cursor FROM kiosks WHERE id = ?2), 0) AND id <= ?3`, toMilli(at), kiosk, n); err != nil {
			return err
		}
		_, err = tx.exec(ctx, `UPDATE kiosks SET cursor = ?1 WHERE id = ?2 AND cursor < ?1`, n, kiosk)
		return err
	})
}

const (
	headColumns = `SELECT size, root, counter, note, stamp, at FROM heads WHERE kiosk = ? AND epoch = ? `
	headQuery   = headColumns + `ORDER BY size DESC LIMIT 1`
)

func scanHead(r *sql.Row) (ledger.Head, error) {
	var h ledger.Head
	err := r.Scan(&h.Size, (*blob32)(&h.Root), &h.Counter, &h.Note, &h.Stamp, milli{&h.At})
	if errors.Is(err, sql.ErrNoRows) {
		return ledger.Head{}, nil
	}
	return h, err
}

// Head implements ledger.Ledger.
func (d *Store) Head(ctx context.Context, kiosk string, e ledger.Epoch) (ledger.Head, error) {
	h, err := scanHead(d.row(ctx, headQuery, kiosk, e[:]))
	if err != nil {
		return ledger.Head{}, d.errorf("read a journal head: %w", err)
	}
	return h, nil
}

// SetHead implements ledger.Ledger.
func (d *Store) SetHead(ctx context.Context, kiosk string, e ledger.Epoch, proved, h ledger.Head) error {
	return d.update(ctx, "keep a journal head", func(tx *tx) error {
		if err := hold(ctx, tx, kiosk); err != nil {
			return err
		}
		last, err := scanHead(tx.row(ctx, headQuery, kiosk, e[:]))
		if err != nil {
			return err
		}
		if last.Size != proved.Size || !bytes.Equal(last.Root[:], proved.Root[:]) || h.Size < last.Size ||
			h.Size == last.Size && h.Root != last.Root {
			return ledger.ErrHead
		}
		if h.Size == last.Size {
			return nil
		}
		counter, err := toInt(h.Counter)
		if err != nil {
			return err
		}
		_, err = tx.exec(ctx, `INSERT INTO heads (kiosk, epoch, size, root, counter, note, stamp, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
			kiosk, e[:], h.Size, h.Root[:], counter, h.Note, h.Stamp, toMilli(h.At))
		return err
	})
}

// StampHead implements ledger.Ledger.
func (d *Store) StampHead(ctx context.Context, kiosk string, e ledger.Epoch, size int64, note, stamp []byte) error {
	return d.update(ctx, "stamp a journal head", func(tx *tx) error {
		var has bool
		err := tx.row(ctx, `SELECT stamp IS NOT NULL FROM heads WHERE kiosk = ? AND epoch = ? AND size = ?`+tx.d.d.Lock, kiosk, e[:], size).Scan(&has)
		if err != nil || has {
			return noRows(err)
		}
		_, err = tx.exec(ctx, `UPDATE heads SET note = ?, stamp = ? WHERE kiosk = ? AND epoch = ? AND size = ?`, note, stamp, kiosk, e[:], size)
		return err
	})
}

// HeadOver implements ledger.Ledger.
func (d *Store) HeadOver(ctx context.Context, kiosk string, e ledger.Epoch, index int64) (ledger.Head, error) {
	h, err := scanHead(d.row(ctx, headColumns+`AND size > ? ORDER BY size LIMIT 1`, kiosk, e[:], index))
	if err == nil && h.Size == 0 {
		err = ledger.ErrNotFound
	}
	if err != nil {
		return ledger.Head{}, d.errorf("find the journal head over entry %d: %w", index, err)
	}
	return h, nil
}

// Epochs implements ledger.Ledger.
func (d *Store) Epochs(ctx context.Context, kiosk string) ([]ledger.Epoch, error) {
	rs, err := d.query(ctx, `SELECT DISTINCT epoch FROM heads WHERE kiosk = ?`, kiosk)
	out, err := rows(rs, err, func(rs *sql.Rows) (e ledger.Epoch, err error) {
		err = rs.Scan((*blob16)(&e))
		return e, err
	})
	if err != nil {
		return nil, d.errorf("read the epochs of a kiosk: %w", err)
	}
	return out, nil
}

// Taken implements ledger.Ledger.
func (d *Store) Taken(ctx context.Context, kiosk string, e ledger.Epoch) (n int64, last uint64, err error) {
	err = d.row(ctx, `SELECT count(*), coalesce(max(seq), 0) FROM records WHERE kiosk = ? AND epoch = ? AND fork = 0`,
		kiosk, e[:]).Scan(&n, &last)
	if err != nil {
		return 0, 0, d.errorf("count the records of an epoch: %w", err)
	}
	return n, last, nil
}

// raise keeps an alarm unless the same one was raised within the hour.
func raise(ctx context.Context, tx *tx, a ledger.Alarm) error {
	if err := hold(ctx, tx, a.Kiosk); err != nil {
		return err
	}
	_, err := tx.exec(ctx,
		`INSERT INTO alarms (id, at, kiosk, code, note)
		 SELECT CAST(?6 AS BIGINT), CAST(?1 AS BIGINT), ?2, ?3, ?4 WHERE NOT EXISTS (SELECT 1 FROM alarms WHERE kiosk = ?2 AND code = ?3 AND at > ?5)`,
		toMilli(a.At), a.Kiosk, a.Code, a.Note, toMilli(a.At.Add(-time.Hour)), tx.d.places()(0))
	return err
}

// Raise implements ledger.Ledger.
func (d *Store) Raise(ctx context.Context, a ledger.Alarm) error {
	return d.update(ctx, "raise an alarm", func(tx *tx) error { return raise(ctx, tx, a) })
}

// Alarms implements ledger.Ledger.
func (d *Store) Alarms(ctx context.Context, n int) ([]ledger.Alarm, error) {
	rs, err := d.query(ctx, `SELECT at, kiosk, code, note FROM alarms ORDER BY id DESC LIMIT ?`, n)
	out, err := rows(rs, err, func(rs *sql.Rows) (a ledger.Alarm, err error) {
		err = rs.Scan(milli{&a.At}, &a.Kiosk, &a.Code, &a.Note)
		return a, err
	})
	if err != nil {
		return nil, d.errorf("read alarms: %w", err)
	}
	return out, nil
}

// Visited implements ledger.Ledger.
func (d *Store) Visited(ctx context.Context, kiosk string, v ledger.Visit) error {
	return d.update(ctx, "note a visit", func(tx *tx) error {
		var n [3]int64
		for i, u := range [...]uint64{v.Unsent, v.Catalogue, v.Trust} {
			var err error
			if n[i], err = toInt(u); err != nil {
				return err
			}
		}
		if err := replaced(ctx, tx, kiosk, v); err != nil {
			return err
		}
		_, err := tx.exec(ctx,
			`INSERT INTO kiosks (id, epoch, at, software, unsent, oldest, catalogue, trust) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
			 ON CONFLICT (id) DO UPDATE SET epoch = excluded.epoch, at = excluded.at, software = excluded.software,
			   unsent = excluded.unsent, oldest = excluded.oldest, catalogue = excluded.catalogue, trust = excluded.trust`,
			kiosk, v.Epoch[:], toMilli(v.At), v.Software, n[0], toMilli(v.Oldest), n[1], n[2])
		return err
	})
}

// replaced raises an alarm if the kiosk had another journal the last time.
func replaced(ctx context.Context, tx *tx, kiosk string, v ledger.Visit) error {
	var last ledger.Epoch
	err := tx.row(ctx, `SELECT epoch FROM kiosks WHERE id = ?`+tx.d.d.Lock, kiosk).Scan((*blob16)(&last))
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil
	case err != nil:
		return err
	case last == v.Epoch:
		return nil
	}
	return raise(ctx, tx, ledger.Alarm{
		At: v.At, Kiosk: kiosk, Code: ledger.AlarmReplaced, Note: fmt.Sprintf("epoch %x, before %x", v.Epoch[:4], last[:4]),
	})
}

// Kiosks implements ledger.Ledger.
func (d *Store) Kiosks(ctx context.Context) ([]ledger.Kiosk, error) {
	rs, err := d.query(ctx,
		`SELECT id, epoch, at, software, unsent, oldest, catalogue, trust, cursor,
		   coalesce((SELECT max(size) FROM heads h WHERE h.kiosk = k.id AND h.epoch = k.epoch), 0),
		   (SELECT count(*) FROM records r WHERE r.kiosk = k.id),
		   (SELECT count(*) FROM alarms a WHERE a.kiosk = k.id)
		 FROM kiosks k ORDER BY id`)
	out, err := rows(rs, err, func(rs *sql.Rows) (k ledger.Kiosk, err error) {
		err = rs.Scan(&k.ID, (*blob16)(&k.Visit.Epoch), milli{&k.Visit.At}, &k.Visit.Software, &k.Visit.Unsent,
			milli{&k.Visit.Oldest}, &k.Visit.Catalogue, &k.Visit.Trust, &k.Cursor, &k.JournalSize, &k.Records, &k.Alarms)
		return k, err
	})
	if err != nil {
		return nil, d.errorf("read kiosks: %w", err)
	}
	return out, nil
}
