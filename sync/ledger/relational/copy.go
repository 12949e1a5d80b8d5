package relational

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"fmt"
	"math/bits"
	"strings"
)

// tables are all tables with their columns, of every database alike but for the
// place of a request.
func (d *Store) tables() []table {
	return []table{
		{"records", "id, kiosk, epoch, seq, digest, fork, doc, code, service, lang, claimed, received, sealed, receipt, state, " +
			"reason, decided, decided_receipt, channel, sent"},
		{"requests", d.d.RequestPlace + ", doc, code, kiosk, epoch, seq, service, agency, lang, identified, signer, search, state, " +
			"claimed, received, registered, due, assigned, facts, answer_to, corrects, container, answer_id, answer_by, answer_at, " +
			"answer_container, answer_packet, answer_seal, answer_check, channel, sent, original"},
		{"counters", "kiosk, last"},
		{"items", "kiosk, id, kind, version, doc, stage, at, bytes, acked"},
		{"published", "kind, version, at, bytes"},
		{"heads", "kiosk, epoch, size, root, note, stamp, at, counter"},
		{"alarms", "id, at, kiosk, code, note"},
		{"kiosks", "id, epoch, at, software, unsent, oldest, catalogue, trust, cursor"},
		{"traffic", "kiosk, hour, records, bytes"},
		{"uploads", "kiosk, digest, size, have, at"},
		{"chunks", "kiosk, digest, begins, bytes"},
		{"dictionaries", "id, bytes"},
		{"awaiting", "record, dictionary"},
		{"revoked_seals", "seal, doc, agency, reason, by_whom, at"},
		{"codes", "id, kiosk, proof, chip, made, until, by_whom, taken"},
		{"certificates", certColumns},
		{"releases", releaseColumns},
		{"software", softwareColumns},
		{"ended", endedColumns},
		{"layers", layerColumns},
	}
}

type table struct{ name, columns string }

// Sum says what is in a table: how many rows, and a digest of all of them that
// does not depend on their order.
type Sum struct {
	Table  string
	Rows   int
	Digest [32]byte
}

// add counts a row in. The digests of rows are added up as numbers: the order in
// which databases sort texts differs.
func (s *Sum) add(row []any) {
	h := sha256.New()
	for _, v := range row {
		var b []byte
		kind := byte('n')
		switch v := v.(type) {
		case int64:
			b, kind = binary.BigEndian.AppendUint64(nil, uint64(v)), 'i'
		case string:
			b, kind = []byte(v), 't'
		case []byte:
			b, kind = v, 'b'
		}
		_, _ = h.Write(binary.BigEndian.AppendUint64([]byte{kind}, uint64(len(b)))) // never fails
		_, _ = h.Write(b)
	}
	d := h.Sum(nil)
	carry := uint64(0)
	for i := 24; i >= 0; i -= 8 {
		var n uint64
		n, carry = bits.Add64(binary.BigEndian.Uint64(s.Digest[i:]), binary.BigEndian.Uint64(d[i:]), carry)
		binary.BigEndian.PutUint64(s.Digest[i:], n)
	}
	s.Rows++
}

// CopyTo copies everything into another ledger, which must be empty, and reads it
// back, in one transaction of it: the sums are those of both, or nothing is there.
// Nothing else may write to either meanwhile.
func (d *Store) CopyTo(ctx context.Context, to *Store) ([]Sum, error) {
	var sums []Sum
	err := to.update(ctx, "copy a ledger", func(tx *tx) error {
		sums = nil
		there := to.tables()
		for i, from := range d.tables() {
			var n int
			if err := tx.row(ctx, `SELECT count(*) FROM `+from.name).Scan(&n); err != nil {
				return err
			}
			if n > 0 {
				return fmt.Errorf("there are %d %s already: the ledger to copy to must be empty", n, from.name)
			}
			s, err := d.copyTable(ctx, tx, from, there[i])
			if err != nil {
				return fmt.Errorf("table %s: %w", from.name, err)
			}
			if err := readBack(ctx, tx, there[i], s); err != nil {
				return fmt.Errorf("table %s: %w", from.name, err)
			}
			sums = append(sums, s)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return sums, nil
}

// readBack says whether what arrived in a table is what left.
func readBack(ctx context.Context, tx *tx, t table, want Sum) error {
	got := Sum{Table: t.name}
	rs, err := tx.query(ctx, `SELECT `+t.columns+` FROM `+t.name)
	if err := each(rs, err, func(row []any) error { got.add(row); return nil }); err != nil {
		return fmt.Errorf("read back: %w", err)
	}
	if got != want {
		return fmt.Errorf("%d rows arrived, with digest %x, of %d with digest %x", got.Rows, got.Digest[:8], want.Rows, want.Digest[:8])
	}
	return nil
}

// copyTable copies one table, several rows with one statement.
func (d *Store) copyTable(ctx context.Context, tx *tx, from, to table) (Sum, error) {
	const mostRows, mostBytes = 200, 4 << 20
	s := Sum{Table: from.name}
	var rows [][]any
	size := 0
	flush := func() error {
		if len(rows) == 0 {
			return nil
		}
		err := insert(ctx, tx, to.name, to.columns, rows)
		rows, size = rows[:0], 0
		return err
	}
	rs, err := d.query(ctx, `SELECT `+from.columns+` FROM `+from.name)
	err = each(rs, err, func(row []any) error {
		s.add(row)
		rows = append(rows, row)
		for _, v := range row {
			if b, ok := v.([]byte); ok {
				size += len(b)
			}
		}
		if len(rows) < mostRows && size < mostBytes {
			return nil
		}
		return flush()
	})
	if err != nil {
		return s, err
	}
	return s, flush()
}

// insert stores rows, many with one statement.
func insert(ctx context.Context, tx *tx, table, columns string, rows [][]any) error {
	one := "(" + marks(len(rows[0])) + ")"
	args := make([]any, 0, len(rows)*len(rows[0]))
	for _, r := range rows {
		args = append(args, r...)
	}
	_, err := tx.exec(ctx, `INSERT INTO `+table+` (`+columns+`) VALUES `+one+strings.Repeat(", "+one, len(rows)-1), args...)
	return err
}

// each calls f with every row, and closes them.
func each(rs *sql.Rows, err error, f func([]any) error) error {
	if err != nil {
		return err
	}
	defer func() { _ = rs.Close() }() // Err says what matters
	names, err := rs.Columns()
	if err != nil {
		return err
	}
	for rs.Next() {
		row := make([]any, len(names))
		dst := make([]any, len(names))
		for i := range row {
			dst[i] = &row[i]
		}
		if err := rs.Scan(dst...); err != nil {
			return err
		}
		if err := f(row); err != nil {
			return err
		}
	}
	return rs.Err()
}
