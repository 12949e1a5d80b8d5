package archive

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/csv"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/penjire/penjire/sync/citizen"
	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/ledger/sqlite"
	"github.com/penjire/penjire/sync/portal"
	"github.com/penjire/penjire/sync/portal/portaltest"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// world is a portal with three requests: one answered by a certified copy, one
// registered, one only received.
func world(t testing.TB) (*portaltest.World, ledger.Doc) {
	t.Helper()
	w := portaltest.Open(t, noon)
	w.Now = noon.Add(time.Minute) // the first bundle is in force by then
	due := noon.Add(5 * 24 * time.Hour)
	service, _ := w.Catalogue().Service("residence-certificate")
	doc := w.Register(t, "citizen-1", w.Document(t, "citizen-1", service.ID, nil), due)
	d := portal.AnswerDraft{Decision: ledger.Answered, By: "NUSGA"}
	for _, f := range service.Result.Facts {
		d.Facts = append(d.Facts, portal.Fact{Name: f.Name, Value: citizen.NewText("fact")})
	}
	if _, err := w.Answer(t.Context(), service.Agency, doc, d); err != nil {
		t.Fatal(err)
	}
	w.Register(t, "citizen-2", w.Document(t, "citizen-2", "complaint", nil), due)
	w.Receive(t, "citizen-1", w.Document(t, "citizen-1", "complaint", nil))
	return w, doc
}

// spoiled returns an archive on a copy of the world's ledger, changed by these
// statements. The portal's own file stays in order.
func spoiled(t testing.TB, w *portaltest.World, statements ...string) (*Archive, string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "copy.db")
	src, err := sql.Open("sqlite", w.File)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = src.Close() }()
	if _, err := src.ExecContext(t.Context(), `VACUUM INTO ?`, file); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range statements {
		r, err := db.ExecContext(t.Context(), s)
		if err != nil {
			t.Fatalf("%s: %v", s, err)
		}
		if n, err := r.RowsAffected(); err != nil || n == 0 && strings.HasPrefix(s, "UPDATE") {
			t.Fatalf("%s changed %d rows, %v", s, n, err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return open(t, w, file), file
}

func open(t testing.TB, w *portaltest.World, file string) *Archive {
	t.Helper()
	l, err := sqlite.OpenExisting(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	id, err := age.ParseX25519Identity(w.AgeIdentity)
	if err != nil {
		t.Fatal(err)
	}
	return &Archive{Ledger: l, Roots: w.Roots(), Identities: []age.Identity{id}, Now: w.Now, Renew: 24 * time.Hour}
}

func check(t testing.TB, a *Archive) (Summary, []Trouble) {
	t.Helper()
	var all []Trouble
	s, err := a.Check(t.Context(), func(x Trouble) { all = append(all, x) })
	if err != nil {
		t.Fatalf("Check = %v", err)
	}
	return s, all
}

func TestCheckGood(t *testing.T) {
	w, _ := world(t)
	a, _ := spoiled(t, w)
	s, all := check(t, a)
	if len(all) > 0 || !s.Good() || s.Records != 3 || s.Documents != 2 || s.Answers != 1 || s.Seals != 1 || s.NoBundleThen != 0 || s.NoOriginal != 0 || s.NextRenewal.IsZero() {
		t.Errorf("Check = %+v, %+v, want all in order", s, all)
	}
}

// TestCheckFinds spoils an archive in each way, and wants it named.
func TestCheckFinds(t *testing.T) {
	w, _ := world(t)
	for _, c := range []struct {
		name, spoil string
		kind        Kind
		code        string
	}{
		{"an envelope", `UPDATE records SET sealed = zeroblob(200) WHERE id = 1`, Damaged, "sealed.digest"},
		{"a receipt", `UPDATE records SET receipt = zeroblob(80) WHERE id = 3`, Damaged, "receipt.durable"},
		{"a receipt put beside another record", `UPDATE records SET receipt = (SELECT receipt FROM records WHERE id = 1) WHERE id = 2`, Damaged, "receipt.durable"},
		{"the time of receipt", `UPDATE records SET received = received + 86400000 WHERE id = 1`, Damaged, "receipt.durable"},
		{"a decision", `UPDATE records SET decided_receipt = receipt WHERE id = 1`, Damaged, "receipt.decided"},
		{"a container", `UPDATE requests SET container = zeroblob(2000) WHERE rowid = 1`, Damaged, "container.malformed"},
		{"a container cut off", `UPDATE requests SET container = substr(container, 1, 900) WHERE rowid = 1`, Damaged, "container.malformed"},
		{"another's container", `UPDATE requests SET container = (SELECT container FROM requests WHERE rowid = 2) WHERE rowid = 1`, Damaged, "container.other"},
		{"the original", `UPDATE requests SET original = zeroblob(20) WHERE rowid = 2`, Damaged, "original.malformed"},
		{"another's original", `UPDATE requests SET original = (SELECT original FROM requests WHERE rowid = 1) WHERE rowid = 2`, Damaged, "original.other"},
		{"the code", `UPDATE requests SET code = 'K7M4P29QDX' WHERE rowid = 1`, Damaged, "registry.differs"},
		{"the service", `UPDATE requests SET service = 'complaint' WHERE rowid = 1`, Damaged, "registry.differs"},
		{"what was found then", `UPDATE requests SET facts = replace(facts, '"signer":{"verdict":"yes"', '"signer":{"verdict":"unknown"') WHERE rowid = 1`, Changed, "facts.differ"},
		{"an answer", `UPDATE requests SET answer_container = zeroblob(99) WHERE rowid = 1`, Damaged, "container.malformed"},
		{"the request in place of the answer", `UPDATE requests SET answer_container = container WHERE rowid = 1`, Damaged, "container.other"},
		{"a seal", `UPDATE requests SET answer_seal = substr(answer_seal, 1, 100) WHERE rowid = 1`, Damaged, "seal.malformed"},
		{"a check number", `UPDATE requests SET answer_check = 'K7M4P29QDX' WHERE rowid = 1`, Damaged, "seal.number"},
		{"a packet", `UPDATE requests SET answer_packet = zeroblob(99) WHERE rowid = 1`, Damaged, "ledger.inconsistent"},
		{"a broken row", `UPDATE requests SET facts = '{' WHERE rowid = 2`, Unreadable, "document.read"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, file := spoiled(t, w, c.spoil)
			before, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			s, all := check(t, a)
			if !slices.ContainsFunc(all, func(x Trouble) bool { return x.Kind == c.kind && x.Code == c.code }) {
				t.Errorf("Check found %+v, want %s %s", all, c.kind, c.code)
			}
			if s.Good() == (c.kind != Changed) || s.Records != 3 || s.Documents != 2 {
				t.Errorf("Check = %+v, want it to go through everything", s)
			}
			if after, err := os.ReadFile(file); err != nil || string(after) != string(before) {
				t.Errorf("the check changed the file: %v", err)
			}
		})
	}
}

// TestCheckTornPages overwrites pages of the file, as a dying disk does. The check
// says what it cannot read, and comes to its end.
func TestCheckTornPages(t *testing.T) {
	w, _ := world(t)
	torn := 0
	_, file := spoiled(t, w)
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	const page = 4096
	for i := 1; i < len(b)/page; i++ { // the first page is the file's own
		spoilt := slices.Clone(b)
		for j := i * page; j < (i+1)*page; j++ {
			spoilt[j] ^= 0xff
		}
		name := filepath.Join(t.TempDir(), "torn.db")
		if err := os.WriteFile(name, spoilt, 0o600); err != nil {
			t.Fatal(err)
		}
		l, err := sqlite.OpenExisting(t.Context(), name)
		if err != nil {
			torn++ // it is named already when it is opened
			continue
		}
		a := &Archive{Ledger: l, Roots: w.Roots(), Now: w.Now, Renew: 24 * time.Hour}
		var all []Trouble
		s, err := a.Check(t.Context(), func(x Trouble) { all = append(all, x) })
		if err != nil || !s.Good() {
			torn++
		}
		if err == nil && s.Good() != (s.Troubles[Damaged]+s.Troubles[Unreadable] == 0) {
			t.Errorf("page %d: %+v with %+v", i, s, all)
		}
		if err := l.Close(); err != nil {
			t.Logf("page %d: close: %v", i, err)
		}
	}
	if pages := len(b)/page - 1; torn < pages*9/10 { // a free page may be torn and nobody misses it
		t.Errorf("of %d torn pages %d were noticed", pages, torn)
	}
}

// TestCheckLater judges the same archive as of later times: what was accepted
// keeps its force by its stamp, and the stamps want to be renewed in time.
func TestCheckLater(t *testing.T) {
	w, _ := world(t)
	a, _ := spoiled(t, w)
	s, _ := check(t, a)
	a.Now = s.NextRenewal.Add(-10 * 24 * time.Hour)
	a.Renew = 30 * 24 * time.Hour
	s, all := check(t, a)
	if !slices.ContainsFunc(all, func(x Trouble) bool { return x.Kind == Renew && strings.Contains(x.Note, "3 documents") }) {
		t.Errorf("shortly before the stamps' certificate ends: %+v, want them named", all)
	}
	if !s.Good() {
		t.Errorf("Check later = %+v, %+v: nothing was damaged", s, all)
	}
}

// TestNoBundleThen is an archive from before bundles were kept.
func TestNoBundleThen(t *testing.T) {
	w, _ := world(t)
	a, _ := spoiled(t, w, `DELETE FROM published WHERE kind = 4`, `UPDATE requests SET original = NULL WHERE rowid = 2`,
		`INSERT INTO published SELECT kind, version, 4102444800000, bytes FROM items WHERE kiosk = '' AND kind = 4`)
	s, all := check(t, a)
	if !s.Good() || s.NoBundleThen != 3 || s.NoOriginal != 1 || len(all) != 0 {
		t.Errorf("Check = %+v, %+v, want it to say what was not kept", s, all)
	}
}

// TestExport: what comes out is what came in, byte for byte, and the index says
// of it what ED-13 wants kept.
func TestExport(t *testing.T) {
	w, doc := world(t)
	a, _ := spoiled(t, w, `UPDATE requests SET original = NULL WHERE rowid = 2`, `UPDATE requests SET sent = received - 5000`)
	dir := filepath.Join(t.TempDir(), "out")
	e, err := a.ExportAll(t.Context(), dir)
	if err != nil || e.Documents != 2 || e.Files != 5 || len(e.Missing) != 0 {
		t.Fatalf("ExportAll = %+v, %v, want two documents in five files", e, err)
	}
	f, err := os.Open(filepath.Join(dir, IndexName))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	lines, err := csv.NewReader(f).ReadAll()
	if err != nil || len(lines) != 3 {
		t.Fatalf("the index has %d lines, %v, want 3", len(lines), err)
	}
	q, err := a.Ledger.Get(t.Context(), doc)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines[1:] {
		col := map[string]string{}
		for i, name := range lines[0] {
			col[name] = line[i]
		}
		for _, must := range []string{"code", "origin", "channel", "destination", "sender", "addressee", "made", "sent", "received", "registered", "digest_of_envelope"} {
			if col[must] == "" {
				t.Errorf("the index does not say %q of %s", must, col["document"])
			}
		}
		for _, form := range []string{"as_received", "raised", "answer"} {
			if col[form] == "" {
				continue
			}
			b, err := os.ReadFile(filepath.Join(dir, col[form]))
			if err != nil {
				t.Fatal(err)
			}
			if sum := sha256.Sum256(b); hex.EncodeToString(sum[:]) != col[form+"_sha256"] {
				t.Errorf("the index has another digest of %s", col[form])
			}
			if c, err := edoc.Parse(b); err != nil || form != "answer" && c.ID().String() != col["document"] {
				t.Errorf("%s holds %v, %v", col[form], c, err)
			}
		}
		if col["document"] == hex.EncodeToString(doc[:]) {
			if b, err := os.ReadFile(filepath.Join(dir, col["as_received"])); err != nil || string(b) != string(q.Original) {
				t.Errorf("what came in is not what comes out: %v", err)
			}
			if col["answered"] == "" || col["answer"] == "" || col["seal"] == "" {
				t.Errorf("the answer is not in the index: %v", col)
			}
		}
	}
	if _, err := a.ExportAll(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("ExportAll into a folder with files = %v, want it refused", err)
	}
}

func TestExportMissing(t *testing.T) {
	w, doc := world(t)
	a, _ := spoiled(t, w, `UPDATE requests SET original = NULL`, `UPDATE records SET sealed = zeroblob(9) WHERE id = 1`)
	e, err := a.ExportDocs(t.Context(), t.TempDir(), doc, ledger.Doc{1})
	if err != nil || e.Documents != 1 || len(e.Missing) != 2 {
		t.Errorf("ExportDocs = %+v, %v, want one document and two things named", e, err)
	}
	if s := strings.Join(e.Missing, "\n"); !strings.Contains(s, "damaged") || !strings.Contains(s, "not found") {
		t.Errorf("what is missing is said as %q", s)
	}
}

// many fills a ledger with n registered documents.
func many(t testing.TB, n int) *portaltest.World {
	t.Helper()
	w := portaltest.Open(t, noon)
	w.Now = noon.Add(time.Minute)
	for range n {
		w.Register(t, "citizen-1", w.Document(t, "citizen-1", "complaint", nil), noon.Add(5*24*time.Hour))
	}
	return w
}

// TestCheckMemory: what a check holds does not grow with what it checks.
func TestCheckMemory(t *testing.T) {
	held := func(n int) uint64 {
		a, _ := spoiled(t, many(t, n))
		var most uint64
		var m runtime.MemStats
		a.Ledger = watched{a.Ledger, func() {
			runtime.GC()
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapAlloc)
		}}
		check(t, a)
		return most
	}
	few, lots := held(20), held(200)
	if lots > few+few/2+1<<20 {
		t.Errorf("a check of 200 documents holds %d bytes, one of 20 %d", lots, few)
	}
}

// watched calls look at each page of documents.
type watched struct {
	ledger.Ledger
	look func()
}

func (w watched) DocsAfter(ctx context.Context, after uint64, n int) ([]ledger.NumberedDoc, error) {
	w.look()
	return w.Ledger.DocsAfter(ctx, after, min(n, 16))
}

// BenchmarkCheck says how long 1,000 documents take.
func BenchmarkCheck(b *testing.B) {
	const n = 500
	a, _ := spoiled(b, many(b, n))
	for b.Loop() {
		s, err := a.Check(b.Context(), func(x Trouble) { b.Fatal(fmt.Sprint(x)) })
		if err != nil || s.Documents != n {
			b.Fatalf("Check = %+v, %v", s, err)
		}
	}
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N)*1000/n, "s/1000docs")
}
