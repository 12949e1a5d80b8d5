package relational

import (
	"database/sql"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/penjire/penjire/sync/ledger"
)

// toMilli stores a time; the zero time is 0.
func toMilli(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMilli(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.UnixMilli(n).UTC()
}

// toInt stores a sequence or cursor; SQL's integers have a sign.
func toInt(n uint64) (int64, error) {
	if n > math.MaxInt64 {
		return 0, fmt.Errorf("%d is larger than the ledger can hold", n)
	}
	return int64(n), nil
}

// flag stores a yes or no.
func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// known is a text of a document as every database takes it: PostgreSQL knows no
// zero character. What was signed is in the container.
func known(s string) string { return strings.ReplaceAll(s, "\x00", "\uFFFD") }

// blob32 and blob16 scan blobs of a fixed length.
type (
	blob32 [32]byte
	blob16 [16]byte
)

// Scan implements sql.Scanner.
func (b *blob32) Scan(v any) error { return scanBlob(b[:], v) }

// Scan implements sql.Scanner.
func (b *blob16) Scan(v any) error { return scanBlob(b[:], v) }

func scanBlob(dst []byte, v any) error {
	src, ok := v.([]byte)
	if !ok || len(src) != len(dst) {
		return fmt.Errorf("stored value is a %T of %d bytes, want %d", v, len(src), len(dst))
	}
	copy(dst, src)
	return nil
}

// milli scans a time.
type milli struct{ t *time.Time }

// Scan implements sql.Scanner.
func (m milli) Scan(v any) error {
	n, ok := v.(int64)
	if !ok {
		return fmt.Errorf("stored time is a %T", v)
	}
	*m.t = fromMilli(n)
	return nil
}

// rows reads all rows with one, and closes them.
func rows[T any](rs *sql.Rows, err error, one func(*sql.Rows) (T, error)) ([]T, error) {
	if err != nil {
		return nil, err
	}
	defer func() { _ = rs.Close() }() // Err says what matters
	var out []T
	for rs.Next() {
		v, err := one(rs)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, rs.Err()
}

// noRows turns sql's word for it into the ledger's.
func noRows(err error) error {
	if err == sql.ErrNoRows {
		return ledger.ErrNotFound
	}
	return err
}
