package wire

import (
	"bytes"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const (
	specFile   = "../spec/wire.md"
	vectorsDir = "../spec/vectors/wire"
)

// vector is one file of spec/vectors/wire.
type vector struct {
	name, expect, spec, kind, comment string
	body                              []byte
}

// vectors reads every vector. None found is a failure.
func vectors(t testing.TB) []vector {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(vectorsDir, "*.vector"))
	if err != nil || len(names) == 0 {
		t.Fatalf("vectors in %s: got %d, %v, want some", vectorsDir, len(names), err)
	}
	var vs []vector
	for _, n := range names {
		b, err := os.ReadFile(n)
		if err != nil {
			t.Fatal(err)
		}
		head, body, ok := strings.Cut(string(b), "\n\n")
		if !ok {
			t.Fatalf("%s: no empty line after the header", n)
		}
		v := vector{name: filepath.Base(n)}
		for l := range strings.Lines(head) {
			k, val, _ := strings.Cut(strings.TrimSuffix(l, "\n"), ": ")
			switch k {
			case "expect":
				v.expect = val
			case "spec":
				v.spec = val
			case "kind":
				v.kind = val
			case "comment":
				v.comment = val
			default:
				t.Fatalf("%s: unknown header %q", n, k)
			}
		}
		v.body, err = hex.DecodeString(strings.Join(strings.Fields(body), ""))
		if err != nil || v.expect == "" || v.spec == "" || v.kind == "" || v.comment == "" {
			t.Fatalf("%s: header or body is not complete: %v", n, err)
		}
		vs = append(vs, v)
	}
	return vs
}

// readCert reads a certificate of the vectors.
func readCert(t testing.TB, name string) *x509.Certificate {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(vectorsDir, name))
	if err != nil {
		t.Fatal(err)
	}
	p, _ := pem.Decode(b)
	if p == nil {
		t.Fatalf("%s: no PEM", name)
	}
	c, err := x509.ParseCertificate(p.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestVectors(t *testing.T) {
	portal := readCert(t, "portal.pem")
	classes := map[string]error{
		"format failure": ErrFormat, "type failure": ErrType, "limit failure": ErrLimit,
		"value failure": ErrValue, "signature failure": ErrSigned, "unbuilt": ErrUnbuilt,
	}
	for _, v := range vectors(t) {
		var err error
		switch v.kind {
		case "frame":
			var f Frame
			if f, err = Parse(v.body); err == nil {
				again, err := Marshal(f)
				if err != nil || !bytes.Equal(again, v.body) {
					t.Errorf("%s: parse then marshal: got %x, %v, want %x", v.name, again, err, v.body)
				}
			}
		case "receipt":
			_, err = ParseReceipt(v.body, []*x509.Certificate{portal})
		case "groups":
			err = openFrame(v.body, []*x509.Certificate{portal})
		case "beacon":
			_, err = ParseTime(v.body, []*x509.Certificate{portal})
		default:
			t.Fatalf("%s: unknown kind %q", v.name, v.kind)
		}
		if v.expect == "ok" {
			if err != nil {
				t.Errorf("%s: got %v, want ok", v.name, err)
			}
			continue
		}
		want, ok := classes[v.expect]
		if !ok {
			t.Fatalf("%s: unknown class %q", v.name, v.expect)
		}
		if !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %s", v.name, err, v.expect)
		}
		for class, other := range classes {
			if other != want && errors.Is(err, other) {
				t.Errorf("%s: got %v, which is also a %s", v.name, err, class)
			}
		}
	}
}

// TestSpecIsTested holds the promise of wire.md: each numbered rule has a vector
// or a test by name, and nothing names a rule that is not there.
func TestSpecIsTested(t *testing.T) {
	b, err := os.ReadFile(specFile)
	if err != nil {
		t.Fatal(err)
	}
	rules := map[string]bool{}
	for _, m := range regexp.MustCompile(`\*\*(WIRE-[A-Z]+-\d+)\*\*`).FindAllSubmatch(b, -1) {
		rules[string(m[1])] = false
	}
	if len(rules) == 0 {
		t.Fatal("no rules in wire.md")
	}
	name := func(rule, by string) {
		if _, ok := rules[rule]; !ok {
			t.Errorf("%s names %s, which is not in wire.md", by, rule)
			return
		}
		rules[rule] = true
	}
	for _, v := range vectors(t) {
		for r := range strings.FieldsSeq(v.spec) {
			name(r, v.name)
		}
	}
	b, err = os.ReadFile(filepath.Join(vectorsDir, "behaviour.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for l := range strings.Lines(string(b)) {
		f := strings.Fields(l)
		if len(f) != 3 {
			t.Fatalf("behaviour.txt: got %q, want rule, file, test", l)
		}
		src, err := os.ReadFile(filepath.Join("../..", f[1]))
		if err != nil || !bytes.Contains(src, []byte("\nfunc "+f[2]+"(t *testing.T)")) {
			t.Errorf("behaviour.txt: %s: no %s in %s (%v)", f[0], f[2], f[1], err)
		}
		name(f[0], "behaviour.txt")
	}
	for r, ok := range rules {
		if !ok {
			t.Errorf("%s has no vector and no test", r)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, v := range vectors(f) {
		if v.kind == "frame" {
			f.Add(v.body)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		fr, err := Parse(b)
		if err != nil {
			return
		}
		again, err := Marshal(fr)
		if err != nil || !bytes.Equal(again, b) {
			t.Errorf("parse then marshal: got %x, %v, want %x", again, err, b)
		}
	})
}
