package relational

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/penjire/penjire/sync/ledger"
)

// Intake implements ledger.Ledger.
func (d *Store) Intake(ctx context.Context, kiosk string, at time.Time, recs []ledger.Incoming, make func(ledger.Incoming, time.Time) ([]byte, error)) ([]ledger.Outcome, error) {
	var out []ledger.Outcome
	err := d.update(ctx, "take in records", func(tx *tx) error {
		out = out[:0]
		for _, r := range recs {
			o, err := intake(ctx, tx, kiosk, at, r, make)
			if err != nil {
				return fmt.Errorf("sequence %d: %w", r.Seq, err)
			}
			out = append(out, o)
		}
		return count(ctx, tx, kiosk, at, recs, out)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func intake(ctx context.Context, tx *tx, kiosk string, at time.Time, r ledger.Incoming, make func(ledger.Incoming, time.Time) ([]byte, error)) (ledger.Outcome, error) {
	seq, err := toInt(r.Seq)
	if err != nil {
		return ledger.Outcome{}, err
	}
	if r.Channel == "" {
		r.Channel = ledger.ChannelKiosk
	}
	var o ledger.Outcome
	err = tx.row(ctx,
		`SELECT receipt, fork FROM records WHERE kiosk = ? AND epoch = ? AND seq = ? AND digest = ? AND doc = ?`,
		kiosk, r.Epoch[:], seq, r.Digest[:], r.Doc[:]).Scan(&o.Receipt, &o.Fork)
	if err == nil {
		return o, nil
	}
	if !errors.Is(err, sql.ErrNoRows) {
		return ledger.Outcome{}, err
	}
	var first blob32
	err = tx.row(ctx,
		`SELECT digest FROM records WHERE kiosk = ? AND epoch = ? AND seq = ? AND fork = 0`,
		kiosk, r.Epoch[:], seq).Scan(&first)
	switch {
	case err == nil:
		o.Fork = true
		r.Fork = (*[32]byte)(&first)
	case !errors.Is(err, sql.ErrNoRows):
		return ledger.Outcome{}, err
	}
	o.New = true
	if o.Receipt, err = make(r, at); err != nil {
		return ledger.Outcome{}, err
	}
	if _, err := tx.exec(ctx,
		`INSERT INTO records (id, kiosk, epoch, seq, digest, fork, doc, code, service, lang, claimed, received, sealed, receipt, state,
		   channel, sent)
		 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		tx.d.place(0), kiosk, r.Epoch[:], seq, r.Digest[:], flag(o.Fork), r.Doc[:], r.Code, r.Service, r.Lang,
		toMilli(r.Claimed), toMilli(at), r.Sealed, o.Receipt, ledger.Received,
		r.Channel, toMilli(r.Sent)); err != nil {
		return ledger.Outcome{}, err
	}
	if o.Fork {
		err = raise(ctx, tx, ledger.Alarm{
			At: at, Kiosk: kiosk, Code: ledger.AlarmFork,
			Note: fmt.Sprintf("sequence %d came with two digests", r.Seq),
		})
	}
	return o, err
}

// Undecided implements ledger.Ledger.
func (d *Store) Undecided(ctx context.Context, after int64, n int) ([]ledger.Record, error) {
	rs, err := d.query(ctx,
		`SELECT id, kiosk, epoch, seq, digest, doc, code, service, lang, claimed, received, sealed,
		   channel, sent
		 FROM records WHERE state = 'received' AND id > ? AND NOT EXISTS (SELECT 1 FROM awaiting a
		   WHERE a.record = records.id AND a.dictionary NOT IN (SELECT id FROM dictionaries))
		 ORDER BY id LIMIT ?`, after, n)
	out, err := rows(rs, err, func(rs *sql.Rows) (ledger.Record, error) {
		var r ledger.Record
		err := rs.Scan(&r.Place, &r.Kiosk, (*blob16)(&r.Epoch), &r.Seq, (*blob32)(&r.Digest), (*blob32)(&r.Doc), &r.Code,
			&r.Service, &r.Lang, milli{&r.Claimed}, milli{&r.Received}, &r.Sealed,
			&r.Channel, milli{&r.Sent})
		return r, err
	})
	if err != nil {
		return nil, d.errorf("read undecided records: %w", err)
	}
	return out, nil
}

// Decide implements ledger.Ledger.
func (d *Store) Decide(ctx context.Context, k ledger.Key, dec ledger.Decision) error {
	return d.update(ctx, "decide a record", func(tx *tx) error {
		dec := dec // it may run again
		r := ledger.Record{Key: k}
		seq, err := toInt(k.Seq)
		if err != nil {
			return err
		}
		var id int64
		var state ledger.State
		err = tx.row(ctx,
			`SELECT id, code, lang, claimed, received, channel, sent, state FROM records
			 WHERE kiosk = ? AND epoch = ? AND seq = ? AND digest = ? AND doc = ?`+tx.d.d.Lock,
			k.Kiosk, k.Epoch[:], seq, k.Digest[:], k.Doc[:]).
			Scan(&id, &r.Code, &r.Lang, milli{&r.Claimed}, milli{&r.Received},
				&r.Channel, milli{&r.Sent}, &state)
		if err != nil {
			return noRows(err)
		}
		if state != ledger.Received {
			return nil
		}
		if dec.Code != "" {
			r.Code = dec.Code
		}
		answer, err := known(ctx, tx, r.Doc)
		if err == nil && dec.Unproven {
			if err = brought(ctx, tx, r.Doc, k.Digest); errors.Is(err, sql.ErrNoRows) {
				answer = answered{}
			}
		}
		switch {
		case err == nil: // another record brought the same document: its decision holds
			dec.State, dec.Reason, r.Code = ledger.Registered, "", answer.code
		case !errors.Is(err, sql.ErrNoRows):
			return err
		case dec.State == ledger.Registered:
			if err := register(ctx, tx, r, seq, dec); err != nil {
				return err
			}
		case dec.State != ledger.Refused || dec.Reason == "":
			return fmt.Errorf("decision %q with reason %q", dec.State, dec.Reason)
		}
		receipt, err := dec.Receipt(dec.State, dec.Reason, dec.At)
		if err != nil {
			return err
		}
		if _, err := tx.exec(ctx,
			`UPDATE records SET state = ?, reason = ?, code = ?, decided = ?, decided_receipt = ? WHERE id = ?`,
			dec.State, dec.Reason, r.Code, toMilli(dec.At), receipt, id); err != nil {
			return err
		}
		if err := putItem(ctx, tx, k.Kiosk, ledger.Item{
			Kind: ledger.ItemDecided, Doc: r.Doc, Stage: dec.State, At: dec.At, Bytes: receipt,
		}); err != nil {
			return err
		}
		if answer.packet == nil {
			return nil
		}
		// The kiosk asks again about something answered: its file was salvaged.
		return putItem(ctx, tx, k.Kiosk, ledger.Item{
			Kind: ledger.ItemAnswer, Doc: r.Doc, Stage: answer.state, At: answer.at, Bytes: answer.packet,
		})
	})
}

// answered is what Decide needs of a request that is registered already.
type answered struct {
	code   string
	state  ledger.State
	at     time.Time
	packet []byte // nil: no answer yet
}

func known(ctx context.Context, tx *tx, doc ledger.Doc) (answered, error) {
	var a answered
	err := tx.row(ctx, `SELECT code, state, answer_at, answer_packet FROM requests WHERE doc = ?`+tx.d.d.Lock, doc[:]).
		Scan(&a.code, &a.state, milli{&a.at}, &a.packet)
	return a, err
}

// brought returns nil if these sealed bytes brought the document before.
func brought(ctx context.Context, tx *tx, doc ledger.Doc, digest [32]byte) error {
	var n int
	return tx.row(ctx, `SELECT 1 FROM records WHERE doc = ? AND digest = ? AND state = 'registered' LIMIT 1`,
		doc[:], digest[:]).Scan(&n)
}

func register(ctx context.Context, tx *tx, r ledger.Record, seq int64, dec ledger.Decision) error {
	facts, err := json.Marshal(dec.Facts)
	if err != nil {
		return err
	}
	to, err := json.Marshal(dec.AnswerTo)
	if err != nil {
		return err
	}
	var corrects []byte
	if dec.Corrects != nil {
		corrects = dec.Corrects[:]
	}
	_, err = tx.exec(ctx,
		`INSERT INTO requests (`+tx.d.d.RequestPlace+`, doc, code, kiosk, epoch, seq, service, agency, lang, identified, signer, search,
		   state, claimed, received, registered, due, facts, answer_to, corrects, container,
		   channel, sent, original)
		 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		tx.d.place(0), r.Doc[:], r.Code, r.Kiosk, r.Epoch[:], seq, dec.Service, dec.Agency, r.Lang, flag(dec.Identified),
		dec.Signer.Reveal(), fold(r.Code+" "+dec.Signer.Reveal()), ledger.Registered,
		toMilli(r.Claimed), toMilli(r.Received), toMilli(dec.At), toMilli(dec.Due),
		string(facts), string(to), corrects, dec.Container, r.Channel, toMilli(r.Sent), dec.Original)
	return err
}

// fold makes a text comparable for the search of the desk.
func fold(s string) string { return strings.ToLower(s) }
