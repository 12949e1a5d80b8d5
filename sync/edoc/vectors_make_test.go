package edoc_test

import (
	"encoding/base64"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/penjire/penjire/sync/edoc/specimen"
)

var update = flag.Bool("update", false, "make the vectors again, with new keys")

// maker writes vectors. What each expects is written by hand: a vector that
// does not come out so is not written.
type maker struct {
	t   *testing.T
	dir string
	w   *specimen.World
	out *vectorWorld
	b   branches
	tsa authorities
}

// add writes one vector. more are further header lines, "key: value".
func (m *maker) add(name, kind, spec, expect, comment string, body []byte, more ...string) {
	m.t.Helper()
	head := []string{"comment: " + comment, "expect: " + expect, "spec: " + spec, "kind: " + kind}
	head = append(head, more...)
	text := kind == "document" || kind == "manifest" || kind == "seal" || kind == "code" || kind == "code-of" || kind == "recipient" || kind == "dictionary"
	b := string(body) + "\n"
	if text {
		head = append(head, "body: text")
	} else {
		b = wrap(body)
	}
	file := []byte(strings.Join(head, "\n") + "\n\n" + b)
	v, err := parseVector(name, file)
	if err != nil {
		m.t.Fatal(err)
	}
	got, err := m.out.outcome(v)
	if err != nil {
		m.t.Fatalf("%s: %v", name, err)
	}
	if got != expect {
		m.t.Errorf("%s: got %q, want %q", name, got, expect)
		return
	}
	m.write(name+".txt", file)
}

func (m *maker) write(name string, b []byte) {
	m.t.Helper()
	if err := os.WriteFile(filepath.Join(m.dir, name), b, 0o644); err != nil {
		m.t.Fatal(err)
	}
}

// wrap writes b in Base64, 76 to a line.
func wrap(b []byte) string {
	s := base64.StdEncoding.EncodeToString(b)
	var out strings.Builder
	for len(s) > 76 {
		out.WriteString(s[:76] + "\n")
		s = s[76:]
	}
	out.WriteString(s + "\n")
	return out.String()
}

// TestMakeVectors writes the vectors to the spec's folder with -update, and
// otherwise to a folder that is thrown away: so that the maker works is tested
// with keys that were never seen before.
func TestMakeVectors(t *testing.T) {
	m := &maker{t: t, dir: t.TempDir(), w: world(t)}
	if *update {
		m.dir = vectorsDir
		old, err := filepath.Glob(filepath.Join(m.dir, "*.txt"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range old {
			if err := os.Remove(f); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := os.MkdirAll(filepath.Join(m.dir, "world"), 0o755); err != nil {
		t.Fatal(err)
	}
	m.makeWorld()
	m.write("world/root.pem", m.w.RootPEM())
	m.write("world/centres.pem", append(m.w.CentresPEM(), m.branchesPEM()...))
	m.write("world/crls.pem", m.w.CRLsPEM())
	m.write("world/trust.b64", []byte(wrap(m.w.Bundle())))
	m.write("world/age-identity.txt", []byte(m.w.AgeIdentity+"\n"))
	var err error
	if m.out, err = readWorld(m.dir); err != nil {
		t.Fatal(err)
	}
	m.zips()
	m.streams()
	m.documents()
	m.manifests()
	m.signatures()
	m.counters()
	m.levels()
	m.tokens()
	m.trusts()
	m.verifications()
	m.rotations()
	m.deltas()
	m.paths()
	m.carriedKnowledge()
	m.revocations()
	m.holders()
	m.limits()
	m.manySigners()
	m.seals()
	m.revokedSeals()
	m.receiptEpochs()
	m.copies()
	m.envelopes()
	m.dictionaries()
	m.leans()
	m.codes()
	m.hostiles()
	list, err := loadVectors(m.dir)
	if err != nil {
		t.Fatal(err)
	}
	spec, err := os.ReadFile(specFile)
	if err != nil {
		t.Fatal(err)
	}
	if without, unknown := missing(spec, list); len(without)+len(unknown) > 0 {
		t.Error(fmt.Sprint("no vector for ", without, "; unknown: ", unknown))
	}
	if *update {
		t.Logf("wrote %d vectors", len(list))
		t.Run("peers", peersTable)
	}
}
