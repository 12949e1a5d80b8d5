package relational

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
)

// rules are queries whose every row is a fault; the first column says which.
var rules = []struct{ fault, query string }{
	{
		"a registered record without its request",
		`SELECT id FROM records r WHERE state = 'registered' AND NOT EXISTS (SELECT 1 FROM requests q WHERE q.doc = r.doc)`,
	},
	{
		"a request that no record brought",
		`SELECT code FROM requests q WHERE NOT EXISTS (SELECT 1 FROM records r
		   WHERE r.doc = q.doc AND r.kiosk = q.kiosk AND r.epoch = q.epoch AND r.seq = q.seq AND r.state = 'registered')`,
	},
	{
		"a decided record without its receipt, or a received one with it",
		`SELECT id FROM records WHERE (state = 'received') != (decided_receipt IS NULL) OR length(receipt) = 0`,
	},
	{
		"a refused record without a reason, or another with one",
		`SELECT id FROM records WHERE (state = 'refused') != (reason != '')`,
	},
	{
		"a decided record whose receipt is not among the items",
		`SELECT id FROM records r WHERE state != 'received' AND NOT EXISTS (SELECT 1 FROM items i
		   WHERE i.kiosk = r.kiosk AND i.doc = r.doc AND i.kind = 1 AND i.bytes = r.decided_receipt)`,
	},
	{
		"a fork without the record it differs from",
		`SELECT id FROM records f WHERE fork = 1 AND NOT EXISTS (SELECT 1 FROM records r
		   WHERE r.kiosk = f.kiosk AND r.epoch = f.epoch AND r.seq = f.seq AND r.fork = 0)`,
	},
	{
		"an answer that does not fit the state",
		`SELECT code FROM requests WHERE (state = 'registered') != (answer_id IS NULL)
		   OR (answer_id IS NULL) != (answer_packet IS NULL) OR (answer_id IS NULL) != (answer_container IS NULL)`,
	},
	{
		"an answer that is not among the kiosk's items",
		`SELECT code FROM requests q WHERE answer_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM items i
		   WHERE i.kiosk = q.kiosk AND i.doc = q.doc AND i.kind = 2)`,
	},
	{
		"an answer that is not what went to the kiosk",
		`SELECT code FROM requests q WHERE answer_id IS NOT NULL AND EXISTS (SELECT 1 FROM items i
		   WHERE i.doc = q.doc AND i.kind = 2 AND i.bytes != q.answer_packet)`,
	},
	{
		"what was published last and is not in the items, or the other way round",
		`SELECT kind FROM items i WHERE kiosk = '' AND NOT EXISTS (SELECT 1 FROM published p
		   WHERE p.kind = i.kind AND p.version = i.version AND p.bytes = i.bytes)`,
	},
	{
		"a seal without its check number, or the other way round",
		`SELECT code FROM requests WHERE (answer_seal = '') != (answer_check = '')`,
	},
	{
		"an upload that has other bytes than it says",
		`SELECT kiosk FROM uploads u WHERE have > size OR have != (SELECT coalesce(sum(length(bytes)), 0) FROM chunks c
		   WHERE c.kiosk = u.kiosk AND c.digest = u.digest)`,
	},
	{
		"bytes of no upload",
		`SELECT kiosk FROM chunks c WHERE NOT EXISTS (SELECT 1 FROM uploads u WHERE u.kiosk = c.kiosk AND u.digest = c.digest)`,
	},
	{
		"a certificate for a code of another kiosk, or of none",
		`SELECT x.kiosk FROM certificates x WHERE code IS NOT NULL AND NOT EXISTS (SELECT 1 FROM codes c WHERE c.id = x.code AND c.kiosk = x.kiosk)`,
	},
	{
		"a certificate for a code that was taken back before",
		`SELECT x.kiosk FROM certificates x, codes c WHERE c.id = x.code AND c.taken != 0 AND c.taken < x.issued`,
	},
	{
		"a certificate without its bytes, or revoked by nobody",
		`SELECT kiosk FROM certificates WHERE length(der) = 0 OR (revoked = 0) != (by_whom = '')`,
	},
	{
		"a release that is further than it may go",
		`SELECT board FROM releases WHERE ring > widest`,
	},
	{
		"two broadcasts of one kind",
		`SELECT kind FROM items WHERE kiosk = '' GROUP BY kind HAVING count(*) > 1`,
	},
	{
		"a cursor beyond the last item",
		`SELECT id FROM kiosks k WHERE cursor > coalesce((SELECT max(last) FROM counters c WHERE c.kiosk IN (k.id, '')), 0)`,
	},
	{
		"an item beyond its counter",
		`SELECT id FROM items i WHERE id > coalesce((SELECT last FROM counters c WHERE c.kiosk = i.kiosk), 0)`,
	},
}

// Check implements ledger.Ledger: the database's own check of its files, every digest,
// and whether the tables agree with each other.
func (d *Store) Check(ctx context.Context) error {
	var faults []error
	fault := func(format string, a ...any) { faults = append(faults, d.errorf("check: "+format, a...)) }
	if d.d.Whole != nil {
		lines, err := d.d.Whole(ctx, d.r)
		if err != nil {
			return d.errorf("check: %w", err)
		}
		for _, l := range lines {
			fault("file: %s", l)
		}
	}
	for _, r := range rules {
		rs, err := d.query(ctx, r.query)
		which, err := rows(rs, err, func(rs *sql.Rows) (s string, err error) {
			err = rs.Scan(&s)
			return s, err
		})
		if err != nil {
			return d.errorf("check for %s: %w", r.fault, err)
		}
		for _, w := range which {
			fault("%s: %s", r.fault, w)
		}
	}
	rs, err := d.query(ctx, `SELECT id, digest, sealed FROM records`)
	_, err = rows(rs, err, func(rs *sql.Rows) (struct{}, error) {
		var id int64
		var digest blob32
		var sealed sql.RawBytes
		if err := rs.Scan(&id, &digest, &sealed); err != nil {
			return struct{}{}, err
		}
		if sha256.Sum256(sealed) != digest {
			fault("record %d is not what its digest says", id)
		}
		return struct{}{}, nil
	})
	if err != nil {
		return d.errorf("check digests: %w", err)
	}
	return errors.Join(faults...)
}
