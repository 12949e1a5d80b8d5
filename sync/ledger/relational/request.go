package relational

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/penjire/penjire/sync/citizen"
	"github.com/penjire/penjire/sync/ledger"
)

const requestColumns = `doc, code, kiosk, epoch, seq, service, agency, lang, identified, signer, state,
	claimed, received, registered, due, assigned, facts, answer_to, corrects,
	answer_id, answer_by, answer_at, answer_seal, answer_check, channel, sent,
	coalesce((SELECT min(acked) FROM items i WHERE i.doc = requests.doc AND i.kind = 2 AND i.acked > 0), 0)`

// scanRequest reads requestColumns, and after them whatever more wants.
func scanRequest(scan func(...any) error, more ...any) (ledger.Request, error) {
	var (
		r                  ledger.Request
		a                  ledger.Answer
		signer, facts, to  string
		corrects, answerID []byte
	)
	dst := []any{
		(*blob32)(&r.Doc), &r.Code, &r.Kiosk, (*blob16)(&r.Epoch), &r.Seq, &r.Service, &r.Agency, &r.Lang,
		&r.Identified, &signer, &r.State,
		milli{&r.Claimed},
		milli{&r.Received},
		milli{&r.Registered},
		milli{&r.Due},
		&r.Assigned, &facts, &to, &corrects, &answerID, &a.By,
		milli{&a.At},
		&a.Seal,
		&a.Check, &r.Channel,
		milli{&r.Sent},
		milli{&a.Received},
	}
	if err := scan(append(dst, more...)...); err != nil {
		return ledger.Request{}, err
	}
	r.Signer = citizen.NewText(signer)
	if err := json.Unmarshal([]byte(facts), &r.Facts); err != nil {
		return ledger.Request{}, fmt.Errorf("facts of verification: %w", err)
	}
	if err := json.Unmarshal([]byte(to), &r.AnswerTo); err != nil {
		return ledger.Request{}, fmt.Errorf("recipients: %w", err)
	}
	if corrects != nil {
		r.Corrects = new(ledger.Doc)
		if err := scanBlob(r.Corrects[:], corrects); err != nil {
			return ledger.Request{}, err
		}
	}
	if answerID != nil {
		if err := scanBlob(a.ID[:], answerID); err != nil {
			return ledger.Request{}, err
		}
		a.State = r.State
		r.Answer = &a
	}
	return r, nil
}

// unregistered are the columns of a record that is no request (yet).
const unregistered = `doc, code, kiosk, epoch, seq, service, lang, state, reason, claimed, received, channel, sent`

func scanUnregistered(scan func(...any) error) (ledger.Request, error) {
	var r ledger.Request
	err := scan((*blob32)(&r.Doc), &r.Code, &r.Kiosk, (*blob16)(&r.Epoch), &r.Seq, &r.Service, &r.Lang,
		&r.State, &r.Reason, milli{&r.Claimed}, milli{&r.Received}, &r.Channel, milli{&r.Sent})
	return r, err
}

// Get implements ledger.Ledger.
func (d *Store) Get(ctx context.Context, doc ledger.Doc) (ledger.Request, error) {
	var container, original, answerContainer, packet []byte
	r, err := scanRequest(d.row(ctx,
		`SELECT `+requestColumns+`, container, original, answer_container, answer_packet FROM requests WHERE doc = ?`, doc[:]).Scan,
		&container, &original, &answerContainer, &packet)
	if err == nil {
		r.Container, r.Original = container, original
		if r.Answer != nil {
			r.Answer.Container, r.Answer.Packet = answerContainer, packet
		}
		return r, nil
	}
	if errors.Is(err, sql.ErrNoRows) {
		r, err = scanUnregistered(d.row(ctx,
			`SELECT `+unregistered+` FROM records WHERE doc = ? ORDER BY id DESC LIMIT 1`, doc[:]).Scan)
	}
	if err != nil {
		return ledger.Request{}, d.errorf("read a request: %w", noRows(err))
	}
	return r, nil
}

// ByCode implements ledger.Ledger.
func (d *Store) ByCode(ctx context.Context, code string) ([]ledger.Request, error) {
	rs, err := d.query(ctx,
		`SELECT DISTINCT doc FROM (SELECT doc FROM requests WHERE code = ?1 UNION SELECT doc FROM records WHERE code = ?1) AS d`, code)
	docs, err := rows(rs, err, func(rs *sql.Rows) (d ledger.Doc, err error) {
		err = rs.Scan((*blob32)(&d))
		return d, err
	})
	if err != nil {
		return nil, d.errorf("find a code: %w", err)
	}
	return d.all(ctx, docs)
}

// ByDoc implements ledger.Ledger.
func (d *Store) ByDoc(ctx context.Context, prefix []byte) ([]ledger.Request, error) {
	if len(prefix) < 8 || len(prefix) > 32 {
		return nil, d.errorf("find a document: got %d bytes of its identity, want 8 to 32", len(prefix))
	}
	last := bytes.Repeat([]byte{0xff}, 32)
	copy(last, prefix)
	rs, err := d.query(ctx,
		`SELECT DISTINCT doc FROM (SELECT doc FROM requests WHERE doc BETWEEN ?1 AND ?2 UNION SELECT doc FROM records WHERE doc BETWEEN ?1 AND ?2) AS d`,
		prefix, last)
	docs, err := rows(rs, err, func(rs *sql.Rows) (d ledger.Doc, err error) {
		err = rs.Scan((*blob32)(&d))
		return d, err
	})
	if err != nil {
		return nil, d.errorf("find a document: %w", err)
	}
	return d.all(ctx, docs)
}

// ByCheckNumber implements ledger.Ledger.
func (d *Store) ByCheckNumber(ctx context.Context, number string) ([]string, error) {
	rs, err := d.query(ctx,
		`SELECT answer_seal FROM requests WHERE answer_check = ? AND answer_check != '' ORDER BY answer_at`, number)
	seals, err := rows(rs, err, func(rs *sql.Rows) (s string, err error) {
		err = rs.Scan(&s)
		return s, err
	})
	if err != nil {
		return nil, d.errorf("find a check number: %w", err)
	}
	return seals, nil
}

// literally takes from a text what LIKE would read as a pattern.
var literally = strings.NewReplacer("!", "!!", "%", "!%", "_", "!_")

// all reads every one of docs.
func (d *Store) all(ctx context.Context, docs []ledger.Doc) ([]ledger.Request, error) {
	var out []ledger.Request
	for _, doc := range docs {
		r, err := d.Get(ctx, doc)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

// List implements ledger.Ledger.
func (d *Store) List(ctx context.Context, f ledger.Filter) ([]ledger.Request, error) {
	most := f.Max
	if most <= 0 {
		most = 500
	}
	var where []string
	var args []any
	add := func(cond string, arg any) {
		where = append(where, cond)
		args = append(args, arg)
	}
	if f.Agency != "" {
		add(`agency = ?`, f.Agency)
	}
	if f.State != "" {
		add(`state = ?`, f.State)
	}
	if f.Text != "" {
		add(`search LIKE ? ESCAPE '!'`, "%"+literally.Replace(fold(strings.TrimSpace(f.Text)))+"%")
	}
	q := `SELECT ` + requestColumns + ` FROM requests`
	if where != nil {
		q += ` WHERE ` + strings.Join(where, ` AND `)
	}
	rs, err := d.query(ctx, q+` ORDER BY state != 'registered', due, received, doc LIMIT ?`, append(args, most)...)
	out, err := rows(rs, err, func(rs *sql.Rows) (ledger.Request, error) { return scanRequest(rs.Scan) })
	if err != nil {
		return nil, d.errorf("list requests: %w", err)
	}
	// What has no agency yet, or never got one, is seen by whoever asks for all.
	if f.Agency != "" || f.Text != "" || len(out) >= most || f.State != "" && f.State != ledger.Received && f.State != ledger.Refused {
		return out, nil
	}
	rs, err = d.query(ctx,
		`SELECT `+unregistered+` FROM records WHERE state IN ('received', 'refused') AND (?1 = '' OR state = ?1)
		   AND doc NOT IN (SELECT doc FROM requests)
		 ORDER BY id DESC LIMIT ?2`, f.State, most-len(out))
	more, err := rows(rs, err, func(rs *sql.Rows) (ledger.Request, error) { return scanUnregistered(rs.Scan) })
	if err != nil {
		return nil, d.errorf("list records: %w", err)
	}
	return append(out, more...), nil
}

// Counts implements ledger.Ledger.
func (d *Store) Counts(ctx context.Context) (map[ledger.State]int, error) {
	out := map[ledger.State]int{}
	for _, s := range ledger.States {
		out[s] = 0
	}
	rs, err := d.query(ctx,
		`SELECT state, count(*) FROM requests GROUP BY state
		 UNION ALL SELECT state, count(*) FROM records WHERE state IN ('received', 'refused') GROUP BY state`)
	_, err = rows(rs, err, func(rs *sql.Rows) (struct{}, error) {
		var s ledger.State
		var n int
		err := rs.Scan(&s, &n)
		out[s] += n
		return struct{}{}, err
	})
	if err != nil {
		return nil, d.errorf("count requests: %w", err)
	}
	return out, nil
}

// Assign implements ledger.Ledger.
func (d *Store) Assign(ctx context.Context, doc ledger.Doc, officer string) error {
	return d.update(ctx, "assign a request", func(tx *tx) error {
		if err := open(ctx, tx, doc); err != nil {
			return err
		}
		_, err := tx.exec(ctx, `UPDATE requests SET assigned = ? WHERE doc = ?`, officer, doc[:])
		return err
	})
}

// open returns nil if the request waits for its answer.
func open(ctx context.Context, tx *tx, doc ledger.Doc) error {
	var s ledger.State
	if err := tx.row(ctx, `SELECT state FROM requests WHERE doc = ?`+tx.d.d.Lock, doc[:]).Scan(&s); err != nil {
		return noRows(err)
	}
	if s != ledger.Registered {
		return ledger.ErrAnswered
	}
	return nil
}

// Answer implements ledger.Ledger.
func (d *Store) Answer(ctx context.Context, doc ledger.Doc, a ledger.Answer) error {
	return d.update(ctx, "answer a request", func(tx *tx) error {
		switch a.State {
		case ledger.Answered, ledger.Refused, ledger.Returned:
		default:
			return fmt.Errorf("an answer cannot be %q", a.State)
		}
		if (a.Seal == "") != (a.Check == "") {
			return errors.New("a seal and its check number go together")
		}
		if err := open(ctx, tx, doc); err != nil {
			return err
		}
		if _, err := tx.exec(ctx,
			`UPDATE requests SET state = ?, answer_id = ?, answer_by = ?, answer_at = ?,
			   answer_container = ?, answer_packet = ?, answer_seal = ?, answer_check = ? WHERE doc = ?`,
			a.State, a.ID[:], a.By, toMilli(a.At), a.Container, a.Packet, a.Seal, a.Check, doc[:]); err != nil {
			return err
		}
		// The kiosk that brought it, and any other that brought it too.
		rs, err := tx.query(ctx, `SELECT DISTINCT kiosk FROM records WHERE doc = ? AND state = 'registered' ORDER BY kiosk`, doc[:])
		kiosks, err := rows(rs, err, func(rs *sql.Rows) (k string, err error) {
			err = rs.Scan(&k)
			return k, err
		})
		if err != nil {
			return err
		}
		for _, k := range kiosks {
			if err := putItems(ctx, tx, k, []ledger.Item{{
				Kind: ledger.ItemAnswer, Doc: doc, Stage: a.State, At: a.At, Bytes: a.Packet,
			}}); err != nil {
				return err
			}
		}
		return nil
	})
}
