package relational

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/penjire/penjire/sync/ledger"
)

// Intake implements ledger.Ledger.
func (d *Store) Intake(ctx context.Context, kiosk string, at time.Time, recs []ledger.Incoming, sign func([]ledger.Incoming, time.Time) ([][]byte, error)) ([]ledger.Outcome, error) {
	var out []ledger.Outcome
	err := d.update(ctx, "take in records", func(tx *tx) error {
		out = make([]ledger.Outcome, len(recs))
		fresh, from, err := sift(ctx, tx, kiosk, recs, out)
		if err != nil {
			return err
		}
		if len(fresh) > 0 {
			receipts, err := sign(fresh, at)
			if err != nil {
				return err
			}
			if len(receipts) != len(fresh) {
				return fmt.Errorf("%d receipts for %d records", len(receipts), len(fresh))
			}
			for i, r := range fresh {
				if err := keep(ctx, tx, kiosk, at, r, receipts[i]); err != nil {
					return fmt.Errorf("sequence %d: %w", r.Seq, err)
				}
			}
			for i := range out {
				if from[i] >= 0 {
					out[i].Receipt = receipts[from[i]]
				}
			}
		}
		return count(ctx, tx, kiosk, at, recs, out)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// sift finds out which of recs are new, forks among them, and the outcome of the
// others. From is the place in fresh of each; -1 where it has its receipt.
func sift(ctx context.Context, tx *tx, kiosk string, recs []ledger.Incoming, out []ledger.Outcome) (fresh []ledger.Incoming, from []int, err error) {
	seen := map[ledger.Key]int{}        // in fresh
	firsts := map[ledger.Key][32]byte{} // by the number alone
	for i, r := range recs {
		k := ledger.Key{Kiosk: kiosk, Epoch: r.Epoch, Seq: r.Seq, Digest: r.Digest, Doc: r.Doc}
		if n, ok := seen[k]; ok { // twice in one batch
			out[i].Fork = fresh[n].Fork != nil
			from = append(from, n)
			continue
		}
		o, first, err := look(ctx, tx, k)
		if err != nil {
			return nil, nil, fmt.Errorf("sequence %d: %w", r.Seq, err)
		}
		out[i] = o
		if !o.New {
			from = append(from, -1)
			continue
		}
		number := k
		number.Digest, number.Doc = [32]byte{}, ledger.Doc{}
		if d, ok := firsts[number]; ok && first == nil {
			first = &d
		}
		if first == nil {
			firsts[number] = r.Digest
		}
		if r.Channel == "" {
			r.Channel = ledger.ChannelKiosk
		}
		r.Fork, out[i].Fork = first, first != nil
		seen[k] = len(fresh)
		from = append(from, len(fresh))
		fresh = append(fresh, r)
	}
	return fresh, from, nil
}

// look returns what is known of a record: its outcome, if it came before; first is
// the digest of another one that has its number.
func look(ctx context.Context, tx *tx, k ledger.Key) (o ledger.Outcome, first *[32]byte, err error) {
	seq, err := toInt(k.Seq)
	if err != nil {
		return o, nil, err
	}
	err = tx.row(ctx,
		`SELECT receipt, fork FROM records WHERE kiosk = ? AND epoch = ? AND seq = ? AND digest = ? AND doc = ?`,
		k.Kiosk, k.Epoch[:], seq, k.Digest[:], k.Doc[:]).Scan(&o.Receipt, &o.Fork)
	if err == nil {
		return o, nil, nil
	}
	if !errors.Is(err, sql.ErrNoRows) {
		return o, nil, err
	}
	o.New = true
	var digest blob32
	err = tx.row(ctx,
		`SELECT digest FROM records WHERE kiosk = ? AND epoch = ? AND seq = ? AND fork = 0`,
		k.Kiosk, k.Epoch[:], seq).Scan(&digest)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return o, nil, nil
	case err != nil:
		return o, nil, err
	}
	return o, (*[32]byte)(&digest), nil
}

// keep stores a new record with its receipt.
func keep(ctx context.Context, tx *tx, kiosk string, at time.Time, r ledger.Incoming, receipt []byte) error {
	seq, err := toInt(r.Seq)
	if err != nil {
		return err
	}
	if _, err := tx.exec(ctx,
		`INSERT INTO records (id, kiosk, epoch, seq, digest, fork, doc, code, service, lang, claimed, received, sealed, receipt, state,
		   channel, sent)
		 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		tx.d.place(0), kiosk, r.Epoch[:], seq, r.Digest[:], flag(r.Fork != nil), r.Doc[:], r.Code, r.Service, r.Lang,
		toMilli(r.Claimed), toMilli(at), r.Sealed, receipt, ledger.Received,
		r.Channel, toMilli(r.Sent)); err != nil {
		return err
	}
	if r.Fork == nil {
		return nil
	}
	return raise(ctx, tx, ledger.Alarm{
		At: at, Kiosk: kiosk, Code: ledger.AlarmFork,
		Note: fmt.Sprintf("sequence %d came with two digests", r.Seq),
	})
}

// Undecided implements ledger.Ledger.
func (d *Store) Undecided(ctx context.Context, after int64, n int) ([]ledger.Record, error) {
	rs, err := d.query(ctx,
		`SELECT id, kiosk, epoch, seq, digest, doc, code, service, lang, claimed, received, sealed,
		   channel, sent
		 FROM records WHERE state = 'received' AND id > ? AND NOT EXISTS (SELECT 1 FROM awaiting a
		   WHERE a.record = records.id AND a.dictionary NOT IN (SELECT id FROM dictionaries))
		 ORDER BY id LIMIT ?`, after, n)
	if err != nil {
		return nil, d.errorf("read undecided records: %w", err)
	}
	defer func() { _ = rs.Close() }() // Err says what matters
	var out []ledger.Record
	for size := 0; size < undecidedBytes && rs.Next(); {
		var r ledger.Record
		if err := rs.Scan(&r.Place, &r.Kiosk, (*blob16)(&r.Epoch), &r.Seq, (*blob32)(&r.Digest), (*blob32)(&r.Doc), &r.Code,
			&r.Service, &r.Lang, milli{&r.Claimed}, milli{&r.Received}, &r.Sealed,
			&r.Channel, milli{&r.Sent}); err != nil {
			return nil, d.errorf("read undecided records: %w", err)
		}
		out = append(out, r)
		size += len(r.Sealed)
	}
	if err := rs.Err(); err != nil {
		return nil, d.errorf("read undecided records: %w", err)
	}
	return out, nil
}

// undecidedBytes is about how many sealed bytes Undecided returns at once: large
// records one at a time.
const undecidedBytes = 4 << 20
