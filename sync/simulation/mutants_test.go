package simulation

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// mutant is a fault put into the product's code: old becomes new in file.
type mutant struct {
	name string
	file string // below sync/
	swap []string
	most int // seeds within which it must be caught
}

// mutants are what the simulation must catch. The text that they replace must be
// in the code: one that no longer is there fails the test.
var mutants = []mutant{
	{"a receipt is sent before the commit", "portal/intake.go", []string{
		"	out, err := s.p.ledger.Intake(", `	early := &wire.Receipts{}
	for _, r := range in {
		b, _ := wire.SignReceipt(wire.Receipt{
			Level: wire.Durable, Kiosk: s.kiosk, Epoch: r.Epoch, Seq: r.Seq, Doc: r.Doc, Digest: r.Digest,
			Stage: wire.StageDelivered, At: s.p.c.Now().Unix(), Confirmer: s.p.c.Name,
		}, s.p.c.Receipt.Key, s.p.c.Receipt.Cert)
		early.Receipts = append(early.Receipts, b)
	}
	_ = s.conn.Send(ctx, early)
	out, err := s.p.ledger.Intake(`,
	}, 400},
	{"the same record gets a new receipt", "ledger/relational/intake.go", []string{
		"	if err == nil {\n		return o, nil\n	}", "	if err == nil {\n		o.Receipt, err = make(r, at)\n		return o, err\n	}",
	}, 400},
	{"records are told apart by number only", "ledger/relational/intake.go", []string{
		"seq = ? AND digest = ?`,\n		kiosk, r.Epoch[:], seq, r.Digest[:]).Scan(&o.Receipt", "seq = ? AND (digest = ? OR 1)`,\n		kiosk, r.Epoch[:], seq, r.Digest[:]).Scan(&o.Receipt",
	}, 1500},
	{"a fork raises no alarm", "ledger/relational/intake.go", []string{"	if o.Fork {\n		err = raise(", "	if false {\n		err = raise("}, 1500},
	{"items are counted, and counted again after a restore", "ledger/relational/counter.go", []string{"CASE WHEN last >= ?1 THEN", "CASE WHEN last >= 0 * ?1 THEN"}, 1500},
	{"the sealed bytes come in a second commit", "outbox/accept.go", []string{
		"	if err := t.put(t.sealed, kindSealed, t.epoch, t.seq, marshalSealed(d.Doc, d.Sealed)); err != nil {\n		return nil, err\n	}\n", "",
		"	out.Code = d.Code\n", "	out.Code = d.Code\n	go func() {\n		_ = o.write(context.Background(), func(t *tx) error {\n			return t.put(t.sealed, kindSealed, out.Epoch, out.Seq, marshalSealed(d.Doc, d.Sealed))\n		})\n	}()\n",
	}, 400},
	{"the cursor moves before the item is stored", "outbox/item.go", []string{
		"	return o.writeLarge(ctx, func(t *tx) error {\n		m, err := t.readMeta()", `	if len(it.Bytes) > 0 {
		err := o.write(ctx, func(t *tx) error {
			m, err := t.readMeta()
			if err != nil || it.ID <= m.Cursor {
				return err
			}
			m.Cursor = it.ID
			t.after = append(t.after, func(m *memory) { m.cursor = it.ID })
			return t.putMeta(m)
		})
		if err != nil {
			return err
		}
		return o.write(ctx, func(t *tx) error { return t.putItem(&it) })
	}
	return o.writeLarge(ctx, func(t *tx) error {
		m, err := t.readMeta()`,
	}, 1500},
	{"a lease is not made durable", "outbox/lease.go", []string{"	if r.state() == Accepted {\n		e := journal.Entry{Kind: journal.Sent", "	if false {\n		e := journal.Entry{Kind: journal.Sent"}, 400},
	{"a print that was cut short begins again, unmarked", "outbox/prints.go", []string{
		`errs = append(errs, t.endPrint(p.id, Unknown, "printer.interrupted"))`, `errs = append(errs, func() error {
				q, err := t.open(p.id)
				if err != nil {
					return err
				}
				q.r.setPrint(q.kind, Queued)
				return t.update(q.epoch, q.seq, &q.r)
			}())`,
	}, 400},
	{"a paper has two open jobs", "outbox/prints.go", []string{"		case Printing:\n			return fmt.Errorf(", "		case 99:\n			return fmt.Errorf("}, 1500},
	{"a receipt for other bytes is believed", "uplink/down.go", []string{" || r.Digest != have.SealedDigest", ""}, 3000},
}

var caught = regexp.MustCompile(`seed (\d+): INVARIANT (\w+) is broken: (.*)`)

// TestMutants puts each fault into the code, builds this test with it, and plays
// seeds until an invariant breaks. make nightly tries all of them, make test the
// first.
func TestMutants(t *testing.T) {
	if *quiet {
		t.Skip("this is a mutant")
	}
	all := mutants
	if os.Getenv("PENJIRE_MUTANTS") == "" {
		all = mutants[:1]
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	var table []string
	for _, m := range all {
		t.Run(m.name, func(t *testing.T) {
			file := filepath.Join(root, "sync", filepath.FromSlash(m.file))
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			code := string(b)
			for i := 0; i < len(m.swap); i += 2 {
				if strings.Count(code, m.swap[i]) != 1 {
					t.Fatalf("%s has %d times: %s", m.file, strings.Count(code, m.swap[i]), m.swap[i])
				}
				code = strings.Replace(code, m.swap[i], m.swap[i+1], 1)
			}
			dir := t.TempDir()
			changed := filepath.Join(dir, "changed.go")
			if err := os.WriteFile(changed, []byte(code), 0o600); err != nil {
				t.Fatal(err)
			}
			overlay, err := json.Marshal(map[string]map[string]string{"Replace": {file: changed}})
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "overlay.json"), overlay, 0o600); err != nil {
				t.Fatal(err)
			}
			bin := filepath.Join(dir, "mutant.test")
			build := exec.Command("go", "test", "-c", "-overlay", filepath.Join(dir, "overlay.json"), "-o", bin, "./sync/simulation") //nolint:gosec // our own
			build.Dir = root
			if out, err := build.CombinedOutput(); err != nil {
				t.Fatalf("build: %v\n%s", err, out)
			}
			run := exec.Command(bin, "-test.run", "^TestSeeds$", "-quiet", "-seeds", strconv.Itoa(m.most)) //nolint:gosec // our own
			out, err := run.CombinedOutput()
			found := caught.FindStringSubmatch(string(out))
			if err == nil || found == nil {
				t.Fatalf("not caught in %d seeds: %v\n%s", m.most, err, tail(string(out)))
			}
			table = append(table, fmt.Sprintf("%-55s %-28s seed %s", m.name, found[2], found[1]))
		})
	}
	t.Logf("\n%-55s %-28s %s\n%s", "mutant", "caught by", "after", strings.Join(table, "\n"))
}

func tail(s string) string { return s[max(0, len(s)-2000):] }
