package edoc_test

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/asic"
	"github.com/penjire/penjire/sync/edoc/cms"
	"github.com/penjire/penjire/sync/edoc/envelope"
	"github.com/penjire/penjire/sync/edoc/seal"
	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/edoc/tsp"
)

const (
	specFile   = "../spec/edoc.md"
	vectorsDir = "../spec/vectors/edoc"
)

// vector is one file of the vectors folder: a header, an empty line, a body.
type vector struct {
	name   string
	header map[string]string
	body   []byte
}

func parseVector(name string, b []byte) (vector, error) {
	v := vector{name: name, header: map[string]string{}}
	head, body, ok := bytes.Cut(b, []byte("\n\n"))
	if !ok {
		return v, fmt.Errorf("%s: no empty line after the header", name)
	}
	for line := range strings.SplitSeq(string(head), "\n") {
		key, value, ok := strings.Cut(line, ": ")
		if !ok || v.header[key] != "" {
			return v, fmt.Errorf("%s: header line %q", name, line)
		}
		v.header[key] = value
	}
	for _, key := range []string{"expect", "spec", "comment", "kind"} {
		if v.header[key] == "" {
			return v, fmt.Errorf("%s: no %s", name, key)
		}
	}
	if v.header["body"] == "text" {
		v.body = bytes.TrimSuffix(body, []byte("\n"))
		return v, nil
	}
	var err error
	v.body, err = base64.StdEncoding.DecodeString(strings.ReplaceAll(string(body), "\n", ""))
	return v, err
}

// loadVectors reads every vector of dir; finding none is an error.
func loadVectors(dir string) ([]vector, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.txt"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("no vectors in %s: nothing would be tested", dir)
	}
	var list []vector
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			return nil, err
		}
		v, err := parseVector(strings.TrimSuffix(filepath.Base(f), ".txt"), b)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}

func vectors(t testing.TB) []vector {
	t.Helper()
	list, err := loadVectors(vectorsDir)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// vectorWorld is what the vectors are checked against.
type vectorWorld struct {
	roots  []*x509.Certificate
	bundle *trust.Bundle
	age    *age.X25519Identity
	dir    string
}

func readWorld(dir string) (*vectorWorld, error) {
	w := &vectorWorld{dir: dir}
	b, err := os.ReadFile(filepath.Join(dir, "world", "root.pem"))
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(b)
	if block == nil {
		return nil, errors.New("root.pem holds no PEM")
	}
	root, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, err
	}
	w.roots = []*x509.Certificate{root}
	if b, err = os.ReadFile(filepath.Join(dir, "world", "trust.b64")); err != nil {
		return nil, err
	}
	signed, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(string(b), "\n", ""))
	if err != nil {
		return nil, err
	}
	if w.bundle, err = trust.ParseBundle(signed, w.roots, 0); err != nil {
		return nil, err
	}
	if b, err = os.ReadFile(filepath.Join(dir, "world", "age-identity.txt")); err != nil {
		return nil, err
	}
	w.age, err = age.ParseX25519Identity(strings.TrimSpace(string(b)))
	return w, err
}

// outcome checks the vector's body and says what came of it.
func (w *vectorWorld) outcome(v vector) (string, error) {
	at := now
	if s := v.header["now"]; s != "" {
		var err error
		if at, err = time.Parse(time.RFC3339, s); err != nil {
			return "", err
		}
	}
	switch kind := v.header["kind"]; kind {
	case "container":
		c, err := edoc.Parse(v.body)
		if err != nil {
			return class(err), nil
		}
		if want := v.header["id"]; want != "" && c.ID().String() != want {
			return "another document", nil
		}
		o, err := options(v)
		if err != nil {
			return "", err
		}
		r := c.VerifyWith(w.bundle, at, o)
		found := fmt.Sprintf("whole %s, signer %s, revocation %s, stamp %s", f(r.Whole), f(r.Signer), f(r.Revocation), f(r.Stamp))
		return found + further(v, r), nil
	case "document":
		if _, err := edoc.ParseDocument(v.body); err != nil {
			return class(err), nil
		}
		return "ok", nil
	case "manifest":
		if _, err := asic.ParseManifest(v.body); err != nil {
			return class(err), nil
		}
		return "ok", nil
	case "signature":
		content, err := base64.StdEncoding.DecodeString(v.header["content"])
		if err != nil {
			return "", err
		}
		sd, err := cms.Parse(v.body)
		if err != nil {
			return class(err), nil
		}
		if _, err := sd.Verify(content); err != nil {
			return "signature does not verify", nil
		}
		return "ok", nil
	case "counter":
		return counterOutcome(v)
	case "level":
		return levelOutcome(v)
	case "token":
		imprint, err := edoc.ParseID(v.header["imprint"])
		if err != nil {
			return "", err
		}
		t, err := tsp.Parse(v.body)
		if err != nil {
			return "token failure", nil
		}
		switch _, err := t.Verify(imprint, w.bundle.TSA); {
		case errors.Is(err, tsp.ErrImprint):
			return "token over something else", nil
		case errors.Is(err, tsp.ErrSigner):
			return "token of a stranger", nil
		case err != nil:
			return "token does not verify", nil
		}
		return "ok", nil
	case "bundle":
		least, err := strconv.ParseUint(cmpOr(v.header["least"], "0"), 10, 64)
		if err != nil {
			return "", err
		}
		return w.bundleOutcome(v, least)
	case "delta":
		return w.deltaOutcome(v)
	case "object":
		if _, _, err := trust.OpenObject(v.header["object"], v.body, w.bundle); err != nil {
			return "object refused", nil
		}
		return "ok", nil
	case "seal":
		s, err := seal.Parse(string(v.body))
		if err != nil {
			return "seal failure", nil
		}
		list, err := w.revokedSeals(v)
		if err != nil {
			return "", err
		}
		return f(s.Verify(w.bundle, at, list).Finding), nil
	case "revoked-seals":
		return w.listOutcome(v)
	case "paper-copy":
		return w.copyOutcome(v, at)
	case "envelope":
		var find envelope.Dictionaries
		if texts, ok := v.header["texts"]; ok {
			find = func(uint32) (*envelope.Dictionary, error) { return envelope.NewDictionary([]byte(texts)), nil }
		}
		plain, err := find.Open(v.body, w.age)
		if errors.Is(err, envelope.ErrNotForThis) {
			return "for someone else", nil
		}
		if errors.Is(err, envelope.ErrDictionary) {
			return "dictionary not at hand", nil
		}
		if err != nil {
			return "envelope failure", nil
		}
		if bytes.HasPrefix(plain, []byte("PK")) {
			return digestOf(plain), nil
		}
		return string(plain), nil
	case "lean":
		return leanOutcome(v.body), nil
	case "shrink":
		return shrinkOutcome(v.body), nil
	case "dictionary":
		return fmt.Sprintf("%08x", envelope.NewDictionary(v.body).ID()), nil
	case "recipient":
		if err := envelope.CheckRecipient(string(v.body)); err != nil {
			return "recipient refused", nil
		}
		return "ok", nil
	case "code-envelope":
		plain, err := envelope.OpenWithCode(v.body, v.header["code"])
		if errors.Is(err, envelope.ErrNotForThis) {
			return "for someone else", nil
		}
		if err != nil {
			return "envelope failure", nil
		}
		return string(plain), nil
	case "packet":
		if _, err := envelope.ParsePacket(v.body); err != nil {
			return "packet failure", nil
		}
		return "ok", nil
	case "code":
		code, err := edoc.ParseCode(string(v.body))
		if err != nil {
			return "not a code", nil
		}
		return code, nil
	case "code-of":
		id, err := edoc.ParseID(string(v.body))
		if err != nil {
			return "", err
		}
		secret, err := hex.DecodeString(v.header["secret"])
		if err != nil || len(secret) != 0 && len(secret) != 16 {
			return "", fmt.Errorf("secret of %d bytes, %w", len(secret), err)
		}
		var d edoc.Document
		copy(d.AnswerSecret[:], secret)
		return d.Code(id), nil
	default:
		return "", fmt.Errorf("kind %q is not known", kind)
	}
}

func f(f edoc.Finding) string { return string(f.Verdict) + " " + f.Reason }

func cmpOr(a, b string) string {
	if a == "" {
		return b
	}
	return a
}

// class says which part of a container an error of Parse is about.
func class(err error) string {
	s := err.Error()
	for _, c := range []struct{ in, class string }{
		{"asic: read manifest", "manifest failure"},
		{"asic: read", "zip failure"},
		{"asic: write", "manifest failure"},
		{"read document", "document failure"},
		{"cms: parse", "signature failure"},
	} {
		if strings.Contains(s, c.in) {
			return c.class
		}
	}
	return "structure failure"
}

func TestVectors(t *testing.T) {
	w, err := readWorld(vectorsDir)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range vectors(t) {
		t.Run(v.name, func(t *testing.T) {
			got, err := w.outcome(v)
			if err != nil {
				t.Fatal(err)
			}
			if want := v.header["expect"]; got != want {
				t.Errorf("%s (%s): got %q, want %q", v.header["comment"], v.header["spec"], got, want)
			}
		})
	}
}

// A MUST is a line of the spec that starts with its number in bold.
var mustRE = regexp.MustCompile(`(?m)^- \*\*(ED-[A-Z]+-[0-9]+)\*\* `)

// missing returns the numbers of spec that no vector names, and the numbers
// that vectors name and spec does not have.
func missing(spec []byte, list []vector) (without, unknown []string) {
	named := map[string]bool{}
	for _, v := range list {
		for n := range strings.FieldsSeq(v.header["spec"]) {
			named[n] = true
		}
	}
	musts := map[string]bool{}
	for _, m := range mustRE.FindAllSubmatch(spec, -1) {
		n := string(m[1])
		musts[n] = true
		if !named[n] {
			without = append(without, n)
		}
	}
	for n := range named {
		if !musts[n] {
			unknown = append(unknown, n)
		}
	}
	slices.Sort(unknown)
	return without, unknown
}

func TestEveryMustHasAVector(t *testing.T) {
	spec, err := os.ReadFile(specFile)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(mustRE.FindAll(spec, -1)); n < 40 {
		t.Fatalf("%s: found %d MUSTs, want 40 or more: are they still written so?", specFile, n)
	}
	without, unknown := missing(spec, vectors(t))
	if len(without) > 0 {
		t.Errorf("no vector for %v", without)
	}
	if len(unknown) > 0 {
		t.Errorf("vectors name %v, which %s does not have", unknown, specFile)
	}
}

// The two checks above are seen to fail.
func TestVectorChecksCanFail(t *testing.T) {
	if _, err := loadVectors(t.TempDir()); err == nil {
		t.Error("no vectors at all: want an error")
	}
	spec := []byte("- **ED-X-1** MUST this\n- **ED-X-2** MUST that\n")
	v := vector{header: map[string]string{"spec": "ED-X-1 ED-X-9"}}
	without, unknown := missing(spec, []vector{v})
	if !slices.Equal(without, []string{"ED-X-2"}) || !slices.Equal(unknown, []string{"ED-X-9"}) {
		t.Errorf("missing = %v, %v", without, unknown)
	}
}
