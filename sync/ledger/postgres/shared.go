package postgres

import (
	"context"
	"fmt"
)

// LastItems implements ledger.Shared.
func (d *DB) LastItems(ctx context.Context, kiosks []string) (map[string]uint64, error) {
	rs, err := d.db.QueryContext(ctx, `SELECT kiosk, last FROM counters WHERE kiosk = '' OR kiosk = ANY($1)`, kiosks)
	if err != nil {
		return nil, fmt.Errorf("postgres: look for new items: %w", err)
	}
	defer func() { _ = rs.Close() }() // Err says what matters
	out := map[string]uint64{}
	for rs.Next() {
		var k string
		var n uint64
		if err := rs.Scan(&k, &n); err != nil {
			return nil, fmt.Errorf("postgres: look for new items: %w", err)
		}
		out[k] = n
	}
	if err := rs.Err(); err != nil {
		return nil, fmt.Errorf("postgres: look for new items: %w", err)
	}
	return out, nil
}
