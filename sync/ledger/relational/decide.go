package relational

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/penjire/penjire/sync/ledger"
)

// verdict is a decision on its way into the tables.
type verdict struct {
	ledger.Decided
	id     int64
	code   string
	at     time.Time
	answer answered
}

// Decide implements ledger.Ledger.
func (d *Store) Decide(ctx context.Context, vs []ledger.Verdict, sign func([]ledger.Decided) ([][]byte, error)) error {
	return d.update(ctx, "decide records", func(tx *tx) error {
		var all []verdict
		var said []ledger.Decided
		for _, v := range vs {
			r, due, err := decide(ctx, tx, v, said)
			if err != nil {
				return fmt.Errorf("sequence %d: %w", v.Seq, err)
			}
			if due {
				all, said = append(all, r), append(said, r.Decided)
			}
		}
		if len(all) == 0 {
			return nil
		}
		receipts, err := sign(said)
		if err != nil {
			return err
		}
		if len(receipts) != len(all) {
			return fmt.Errorf("%d receipts for %d records", len(receipts), len(all))
		}
		for i, r := range all {
			if err := say(ctx, tx, r, receipts[i]); err != nil {
				return fmt.Errorf("sequence %d: %w", r.Seq, err)
			}
		}
		return nil
	})
}

// decide registers the document of one record, if that is the decision and no
// other record has brought it. Said is what was decided before it in the same
// transaction. False: the record was decided earlier.
func decide(ctx context.Context, tx *tx, v ledger.Verdict, said []ledger.Decided) (verdict, bool, error) {
	r, dec := ledger.Record{Key: v.Key}, v.Decision
	out := verdict{Decided: ledger.Decided{Key: v.Key}, at: dec.At}
	seq, err := toInt(v.Seq)
	if err != nil {
		return out, false, err
	}
	var state ledger.State
	err = tx.row(ctx,
		`SELECT id, code, lang, claimed, received, channel, sent, state FROM records
		 WHERE kiosk = ? AND epoch = ? AND seq = ? AND digest = ? AND doc = ?`+tx.d.d.Lock,
		v.Kiosk, v.Epoch[:], seq, v.Digest[:], v.Doc[:]).
		Scan(&out.id, &r.Code, &r.Lang, milli{&r.Claimed}, milli{&r.Received},
			&r.Channel, milli{&r.Sent}, &state)
	if err != nil {
		return out, false, noRows(err)
	}
	if state != ledger.Received || slices.ContainsFunc(said, func(s ledger.Decided) bool { return s.Key == v.Key }) {
		return out, false, nil
	}
	if dec.Code != "" {
		r.Code = dec.Code
	}
	answer, err := known(ctx, tx, r.Doc)
	if err == nil && dec.Unproven && !slices.ContainsFunc(said, func(s ledger.Decided) bool {
		return s.Doc == r.Doc && s.Digest == v.Digest && s.State == ledger.Registered
	}) {
		if err = brought(ctx, tx, r.Doc, v.Digest); errors.Is(err, sql.ErrNoRows) {
			answer = answered{}
		}
	}
	switch {
	case err == nil: // another record brought the same document: its decision holds
		dec.State, dec.Reason, r.Code = ledger.Registered, "", answer.code
	case !errors.Is(err, sql.ErrNoRows):
		return out, false, err
	case dec.State == ledger.Registered:
		if err := register(ctx, tx, r, seq, dec); err != nil {
			return out, false, err
		}
	case dec.State != ledger.Refused || dec.Reason == "":
		return out, false, fmt.Errorf("decision %q with reason %q", dec.State, dec.Reason)
	}
	out.State, out.Reason, out.code, out.answer = dec.State, dec.Reason, r.Code, answer
	return out, true, nil
}

// say stores the DECIDED receipt and puts it among the kiosk's items.
func say(ctx context.Context, tx *tx, r verdict, receipt []byte) error {
	if _, err := tx.exec(ctx,
		`UPDATE records SET state = ?, reason = ?, code = ?, decided = ?, decided_receipt = ? WHERE id = ?`,
		r.State, r.Reason, r.code, toMilli(r.at), receipt, r.id); err != nil {
		return err
	}
	if err := putItem(ctx, tx, r.Kiosk, ledger.Item{
		Kind: ledger.ItemDecided, Doc: r.Doc, Stage: r.State, At: r.at, Bytes: receipt,
	}); err != nil {
		return err
	}
	if r.answer.packet == nil {
		return nil
	}
	// The kiosk asks again about something answered: its file was salvaged.
	return putItem(ctx, tx, r.Kiosk, ledger.Item{
		Kind: ledger.ItemAnswer, Doc: r.Doc, Stage: r.answer.state, At: r.answer.at, Bytes: r.answer.packet,
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
