package release_test

import (
	"bytes"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/edoc/cms"
	"github.com/penjire/penjire/sync/edoc/dcbor"
	"github.com/penjire/penjire/sync/release"
	"github.com/penjire/penjire/sync/release/releasetest"
)

var anew = flag.Bool("write", false, "write the vectors anew, with new keys")

const vectorsDir = "../spec/vectors/release"

var (
	now    = time.Date(2026, 11, 30, 8, 0, 0, 0, time.UTC)
	bundle = bytes.Repeat([]byte("bundle of a test. "), 100_000)
)

// classes are what a reader makes of a vector. "ok" is no error.
var classes = map[string]error{
	"ok": nil, "form failure": release.ErrForm, "signature failure": release.ErrSignature, "revoked": release.ErrRevoked,
	"old list": release.ErrOldList, "corrupt": release.ErrCorrupt,
}

// vector is one file of spec/vectors/release: a description, and perhaps key lists
// that the reader has taken before, or the digest of a bundle.
type vector struct {
	name, expect, spec string
	known              [][]byte
	bundle             []byte // nil: the one that is described
	body               []byte
}

// vectorFile is a file of vectors as it is read: a header, an empty line, and the body.
type vectorFile struct {
	name, expect, spec string
	more               map[string][]string // further lines of the header
	body               []byte
}

// readVectors reads every vector of a folder. None found, and one with another line in
// its header than these, is a failure.
func readVectors(t testing.TB, dir string, more ...string) []vectorFile {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.vector"))
	if err != nil || len(names) == 0 {
		t.Fatalf("vectors in %s: got %d, %v, want some", dir, len(names), err)
	}
	var vs []vectorFile
	for _, n := range names {
		b, err := os.ReadFile(n)
		if err != nil {
			t.Fatal(err)
		}
		head, body, _ := strings.Cut(string(b), "\n\n")
		v := vectorFile{name: filepath.Base(n), more: map[string][]string{}}
		for l := range strings.Lines(head) {
			k, val, _ := strings.Cut(strings.TrimSuffix(l, "\n"), ": ")
			switch {
			case k == "expect":
				v.expect = val
			case k == "spec":
				v.spec = val
			case slices.Contains(more, k):
				v.more[k] = append(v.more[k], val)
			case k != "comment":
				t.Fatalf("%s: unknown header %q", n, k)
			}
		}
		v.body, err = hex.DecodeString(strings.Join(strings.Fields(body), ""))
		if _, ok := classes[v.expect]; err != nil || !ok || v.spec == "" || len(v.body) == 0 {
			t.Fatalf("%s is not complete", n)
		}
		vs = append(vs, v)
	}
	return vs
}

func vectors(t testing.TB) (vs []vector) {
	t.Helper()
	raw := func(val string) []byte {
		b, err := hex.DecodeString(val)
		if err != nil {
			t.Fatalf("a header's value: %v", err)
		}
		return b
	}
	for _, f := range readVectors(t, vectorsDir, "known", "bundle") {
		v := vector{name: f.name, expect: f.expect, spec: f.spec, body: f.body}
		for _, val := range f.more["known"] {
			v.known = append(v.known, raw(val))
		}
		for _, val := range f.more["bundle"] {
			v.bundle = raw(val)
		}
		vs = append(vs, v)
	}
	return vs
}

func roots(t testing.TB) release.Keys {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(vectorsDir, "root.pem"))
	if err != nil {
		t.Fatal(err)
	}
	p, _ := pem.Decode(b)
	c, err := x509.ParseCertificate(p.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return release.NewKeys([]*x509.Certificate{c})
}

func TestVectors(t *testing.T) {
	if *anew {
		writeVectors(t)
	}
	for _, v := range vectors(t) {
		t.Run(v.name, func(t *testing.T) {
			k := roots(t)
			for _, l := range v.known {
				var err error
				if k, err = k.Take(l); err != nil {
					t.Fatal(err)
				}
			}
			r, _, err := release.Open(v.body, k)
			if err == nil && v.bundle != nil {
				err = r.Content.Verify(bytes.NewReader(v.bundle))
			}
			if want := classes[v.expect]; !errors.Is(err, want) || want == nil && err != nil {
				t.Errorf("Open = %v, want %s", err, v.expect)
			}
			if err == nil && !bytes.Equal(r.Signed(), v.body) {
				t.Error("Signed is not what was opened")
			}
		})
	}
}

// TestEveryRuleHasAVector reads the numbered rules of the specification.
func TestEveryRuleHasAVector(t *testing.T) {
	spec, err := os.ReadFile("../spec/release.md")
	if err != nil {
		t.Fatal(err)
	}
	rules := regexp.MustCompile(`REL-[A-Z]+-\d+`).FindAllString(string(spec), -1)
	if len(rules) < 8 {
		t.Fatalf("got %d rules, want more", len(rules))
	}
	named := map[string]bool{}
	for _, v := range vectors(t) {
		for s := range strings.FieldsSeq(v.spec) {
			named[s] = true
		}
	}
	for _, v := range indexVectors(t) {
		for s := range strings.FieldsSeq(v.spec) {
			named[s] = true
		}
	}
	for _, r := range rules {
		if !named[r] {
			t.Errorf("%s has no vector", r)
		}
		delete(named, r)
	}
	for s := range named {
		t.Errorf("a vector names %s, which is no rule", s)
	}
}

// FuzzOpen feeds the reader anything: it never panics, and what it opens is in its
// one form.
func FuzzOpen(f *testing.F) {
	for _, v := range vectors(f) {
		f.Add(v.body)
	}
	k := roots(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, _, err := release.Open(b, k); err == nil && !bytes.Equal(r.Signed(), b) {
			t.Error("Signed is not what was opened")
		}
		if next, err := k.Take(b); err == nil && next.Version() != k.Version()+1 {
			t.Errorf("Take = version %d, want %d", next.Version(), k.Version()+1)
		}
	})
}

// raw is a description put together by hand: Sign makes no wrong one.
type raw struct {
	domain  string
	payload map[int]any
	at      time.Time
	by      cms.Signer
	lists   [][]byte
}

func (r raw) bytes(t testing.TB) []byte {
	t.Helper()
	payload, err := dcbor.Marshal(r.payload)
	if err != nil {
		t.Fatal(err)
	}
	content, err := dcbor.Marshal([]any{r.domain, payload})
	if err != nil {
		t.Fatal(err)
	}
	p7s, err := cms.Sign(content, r.by, r.at)
	if err != nil {
		t.Fatal(err)
	}
	file := []any{r.domain, payload, p7s}
	if r.lists != nil {
		file = append(file, r.lists)
	}
	b, err := dcbor.Marshal(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// writeVectors makes the files. What is in them is what the specification says, by
// hand, not by the package's own writer, but for the digests.
func writeVectors(t *testing.T) {
	w := releasetest.New(t, now)
	r := w.Release(t, 41, bundle)
	good := map[int]any{
		1: r.Board, 2: r.Version, 3: r.Build, 4: []uint32{1, 2}, 5: r.Content.Size, 6: r.Content.SHA256[:],
		7: r.Content.Chunk, 8: r.Content.Chunks, 9: r.Content.Size, 10: uint8(3), 11: now.AddDate(0, 1, 0).Unix(), 12: now.Unix(),
	}
	with := func(k int, v any) map[int]any {
		m := maps.Clone(good)
		m[k] = v
		return m
	}
	second := releasetest.Root(t, "NUSGA release root 2", now)
	stranger := releasetest.Root(t, "NUSGA another root", now)
	list := func(by releasetest.Key, version uint64, revoked [][]byte, of ...releasetest.Key) []byte {
		var certs [][]byte
		for _, k := range of {
			certs = append(certs, k.Cert.Raw)
		}
		m := map[int]any{1: version, 2: now.Unix(), 4: certs}
		if revoked != nil {
			m[3] = revoked
		}
		return raw{"penjire-release-keys/1", m, now, by.Signer, nil}.bytes(t)
	}
	id := release.KeyID(w.Key.Cert)
	l1 := list(w.Root, 1, nil, w.Root, second)
	l2 := list(second, 2, [][]byte{id[:]}, second)
	d := func(payload map[int]any, by releasetest.Key, lists ...[]byte) []byte {
		if lists == nil {
			lists = [][]byte{}
		}
		return raw{"penjire-release/1", payload, now, by.Signer, lists}.bytes(t)
	}
	key := w.Key
	flipped := d(good, key)
	flipped[bytes.Index(flipped, []byte(r.Version))] ^= 1
	type file struct {
		name, expect, spec, comment string
		body                        []byte
		known                       [][]byte
		bundle                      []byte
	}
	files := []file{
		{"good", "ok", "REL-FRM-1 REL-SIG-1", "a release for the widest ring, due in a month", d(good, key), nil, nil},
		{"bundle-good", "ok", "REL-BUN-1", "a description with 9 bytes of bundle", nil, nil, []byte("a bundle.")},
		{"bundle-long", "corrupt", "REL-BUN-1", "one byte follows", nil, nil, []byte("a bundle..")},
		{"bundle-short", "corrupt", "REL-BUN-1", "cut", nil, nil, []byte("a bundle")},
		{"bundle-other", "corrupt", "REL-BUN-1", "as long, but another", nil, nil, []byte("a bungle.")},
		{"domain", "form failure", "REL-FRM-1", "a key list's domain", raw{"penjire-release-keys/1", good, now, key.Signer, [][]byte{}}.bytes(t), nil, nil},
		{"key-unknown", "form failure", "REL-FRM-1", "a key that is not in the table", d(with(13, 1), key), nil, nil},
		{"no-lists", "form failure", "REL-FRM-1", "three elements", raw{"penjire-release/1", good, now, key.Signer, nil}.bytes(t), nil, nil},
		{"ring", "form failure", "REL-FRM-1", "ring 4", d(with(10, uint8(4)), key), nil, nil},
		{"build", "form failure", "REL-FRM-1", "build 0", d(with(3, uint64(0)), key), nil, nil},
		{"formats", "form failure", "REL-FRM-1", "data formats 2 to 1", d(with(4, []uint32{2, 1}), key), nil, nil},
		{"board", "form failure", "REL-FRM-1", "a board with a slash", d(with(1, "../vm"), key), nil, nil},
		{"due", "form failure", "REL-FRM-1", "due before it was issued", d(with(11, now.Unix()-1), key), nil, nil},
		{"chunks", "form failure", "REL-FRM-2", "one digest is missing", d(with(8, r.Content.Chunks[32:]), key), nil, nil},
		{"chunk", "form failure", "REL-FRM-2", "chunks of 1 KiB", d(with(7, int64(1024)), key), nil, nil},
		{"time", "form failure", "REL-FRM-3", "signed a second after it was issued", raw{"penjire-release/1", good, now.Add(time.Second), key.Signer, [][]byte{}}.bytes(t), nil, nil},
		{"flipped", "signature failure", "REL-SIG-1", "a bit of the version", flipped, nil, nil},
		{"stranger", "signature failure", "REL-SIG-1", "a release key of another root", d(good, stranger.Issue(t, "NUSGA key", now, nil)), nil, nil},
		{"use", "signature failure", "REL-SIG-1", "a certificate for servers", d(good, w.Root.Issue(t, "NUSGA server", now, func(c *x509.Certificate) {
			c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		})), nil, nil},
		{"centre", "signature failure", "REL-SIG-1", "signed by the root itself", d(good, w.Root), nil, nil},
		{"expired", "signature failure", "REL-SIG-2", "the certificate had ended", d(good, w.Root.Issue(t, "NUSGA old key", now, func(c *x509.Certificate) {
			c.NotAfter = now.AddDate(0, 0, -1)
		})), nil, nil},
		{"not-yet", "signature failure", "REL-SIG-2", "the certificate had not begun", d(good, w.Root.Issue(t, "NUSGA new key", now, func(c *x509.Certificate) {
			c.NotBefore = now.AddDate(0, 0, 1)
		})), nil, nil},
		{"revoked-brought", "revoked", "REL-SIG-3", "its own lists revoke its key, whose certificate is of both roots' time", d(good, crossed(t, w.Key, second), l1, l2), nil, nil},
		{"revoked-known", "revoked", "REL-SIG-3", "the reader knows a list that it leaves out", d(good, crossed(t, w.Key, second)), [][]byte{l1, l2}, nil},
		{"new-root", "ok", "REL-KEY-1 REL-KEY-2 REL-KEY-3", "a key of the second root, with both lists", d(good, second.Issue(t, "NUSGA key 2", now, nil), l1, l2), nil, nil},
		{"new-root-known", "ok", "REL-KEY-2", "the reader has the first list already", d(good, second.Issue(t, "NUSGA key 2", now, nil), l1, l2), [][]byte{l1}, nil},
		{"list-stranger", "signature failure", "REL-KEY-1", "a list of another root", d(good, key, list(stranger, 1, nil, stranger)), nil, nil},
		{"list-key", "signature failure", "REL-KEY-1", "a list signed by a release key", d(good, key, list(key, 1, nil, w.Root)), nil, nil},
		{"list-gap", "old list", "REL-KEY-2", "list 2 without list 1", d(good, key, list(w.Root, 2, nil, w.Root)), nil, nil},
		{"list-other", "old list", "REL-KEY-2", "another list 1 than the one known", d(good, key, list(w.Root, 1, nil, w.Root)), [][]byte{l1}, nil},
		{"list-back", "old list", "REL-KEY-2", "list 3 takes the revocation back", d(good, second.Issue(t, "NUSGA key 2", now, nil), l1, l2, list(second, 3, nil, second)), nil, nil},
		{"root-left", "signature failure", "REL-KEY-3", "a new key of the root that list 2 leaves out", d(good, w.Root.Issue(t, "NUSGA key 3", now, nil), l1, l2), nil, nil},
	}
	old, err := filepath.Glob(filepath.Join(vectorsDir, "*.vector"))
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range old {
		if err := os.Remove(n); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range files {
		if f.body == nil {
			c, err := release.Describe(strings.NewReader("a bundle."))
			if err != nil {
				t.Fatal(err)
			}
			m := maps.Clone(good)
			m[5], m[6], m[7], m[8] = c.Size, c.SHA256[:], c.Chunk, c.Chunks
			f.body = d(m, key)
		}
		var b strings.Builder
		fmt.Fprintf(&b, "expect: %s\nspec: %s\ncomment: %s\n", f.expect, f.spec, f.comment)
		for _, l := range f.known {
			fmt.Fprintf(&b, "known: %x\n", l)
		}
		if f.bundle != nil {
			fmt.Fprintf(&b, "bundle: %x\n", f.bundle)
		}
		b.WriteString("\n")
		for c := range slices.Chunk(f.body, 40) {
			fmt.Fprintf(&b, "%x\n", c)
		}
		if err := os.WriteFile(filepath.Join(vectorsDir, f.name+".vector"), []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(vectorsDir, "root.pem"), w.Root.CertPEM(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// crossed is a key with a certificate of another root.
func crossed(t testing.TB, k, root releasetest.Key) releasetest.Key {
	t.Helper()
	return root.Certify(t, k, "NUSGA release key", now)
}
