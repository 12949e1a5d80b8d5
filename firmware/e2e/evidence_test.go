package e2e

import (
	"database/sql"
	"encoding/hex"
	"os"
	"path/filepath"

	_ "modernc.org/sqlite" // the driver "sqlite": the portal's file is read as anyone could

	"github.com/penjire/penjire/sync/journal"
	"github.com/penjire/penjire/sync/outbox"
)

// disk is what the kiosk's disk held when the power went.
type disk struct {
	docs        []outbox.Doc // accepted, in order
	requests    map[outbox.Doc]outbox.Request
	interrupted int // receipts that were being printed
	copies      int // certified copies that were
}

// looked is the boot that a look at the disk writes into its copy.
const looked = "e2e-look"

// disk opens a copy of the outbox of a kiosk without power and checks all of
// it: the file, the journal since the head last seen, that every code a citizen
// was shown is there, and that no paper came out twice without a mark.
func (c *cuts) disk() disk {
	c.t.Helper()
	ctx := c.t.Context()
	if c.state().Kiosk.Running {
		c.t.Fatal("the kiosk has power")
	}
	dir := c.t.TempDir()
	b, err := os.ReadFile(filepath.Join(c.dir, "kiosk", "state", "outbox", "outbox.db"))
	if err != nil {
		c.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "outbox.db"), b, 0o600); err != nil {
		c.t.Fatal(err)
	}
	box, err := outbox.Open(ctx, dir, outbox.Options{Kiosk: "K-000001", Boot: looked})
	if err != nil {
		c.t.Fatalf("open what was on the disk: %v", err)
	}
	defer func() {
		if err := box.Close(); err != nil {
			c.t.Error(err)
		}
	}()
	if err := box.Check(ctx); err != nil {
		c.t.Errorf("what was on the disk is not whole: %v", err)
	}
	if alarms := box.Stats(ctx).Alarms; len(alarms) > 0 {
		c.t.Errorf("the disk raises %v", alarms)
	}
	c.continues(box)
	for _, code := range c.codes {
		if _, err := box.ByCode(ctx, code); err != nil {
			c.t.Errorf("request %s, whose code was shown, is not on the disk: %v", code, err)
		}
	}
	d := c.journal(box)
	if len(d.docs) < c.queued {
		c.t.Errorf("the disk holds %d requests, %d were counted before", len(d.docs), c.queued)
	}
	return d
}

// continues checks that the journal is longer than the one last seen, or as
// long, and begins with it.
func (c *cuts) continues(box *outbox.Outbox) {
	c.t.Helper()
	size, root := box.Head()
	proof, err := box.Consistency(c.t.Context(), c.size, size)
	if err != nil {
		c.t.Fatalf("the journal has %d entries, %d were seen: %v", size, c.size, err)
	}
	if err := journal.CheckConsistency(proof, c.size, size, c.root, root); err != nil {
		c.t.Errorf("the journal of %d entries does not begin with the %d seen: %v", size, c.size, err)
	}
}

// journal reads the whole journal: what was accepted, what was printed.
func (c *cuts) journal(box *outbox.Outbox) disk {
	c.t.Helper()
	type paper struct {
		doc  outbox.Doc
		kind uint8
	}
	d, out := disk{requests: map[outbox.Doc]outbox.Request{}}, map[paper]int{}
	size, _ := box.Head()
	for i := range size {
		e, err := box.Entry(c.t.Context(), i)
		if err != nil {
			c.t.Fatal(err)
		}
		switch e.Kind {
		case journal.DocSigned:
			doc := outbox.Doc(e.Fields.Doc)
			r, err := box.Get(c.t.Context(), doc)
			if err != nil {
				c.t.Errorf("request %d of the journal is not in the outbox: %v", e.Fields.Seq, err)
			}
			if _, twice := d.requests[doc]; twice {
				c.t.Errorf("request %d was accepted twice", e.Fields.Seq)
			}
			d.docs, d.requests[doc] = append(d.docs, doc), r
		case journal.Printed:
			if s := outbox.PrintState(e.Fields.Outcome); !e.Fields.Marked && (s == outbox.Printed || s == outbox.Unknown) {
				p := paper{outbox.Doc(e.Fields.Doc), e.Fields.Print}
				if out[p]++; out[p] > 1 {
					c.t.Errorf("print job %d: another paper of the same kind without a mark", e.Fields.Job)
				}
			}
			if e.Boot == looked && e.Fields.Print == outbox.PrintReceipt {
				d.interrupted++
			} else if e.Boot == looked {
				d.copies++
			}
		}
	}
	return d
}

// kept is a row of what the portal took in.
type kept struct{ state string }

// records reads the portal's own file: what it has taken in, by document.
func (b *bench) records() map[string][]kept {
	b.t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(b.dir, "portal", "ledger.db")+"?mode=ro&_pragma=busy_timeout(10000)")
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	rows, err := db.QueryContext(b.t.Context(), "SELECT doc, state FROM records")
	if err != nil {
		b.t.Fatalf("read the portal's file: %v", err)
	}
	defer func() { _ = rows.Close() }()
	out := map[string][]kept{}
	for rows.Next() {
		var doc []byte
		var k kept
		if err := rows.Scan(&doc, &k.state); err != nil {
			b.t.Fatal(err)
		}
		out[hex.EncodeToString(doc)] = append(out[hex.EncodeToString(doc)], k)
	}
	if err := rows.Err(); err != nil {
		b.t.Fatal(err)
	}
	return out
}

// undecided counts what the portal has taken in and not decided.
func undecided(rs map[string][]kept) int {
	n := 0
	for _, ks := range rs {
		for _, k := range ks {
			if k.state == "received" {
				n++
			}
		}
	}
	return n
}
