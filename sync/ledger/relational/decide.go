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
		b, err := readBatch(ctx, tx, vs)
		if err != nil {
			return err
		}
		var due []verdict
		var said []ledger.Decided
		for _, v := range vs {
			r, ok, err := b.decide(ctx, tx, v)
			if err != nil {
				return fmt.Errorf("sequence %d: %w", v.Seq, err)
			}
			if ok {
				due, said = append(due, r), append(said, r.Decided)
			}
		}
		if len(due) == 0 {
			return nil
		}
		if err := b.register(ctx, tx); err != nil {
			return err
		}
		receipts, err := sign(said)
		if err != nil {
			return err
		}
		if len(receipts) != len(due) {
			return fmt.Errorf("%d receipts for %d records", len(receipts), len(due))
		}
		return say(ctx, tx, due, receipts)
	})
}

// batch is what the tables say of the records that are decided together.
type batch struct {
	records map[ledger.Key]*waiting
	known   map[ledger.Doc]answered // requests, with those that this batch registers
	brought map[[64]byte]bool       // document and digest of what this batch registered
	places  func(int) any           // of the requests to register
	fresh   [][]any                 // their rows
}

// waiting is a record as it was received.
type waiting struct {
	ledger.Record
	id    int64
	seq   int64
	state ledger.State
}

// readBatch reads the records and the requests of their documents, and holds both.
func readBatch(ctx context.Context, tx *tx, vs []ledger.Verdict) (*batch, error) {
	b := &batch{records: map[ledger.Key]*waiting{}, known: map[ledger.Doc]answered{}, brought: map[[64]byte]bool{}, places: tx.d.places()}
	numbers := map[ledger.Epoch][]any{}
	for _, v := range vs {
		seq, err := toInt(v.Seq)
		if err != nil {
			return nil, err
		}
		if v.Kiosk != vs[0].Kiosk { // their receipts would go to the first one
			return nil, fmt.Errorf("decisions about records of %s and of %s together", vs[0].Kiosk, v.Kiosk)
		}
		numbers[v.Epoch] = append(numbers[v.Epoch], seq)
	}
	docs := map[ledger.Doc]bool{}
	for epoch, seqs := range numbers {
		rs, err := tx.query(ctx,
			`SELECT id, seq, digest, doc, code, lang, claimed, received, channel, sent, state FROM records
			 WHERE kiosk = ? AND epoch = ? AND seq IN (`+marks(len(seqs))+`) ORDER BY seq, id`+tx.d.d.Lock,
			append([]any{vs[0].Kiosk, epoch[:]}, seqs...)...)
		_, err = rows(rs, err, func(rs *sql.Rows) (struct{}, error) {
			w := &waiting{Record: ledger.Record{Key: ledger.Key{Kiosk: vs[0].Kiosk, Epoch: epoch}}}
			err := rs.Scan(&w.id, &w.seq, (*blob32)(&w.Digest), (*blob32)(&w.Doc), &w.Code, &w.Lang, milli{&w.Claimed}, milli{&w.Received},
				&w.Channel, milli{&w.Sent}, &w.state)
			w.Seq = uint64(w.seq) //nolint:gosec // toInt stored it
			b.records[w.Key] = w
			docs[w.Doc] = true
			return struct{}{}, err
		})
		if err != nil {
			return nil, err
		}
	}
	if len(docs) == 0 {
		return b, nil
	}
	var args []any
	for doc := range docs {
		args = append(args, doc[:])
	}
	rs, err := tx.query(ctx, `SELECT doc, code, state, answer_at, answer_packet FROM requests WHERE doc IN (`+marks(len(args))+`) ORDER BY doc`+tx.d.d.Lock, args...)
	_, err = rows(rs, err, func(rs *sql.Rows) (struct{}, error) {
		var doc ledger.Doc
		var a answered
		err := rs.Scan((*blob32)(&doc), &a.code, &a.state, milli{&a.at}, &a.packet)
		b.known[doc] = a
		return struct{}{}, err
	})
	return b, err
}

// decide says what becomes of one record. Its document is registered, if that is
// the decision and no other record has brought it. False: the record was decided
// earlier.
func (b *batch) decide(ctx context.Context, tx *tx, v ledger.Verdict) (verdict, bool, error) {
	dec, out := v.Decision, verdict{Decided: ledger.Decided{Key: v.Key}, at: v.At}
	r := b.records[v.Key]
	if r == nil {
		return out, false, ledger.ErrNotFound
	}
	if r.state != ledger.Received {
		return out, false, nil
	}
	if dec.Code != "" {
		r.Code = dec.Code
	}
	answer, known := b.known[r.Doc]
	if same := [64]byte(append(r.Doc[:], v.Digest[:]...)); known && dec.Unproven && !b.brought[same] {
		err := brought(ctx, tx, r.Doc, v.Digest)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return out, false, err
		}
		known = err == nil
	}
	switch {
	case known: // another record brought the same document: its decision holds
		dec.State, dec.Reason, r.Code, out.answer = ledger.Registered, "", answer.code, answer
	case dec.State == ledger.Registered:
		row, err := request(r, dec, b.places(len(b.fresh)))
		if err != nil {
			return out, false, err
		}
		b.fresh = append(b.fresh, row)
		b.known[r.Doc] = answered{code: r.Code, state: ledger.Registered}
	case dec.State != ledger.Refused || dec.Reason == "":
		return out, false, fmt.Errorf("decision %q with reason %q", dec.State, dec.Reason)
	}
	if dec.State == ledger.Registered {
		b.brought[[64]byte(append(r.Doc[:], v.Digest[:]...))] = true
	}
	r.state = dec.State
	out.State, out.Reason, out.code, out.id = dec.State, dec.Reason, r.Code, r.id
	return out, true, nil
}

// say stores the DECIDED receipts and puts them among the kiosk's items.
func say(ctx context.Context, tx *tx, due []verdict, receipts [][]byte) error {
	t := tx.d.d
	one := "(" + marks(6) + ")"
	typed := fmt.Sprintf("(CAST(? AS BIGINT), CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS BIGINT), CAST(? AS %s))", t.Bytes)
	args := make([]any, 0, 6*len(due))
	var its []ledger.Item
	for i, r := range due {
		args = append(args, r.id, r.State, r.Reason, r.code, toMilli(r.at), receipts[i])
		its = append(its, ledger.Item{Kind: ledger.ItemDecided, Doc: r.Doc, Stage: r.State, At: r.at, Bytes: receipts[i]})
		if r.answer.packet != nil {
			// The kiosk asks again about something answered: its file was salvaged.
			its = append(its, ledger.Item{Kind: ledger.ItemAnswer, Doc: r.Doc, Stage: r.answer.state, At: r.answer.at, Bytes: r.answer.packet})
		}
	}
	if _, err := tx.exec(ctx,
		`UPDATE records SET state = v.column2, reason = v.column3, code = v.column4, decided = v.column5, decided_receipt = v.column6
		 FROM (VALUES `+typed+strings.Repeat(", "+one, len(due)-1)+`) AS v WHERE records.id = v.column1`, args...); err != nil {
		return err
	}
	return putItems(ctx, tx, due[0].Kiosk, its)
}

// answered is what Decide needs of a request that is registered already.
type answered struct {
	code   string
	state  ledger.State
	at     time.Time
	packet []byte // nil: no answer yet
}

// brought returns nil if these sealed bytes brought the document before.
func brought(ctx context.Context, tx *tx, doc ledger.Doc, digest [32]byte) error {
	var n int
	return tx.row(ctx, `SELECT 1 FROM records WHERE doc = ? AND digest = ? AND state = 'registered' LIMIT 1`,
		doc[:], digest[:]).Scan(&n)
}

const requestInsert = `doc, code, kiosk, epoch, seq, service, agency, lang, identified, signer, search,
	state, claimed, received, registered, due, facts, answer_to, corrects, container, channel, sent, original`

// request is the row of a request.
func request(r *waiting, dec ledger.Decision, place any) ([]any, error) {
	facts, err := json.Marshal(dec.Facts)
	if err != nil {
		return nil, err
	}
	to, err := json.Marshal(dec.AnswerTo)
	if err != nil {
		return nil, err
	}
	var corrects []byte
	if dec.Corrects != nil {
		corrects = dec.Corrects[:]
	}
	signer := known(dec.Signer.Reveal())
	return []any{
		place, r.Doc[:], r.Code, r.Kiosk, r.Epoch[:], r.seq, dec.Service, dec.Agency, r.Lang, flag(dec.Identified),
		signer, fold(r.Code + " " + signer), ledger.Registered,
		toMilli(r.Claimed), toMilli(r.Received), toMilli(dec.At), toMilli(dec.Due),
		string(facts), string(to), corrects, dec.Container, r.Channel, toMilli(r.Sent), dec.Original,
	}, nil
}

// register stores the requests that the batch registers.
func (b *batch) register(ctx context.Context, tx *tx) error {
	if len(b.fresh) == 0 {
		return nil
	}
	return insert(ctx, tx, "requests", tx.d.d.RequestPlace+", "+requestInsert, b.fresh)
}

// fold makes a text comparable for the search of the desk.
func fold(s string) string { return strings.ToLower(s) }
