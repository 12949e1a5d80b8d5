package relational

import (
	"context"
	"database/sql"
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
			if err := keep(ctx, tx, kiosk, at, fresh, receipts); err != nil {
				return err
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
	known, firsts, err := look(ctx, tx, kiosk, recs)
	if err != nil {
		return nil, nil, err
	}
	seen := map[ledger.Key]int{} // in fresh
	for i, r := range recs {
		k := ledger.Key{Kiosk: kiosk, Epoch: r.Epoch, Seq: r.Seq, Digest: r.Digest, Doc: r.Doc}
		if n, ok := seen[k]; ok { // twice in one batch
			out[i].Fork = fresh[n].Fork != nil
			from = append(from, n)
			continue
		}
		if o, ok := known[k]; ok {
			out[i] = o
			from = append(from, -1)
			continue
		}
		number := k
		number.Digest, number.Doc = [32]byte{}, ledger.Doc{}
		if d, ok := firsts[number]; ok {
			r.Fork = &d
		} else {
			firsts[number] = r.Digest
		}
		if r.Channel == "" {
			r.Channel = ledger.ChannelKiosk
		}
		out[i] = ledger.Outcome{New: true, Fork: r.Fork != nil}
		seen[k] = len(fresh)
		from = append(from, len(fresh))
		fresh = append(fresh, r)
	}
	return fresh, from, nil
}

// look returns what is there under the numbers of recs: the outcomes of what came
// before, and by the number alone the digest of what came under it first.
func look(ctx context.Context, tx *tx, kiosk string, recs []ledger.Incoming) (map[ledger.Key]ledger.Outcome, map[ledger.Key][32]byte, error) {
	known, firsts := map[ledger.Key]ledger.Outcome{}, map[ledger.Key][32]byte{}
	numbers := map[ledger.Epoch][]any{}
	for _, r := range recs {
		seq, err := toInt(r.Seq)
		if err != nil {
			return nil, nil, fmt.Errorf("sequence %d: %w", r.Seq, err)
		}
		numbers[r.Epoch] = append(numbers[r.Epoch], seq)
	}
	for epoch, seqs := range numbers {
		rs, err := tx.query(ctx, `SELECT seq, digest, doc, receipt, fork FROM records WHERE kiosk = ? AND epoch = ? AND seq IN (`+marks(len(seqs))+`)`,
			append([]any{kiosk, epoch[:]}, seqs...)...)
		_, err = rows(rs, err, func(rs *sql.Rows) (struct{}, error) {
			k := ledger.Key{Kiosk: kiosk, Epoch: epoch}
			var o ledger.Outcome
			err := rs.Scan(&k.Seq, (*blob32)(&k.Digest), (*blob32)(&k.Doc), &o.Receipt, &o.Fork)
			known[k] = o
			if digest := k.Digest; !o.Fork {
				k.Digest, k.Doc = [32]byte{}, ledger.Doc{}
				firsts[k] = digest
			}
			return struct{}{}, err
		})
		if err != nil {
			return nil, nil, err
		}
	}
	return known, firsts, nil
}

// keep stores new records with their receipts.
func keep(ctx context.Context, tx *tx, kiosk string, at time.Time, fresh []ledger.Incoming, receipts [][]byte) error {
	const columns = "id, kiosk, epoch, seq, digest, fork, doc, code, service, lang, claimed, received, sealed, receipt, state, channel, sent"
	all := make([][]any, len(fresh))
	places := tx.d.places()
	for i, r := range fresh {
		all[i] = []any{
			places(i), kiosk, r.Epoch[:], int64(r.Seq), r.Digest[:], flag(r.Fork != nil), r.Doc[:], r.Code, r.Service, r.Lang, //nolint:gosec // look has checked it
			toMilli(r.Claimed), toMilli(at), r.Sealed, receipts[i], ledger.Received, r.Channel, toMilli(r.Sent),
		}
	}
	if err := insert(ctx, tx, "records", columns, all); err != nil {
		return err
	}
	for _, r := range fresh {
		if r.Fork == nil {
			continue
		}
		if err := raise(ctx, tx, ledger.Alarm{
			At: at, Kiosk: kiosk, Code: ledger.AlarmFork,
			Note: fmt.Sprintf("sequence %d came with two digests", r.Seq),
		}); err != nil {
			return err
		}
	}
	return nil
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
