package evidence_test

import (
	"bytes"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/journal"
	"github.com/penjire/penjire/sync/journal/evidence"
)

var update = flag.Bool("update", false, "make the vectors of heads and proofs again, with new keys")

const vectorDir = "../../spec/vectors/outbox"

// vector is a file of vectorDir.
type vector struct {
	name, expect string
	body         []byte
}

func vectors(t testing.TB, kind string) []vector {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(vectorDir, "*.vector"))
	if err != nil {
		t.Fatal(err)
	}
	var out []vector
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		head, body, _ := strings.Cut(string(b), "\n\n")
		if !strings.Contains(head+"\n", "\nkind: "+kind+"\n") {
			continue
		}
		raw, err := hex.DecodeString(strings.Join(strings.Fields(body), ""))
		if err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		expect, _, _ := strings.Cut(strings.TrimPrefix(head, "expect: "), "\n")
		out = append(out, vector{filepath.Base(f), expect, raw})
	}
	if len(out) == 0 {
		t.Fatalf("no vectors of kind %s", kind)
	}
	return out
}

// readWorld returns the bundle by which the proofs of the vectors are checked.
func readWorld(t testing.TB) *trust.Bundle {
	t.Helper()
	root, err := x509.ParseCertificate(vectors(t, "root")[0].body)
	if err != nil {
		t.Fatal(err)
	}
	b, err := trust.ParseBundle(vectors(t, "bundle")[0].body, []*x509.Certificate{root}, 0)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// outcome is what a reader says of a proof: format failure, check failure, or
// what it shows.
func outcome(b []byte, bundle *trust.Bundle, now time.Time) (string, *evidence.Checked) {
	p, err := evidence.ParseProof(b)
	if err != nil {
		return "format failure", nil
	}
	c, err := p.Check(bundle, now)
	if err != nil {
		return "check failure", nil
	}
	return shown(c), c
}

// shown is what a good proof shows.
func shown(c *evidence.Checked) string {
	ends := func(t time.Time) string {
		if t.IsZero() {
			return "-"
		}
		return t.UTC().Format(time.RFC3339)
	}
	return fmt.Sprintf("entry %d, witness %q, %s to %s", c.Index, c.Witness, ends(c.Bracket.NotBefore), ends(c.Bracket.NotAfter))
}

func TestProofVectors(t *testing.T) {
	b := readWorld(t)
	for _, v := range vectors(t, "proof") {
		if got, _ := outcome(v.body, b, day.Add(2*time.Hour)); got != v.expect {
			t.Errorf("%s: %s, want %s", v.name, got, v.expect)
		}
	}
}

func TestHeadVectors(t *testing.T) {
	for _, v := range vectors(t, "head") {
		h, err := journal.ParseHead(v.body)
		if (err == nil) != (v.expect == "ok") || err != nil && !errors.Is(err, journal.ErrHead) {
			t.Errorf("%s: %v, want %s", v.name, err, v.expect)
		}
		if err == nil && !bytes.Equal(h.Marshal(), v.body) {
			t.Errorf("%s: parse then marshal is not identity", v.name)
		}
	}
}

// TestMakeVectors makes the vectors of heads and proofs again.
func TestMakeVectors(t *testing.T) {
	if !*update {
		t.Skip("makes the vectors again with -update")
	}
	r := newRig(t)
	put := func(name, kind, spec, expect, comment string, body []byte) {
		t.Helper()
		lines := regexp.MustCompile(".{1,100}").FindAllString(hex.EncodeToString(body), -1)
		text := fmt.Sprintf("expect: %s\nspec: %s\ncomment: %s\nkind: %s\n\n%s\n", expect, spec, comment, kind, strings.Join(lines, "\n"))
		if err := os.WriteFile(filepath.Join(vectorDir, name+".vector"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	put("evidence-root", "root", "OB-EVI-2", "ok", "the root of the bundle by which heads and proofs are checked", r.Root.Cert.Raw)
	put("evidence-bundle", "bundle", "OB-EVI-2", "ok", "the bundle by which heads and proofs are checked", r.Bundle())

	l := newLog(r.entries...)
	alone := r.prove(l, 11)
	const ok = "entry 11, witness %q, %s to %s"
	before := day.Add(8 * time.Minute).UTC().Format(time.RFC3339)
	stamped := day.Add(time.Hour)
	proof := func(name, expect, comment string, p *evidence.Proof) {
		t.Helper()
		b, err := p.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		put("proof-"+name, "proof", "OB-EVI-2", expect, comment, b)
	}
	proof("alone", fmt.Sprintf(ok, "", before, "-"), "the kiosk alone signed the head", alone)
	first := newLog(r.entries[:3]...)
	proof("no-beacon", `entry 1, witness "", - to -`, "no beacon stands before the entry", r.prove(first, 1))

	h := r.witness(l, 16, stamped)
	good := func() *evidence.Proof { return r.prove(l, 11) }
	proof("good", fmt.Sprintf(ok, "portal.specimen", before, stamped.UTC().Format(time.RFC3339)), "kiosk, portal, time stamp and beacon", good())
	for _, x := range []struct {
		name, comment string
		change        func(p *evidence.Proof)
	}{
		{"entry", "another entry", func(p *evidence.Proof) { p.Entry = r.entries[13] }},
		{"index", "the entry of another place", func(p *evidence.Proof) { p.Index = 10 }},
		{"root", "another root on paper", func(p *evidence.Proof) { p.Root = slices.Clone(p.Root); p.Root[31] ^= 1 }},
		{"inclusion-short", "a hash of the inclusion is missing", func(p *evidence.Proof) { p.Inclusion = p.Inclusion[:len(p.Inclusion)-1] }},
		{"inclusion-long", "a hash too many", func(p *evidence.Proof) { p.Inclusion = append(p.Inclusion, p.Root) }},
		{"consistency", "no consistency with the head", func(p *evidence.Proof) { p.Consistency = nil }},
		{"size", "the head says another size", func(p *evidence.Proof) { p.Head = strings.Replace(p.Head, "\n16\n", "\n17\n", 1) }},
		{"no-kiosk", "the portal's signature alone", func(p *evidence.Proof) { p.Head = string(h.Only("portal.specimen").Marshal()) }},
		{"beacon-later", "a beacon of a later entry", func(p *evidence.Proof) { p.Beacon.Index = 12 }},
		{"beacon-other", "another beacon than the entry's", func(p *evidence.Proof) { p.Beacon.Signed = r.beacons[3] }},
		{"beacon-entry", "an entry that is no beacon", func(p *evidence.Proof) { p.Beacon.Index, p.Beacon.Entry = 9, r.entries[9] }},
	} {
		p := good()
		x.change(p)
		proof(x.name, "check failure", x.comment, p)
	}
	short := good()
	short.Root = short.Root[:31]
	proof("root-short", "format failure", "a root of 31 bytes", short)
	many := good()
	many.Inclusion = slices.Repeat([][]byte{many.Root}, 65)
	proof("hashes", "format failure", "65 hashes", many)
	b, err := good().Marshal()
	if err != nil {
		t.Fatal(err)
	}
	form := func(name, comment string, b []byte) {
		put("proof-"+name, "proof", "OB-EVI-2", "format failure", comment, b)
	}
	form("field", "an unknown field", bytes.Replace(b, []byte(`"index"`), []byte(`"also": 1, "index"`), 1))
	form("schema", "another schema", bytes.Replace(b, []byte(evidence.Schema), []byte("penjire-journal-proof-2"), 1))
	form("tail", "something follows", append(slices.Clone(b), b...))
	form("long", "more than 65,536 bytes", append(slices.Clone(b), bytes.Repeat([]byte(" "), evidence.MaxProof)...))

	head := func(name, expect, comment string, b []byte) {
		put("head-"+name, "head", "OB-TRE-5", expect, comment, b)
	}
	note := h.Marshal()
	text, signed, _ := bytes.Cut(note, []byte("\n\n"))
	lines := bytes.SplitAfter(bytes.TrimSuffix(signed, []byte("\n")), []byte("\n"))
	join := func(text []byte, lines ...[]byte) []byte {
		out := append(slices.Clone(text), "\n\n"...)
		for _, l := range lines {
			out = append(append(out, bytes.TrimSuffix(l, []byte("\n"))...), '\n')
		}
		return out
	}
	head("good", "ok", "signed by kiosk and portal", note)
	head("kiosk", "ok", "signed by the kiosk", h.Only(specimenKiosk).Marshal())
	head("no-signature", "format failure", "nobody signed it", join(text))
	head("no-text", "format failure", "signatures under nothing", join(nil, lines...))
	head("twice", "format failure", "two signatures of one name", join(text, lines[0], lines[0]))
	head("crlf", "format failure", "lines end with two bytes", bytes.ReplaceAll(note, []byte("\n"), []byte("\r\n")))
	head("dash", "format failure", "a hyphen in the place of the dash", bytes.Replace(note, []byte("— "), []byte("- "), 1))
	head("no-end", "format failure", "the last line has no end", bytes.TrimSuffix(note, []byte("\n")))
	head("tail", "format failure", "a line that is no signature", append(slices.Clone(note), "more\n"...))
	head("base64", "format failure", "the signature is no CMS object", join(text, []byte("— K-000001 AAAAAAAA")))
	head("extension", "format failure", "an extension line that a reader does not know", join(append(slices.Clone(text), "\nmore 1"...), lines...))
	five := [][]byte{}
	for i := range 5 {
		five = append(five, bytes.Replace(lines[0], []byte(specimenKiosk), fmt.Append(nil, "K-00000", i), 1))
	}
	head("five", "format failure", "five signatures", join(text, five...))
	head("four", "ok", "four signatures", join(text, five[:4]...))
}
