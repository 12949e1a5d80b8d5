package sqlite

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/edoc/seal"
	"github.com/penjire/penjire/sync/edoc/specimen"
	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/ledger/ledgertest"
)

func TestLedger(t *testing.T) {
	ledgertest.Test(t, func(t testing.TB) ledgertest.Opener {
		file := filepath.Join(t.TempDir(), "a folder?", "ledger.db")
		return func(t testing.TB) ledger.Ledger { return openFile(t, file) }
	})
}

func openFile(t testing.TB, file string) *DB {
	t.Helper()
	d, err := Open(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestDurable holds the settings that the promise «on disk» stands on.
func TestDurable(t *testing.T) {
	d := openFile(t, filepath.Join(t.TempDir(), "ledger.db"))
	defer func() { _ = d.Close() }()
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2"} {
		var got string
		if err := d.w.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
			t.Errorf("%s = %q, %v, want %q", pragma, got, err, want)
		}
	}
	if _, err := d.r.ExecContext(t.Context(), `DELETE FROM records`); err == nil {
		t.Error("the reading side can write")
	}
}

// TestCheckFinds spoils a ledger in each way that Check speaks of.
func TestCheckFinds(t *testing.T) {
	key := func(r ledger.Incoming) ledger.Key {
		return ledger.Key{Kiosk: ledgertest.Kiosk, Epoch: r.Epoch, Seq: r.Seq, Digest: r.Digest, Doc: r.Doc}
	}
	const code = `INSERT INTO codes VALUES (x'01', 'K-1', x'', 0, 1, 2, 'o', 5);`
	for _, c := range []struct{ want, spoil string }{
		{"without its request", `DELETE FROM requests`},
		{"that no record brought", `UPDATE requests SET seq = 99`},
		{"without its receipt", `UPDATE records SET decided_receipt = NULL WHERE seq = 1`},
		{"without a reason", `UPDATE records SET reason = '' WHERE seq = 2`},
		{"not among the items", `DELETE FROM items WHERE kind = 1`},
		{"a fork without", `DELETE FROM records WHERE seq = 3 AND fork = 0`},
		{"does not fit the state", `UPDATE requests SET state = 'registered'`},
		{"not among the kiosk's items", `DELETE FROM items WHERE kind = 2`},
		{"not what went to the kiosk", `UPDATE requests SET answer_packet = x'00'`},
		{"what was published last", `INSERT INTO items (kiosk, id, kind, version, doc, stage, at, bytes) VALUES ('', 1, 4, 9, x'', '', 0, x'00')`},
		{"without its check number", `UPDATE requests SET answer_seal = 'HTTPS://X/V/Y'`},
		{"two broadcasts", `INSERT INTO items (kiosk, id, kind, doc, stage, at, bytes) VALUES ('', 1, 4, x'', '', 0, x'00'), ('', 2, 4, x'', '', 0, x'00')`},
		{"cursor beyond", `INSERT INTO kiosks (id, epoch, at, software, unsent, oldest, catalogue, trust, cursor) VALUES ('K', x'', 0, '', 0, 0, 0, 0, 4611686018427387904)`},
		{"beyond its counter", `UPDATE counters SET last = 1`},
		{"for a code of another kiosk", code + `INSERT INTO certificates VALUES (x'01', 'K-2', 'identity', x'', 0, 0, 0, x'01', x'01', NULL, 0, '', '')`},
		{"that was taken back before", code + `INSERT INTO certificates VALUES (x'01', 'K-1', 'identity', x'', 0, 0, 9, x'01', x'01', NULL, 0, '', '')`},
		{"revoked by nobody", code + `INSERT INTO certificates VALUES (x'01', 'K-1', 'identity', x'', 0, 0, 2, x'01', x'01', NULL, 3, '', '')`},
		{"further than it may go", `INSERT INTO releases VALUES ('vm', 1, 'v', x'', 1, x'', 1, 2, '', '', 0)`},
		{"what its digest says", `UPDATE records SET sealed = x'00' WHERE seq = 1`},
	} {
		d := openFile(t, filepath.Join(t.TempDir(), "ledger.db"))
		ctx, now := t.Context(), time.Unix(1795358000, 0)
		a, b, f1, f2 := ledgertest.Incoming(1), ledgertest.Incoming(2), ledgertest.Incoming(3), ledgertest.Incoming(4)
		f2.Seq = 3
		if _, err := d.Intake(ctx, ledgertest.Kiosk, now, []ledger.Incoming{a, b, f1, f2}, ledgertest.Receipt()); err != nil {
			t.Fatal(err)
		}
		if err := ledgertest.Settle(ctx, d, key(a), ledgertest.Registered()); err != nil {
			t.Fatal(err)
		}
		if err := ledgertest.Settle(ctx, d, key(b), ledgertest.Refused("cert.foreign")); err != nil {
			t.Fatal(err)
		}
		if err := d.Answer(ctx, a.Doc, ledger.Answer{State: ledger.Answered, At: now, Container: []byte("c"), Packet: []byte("p")}); err != nil {
			t.Fatal(err)
		}
		if err := d.Check(ctx); err != nil {
			t.Fatalf("Check before spoiling = %v", err)
		}
		if _, err := d.w.ExecContext(ctx, c.spoil); err != nil {
			t.Fatalf("%s: %v", c.spoil, err)
		}
		if err := d.Check(ctx); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("Check after %s = %v, want %q", c.spoil, err, c.want)
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// toSchema8 takes away what schemas 9 to 12 added, toSchema3 what 4 to 8 did, toSchema2
// what 3 did too.
const (
	toSchema8 = `DROP TABLE layers; DROP TABLE releases; DROP TABLE software; DROP TABLE ended; DROP TABLE certificates; DROP TABLE codes; DROP TABLE counters; DROP INDEX items_doc; ALTER TABLE items RENAME TO items_now;
		CREATE TABLE items (
			id INTEGER PRIMARY KEY AUTOINCREMENT,
			kiosk TEXT NOT NULL, kind INTEGER NOT NULL, version INTEGER NOT NULL DEFAULT 0,
			doc BLOB NOT NULL, stage TEXT NOT NULL, at INTEGER NOT NULL, bytes BLOB NOT NULL,
			acked INTEGER NOT NULL DEFAULT 0
		) STRICT;
		CREATE INDEX items_kiosk ON items (kiosk, id);
		CREATE INDEX items_doc ON items (doc);
		INSERT INTO items SELECT id, kiosk, kind, version, doc, stage, at, bytes, acked FROM items_now;
		DROP TABLE items_now;`
	toSchema3 = toSchema8 + `ALTER TABLE heads DROP COLUMN counter; DROP TABLE awaiting; DROP TABLE dictionaries;
		DROP TABLE revoked_seals; DROP INDEX requests_answer; DROP TABLE traffic; DROP TABLE uploads; DROP TABLE chunks;`
	toSchema2 = toSchema3 + `DROP INDEX items_doc; DROP TABLE published;
	ALTER TABLE records DROP COLUMN channel; ALTER TABLE records DROP COLUMN sent;
	ALTER TABLE requests DROP COLUMN channel; ALTER TABLE requests DROP COLUMN sent; ALTER TABLE requests DROP COLUMN original;
	ALTER TABLE items DROP COLUMN acked; PRAGMA user_version = 2;`
)

// TestOlderFileStorage opens a file of schema 2, which forgot what was published
// before and kept no originals.
func TestOlderFileStorage(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ledger.db")
	d, ctx, now := openFile(t, file), t.Context(), time.Unix(1795358000, 0)
	in := ledgertest.Incoming(1)
	if _, err := d.Intake(ctx, ledgertest.Kiosk, now, []ledger.Incoming{in}, ledgertest.Receipt()); err != nil {
		t.Fatal(err)
	}
	if err := ledgertest.Settle(ctx, d, ledger.Key{Kiosk: ledgertest.Kiosk, Epoch: in.Epoch, Seq: in.Seq, Digest: in.Digest, Doc: in.Doc}, ledgertest.Registered()); err != nil {
		t.Fatal(err)
	}
	if err := d.Broadcast(ctx, ledger.ItemTrust, 7, now, []byte("trust 7")); err != nil {
		t.Fatal(err)
	}
	if _, err := d.w.ExecContext(ctx, toSchema2); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	d = openFile(t, file)
	defer func() { _ = d.Close() }()
	if p, err := d.PublishedVersion(ctx, ledger.ItemTrust, 7); err != nil || string(p.Bytes) != "trust 7" || !p.At.Equal(now) {
		t.Errorf("PublishedVersion in an older file = %+v, %v, want the last one", p, err)
	}
	r, err := d.Get(ctx, in.Doc)
	if err != nil || r.Original != nil || r.Channel != ledger.ChannelKiosk || !r.Sent.IsZero() || string(r.Container) != "container" {
		t.Errorf("Get in an older file = %+v, %v", r, err)
	}
	if err := d.Check(ctx); err != nil {
		t.Errorf("Check of an older file = %v", err)
	}
}

// TestOlderFile opens a file of schema 1, which had no check numbers.
func TestOlderFile(t *testing.T) {
	world, err := specimen.New(time.Unix(1795358000, 0))
	if err != nil {
		t.Fatal(err)
	}
	by := world.Agencies["civil-registry"]
	s, err := seal.Make(seal.Seal{
		Kind: seal.Copy, Issuer: "civil-registry", Service: "residence-certificate", Doc: make([]byte, 32),
		Date: time.Unix(1795358000, 0).UTC(), Subject: "A. N.", Facts: [][2]string{{"number", "YH-417"}},
	}, by.Key, by.Cert)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ledger.db")
	d, ctx, now := openFile(t, file), t.Context(), time.Unix(1795358000, 0)
	sealed, plain := ledgertest.Incoming(1), ledgertest.Incoming(2)
	if _, err := d.Intake(ctx, ledgertest.Kiosk, now, []ledger.Incoming{sealed, plain}, ledgertest.Receipt()); err != nil {
		t.Fatal(err)
	}
	for _, r := range []ledger.Incoming{sealed, plain} {
		if err := ledgertest.Settle(ctx, d, ledger.Key{Kiosk: ledgertest.Kiosk, Epoch: r.Epoch, Seq: r.Seq, Digest: r.Digest, Doc: r.Doc}, ledgertest.Registered()); err != nil {
			t.Fatal(err)
		}
		a := ledger.Answer{State: ledger.Answered, At: now, Container: []byte("c"), Packet: []byte("p")}
		if r.Seq == 1 {
			a.Seal, a.Check = s.URL("https://portal.specimen"), s.CheckNumber()
		}
		if err := d.Answer(ctx, r.Doc, a); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := d.w.ExecContext(ctx,
		toSchema2+`DROP INDEX requests_check; ALTER TABLE requests DROP COLUMN answer_check; PRAGMA user_version = 1`); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time it is a file of today
		d = openFile(t, file)
		if got, err := d.ByCheckNumber(ctx, s.CheckNumber()); err != nil || len(got) != 1 || got[0] != s.URL("https://portal.specimen") {
			t.Errorf("ByCheckNumber in an older file = %q, %v, want its seal", got, err)
		}
		if err := d.Check(ctx); err != nil {
			t.Errorf("Check of an older file = %v", err)
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestNewerFileIsRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ledger.db")
	d := openFile(t, file)
	if _, err := d.w.ExecContext(t.Context(), `PRAGMA user_version = 99`); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), file); err == nil || !strings.Contains(err.Error(), "version 99") {
		t.Errorf("Open of a newer file = %v, want it refused", err)
	}
}

// BenchmarkIntake64 takes in batches of 64 records of 600 bytes.
func BenchmarkIntake64(b *testing.B) {
	d := openFile(b, filepath.Join(b.TempDir(), "ledger.db"))
	defer func() { _ = d.Close() }()
	seq := uint64(0)
	for b.Loop() {
		var recs []ledger.Incoming
		for range 64 {
			seq++
			r := ledgertest.Incoming(seq)
			r.Sealed = append(make([]byte, 600), r.Sealed...)
			recs = append(recs, r)
		}
		if _, err := d.Intake(b.Context(), ledgertest.Kiosk, time.Now(), recs, ledgertest.Receipt()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(seq)/b.Elapsed().Seconds(), "records/s")
}
