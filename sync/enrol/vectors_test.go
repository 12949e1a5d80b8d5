package enrol

import (
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const vectorDir = "../spec/vectors/enrol"

type vector struct {
	name, expect, what, spec string
	body                     []byte
}

// vectors reads all of them; none, or one with an unknown key, is a failure.
func vectors(t testing.TB) (out []vector) {
	t.Helper()
	names := must[[]string](t)(filepath.Glob(filepath.Join(vectorDir, "*.vector")))
	if len(names) == 0 {
		t.Fatal("there are no vectors")
	}
	for _, n := range names {
		head, body, ok := strings.Cut(string(must[[]byte](t)(os.ReadFile(n))), "\n\n")
		v := vector{name: filepath.Base(n)}
		for l := range strings.SplitSeq(head, "\n") {
			k, val, _ := strings.Cut(l, ": ")
			switch k {
			case "expect":
				v.expect = val
			case "what":
				v.what = val
			case "spec":
				v.spec = val
			case "comment":
			default:
				t.Fatalf("%s: there is no key %q", v.name, k)
			}
		}
		if !ok || v.expect == "" || v.spec == "" {
			t.Fatalf("%s: expect, spec and a body are needed", v.name)
		}
		v.body = must[[]byte](t)(hex.DecodeString(strings.Join(strings.Fields(body), "")))
		out = append(out, v)
	}
	return out
}

func TestVectors(t *testing.T) {
	var code Code
	all := vectors(t)
	for _, v := range all {
		if v.name == "code.vector" {
			code = must[Code](t)(ParseCode(string(v.body)))
		}
	}
	for _, v := range all {
		var err error
		got := "ok"
		switch v.what {
		case "code":
			var c Code
			if c, err = ParseCode(string(v.body)); err == nil && c.Reveal() != code.Reveal() {
				t.Errorf("%s: another code than code.vector", v.name)
			}
		case "request":
			var r Request
			if r, err = ParseRequest(v.body); err == nil && (r.Kiosk != "K-000123" || !r.Software) {
				t.Errorf("%s: %+v", v.name, r)
			}
		case "certs":
			_, err = ParseCerts(v.body)
		case "asked":
			var a *Asked
			if a, err = ParseAsked(v.body); err == nil && a.Proves(ProofKey(code)) {
				got = "proven"
			}
		case "answer":
			_, err = ParseAnswer(v.body)
		default:
			t.Fatalf("%s: there is no %q", v.name, v.what)
		}
		if errors.Is(err, ErrFileVersion) {
			got = "version"
		} else if err != nil {
			got = "refused"
		}
		if got != v.expect {
			t.Errorf("%s: got %s (%v), want %s", v.name, got, err, v.expect)
		}
	}
}

// Every numbered rule has a vector or a test that shows it.
func TestEveryRule(t *testing.T) {
	spec := string(must[[]byte](t)(os.ReadFile("../spec/enrol.md")))
	rules := regexp.MustCompile(`\*\*(ENR-[A-Z]+-\d+)\*\*`).FindAllStringSubmatch(spec, -1)
	if len(rules) == 0 {
		t.Fatal("the spec has no rules")
	}
	named := map[string]bool{}
	for _, v := range vectors(t) {
		named[v.spec] = true
	}
	for l := range strings.Lines(string(must[[]byte](t)(os.ReadFile(filepath.Join(vectorDir, "behaviour.txt"))))) {
		f := strings.Fields(l)
		if len(f) != 3 {
			t.Fatalf("behaviour.txt: got %q, want rule, file, test", l)
		}
		b, err := os.ReadFile(filepath.Join("../..", f[1]))
		if err != nil || !strings.Contains(string(b), "func "+f[2]+"(") {
			t.Errorf("behaviour.txt: %s: no %s in %s (%v)", f[0], f[2], f[1], err)
		}
		named[f[0]] = true
	}
	known := map[string]bool{}
	for _, r := range rules {
		known[r[1]] = true
		if !named[r[1]] {
			t.Errorf("%s has neither a vector nor a test", r[1])
		}
	}
	for r := range named {
		if !known[r] {
			t.Errorf("%s is not in the spec", r)
		}
	}
}

func seed(f *testing.F, what string) {
	f.Helper()
	for _, v := range vectors(f) {
		if v.what == what {
			f.Add(v.body)
		}
	}
}

func FuzzParseCerts(f *testing.F) {
	seed(f, "certs")
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := ParseCerts(b)
		if err != nil {
			return
		}
		again, err := MarshalCerts(c...)
		if err != nil {
			t.Fatal(err)
		}
		if d, err := ParseCerts(again); err != nil || len(d) != len(c) {
			t.Errorf("ParseCerts of what was read and written = %d certificates, %v; want %d", len(d), err, len(c))
		}
	})
}

func FuzzParseRequest(f *testing.F) {
	seed(f, "request")
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := ParseRequest(b); err == nil && r.Key == nil {
			t.Error("a request without a key")
		}
	})
}

func FuzzParseAsked(f *testing.F) {
	seed(f, "asked")
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := ParseAsked(b)
		if err != nil {
			return
		}
		if w, err := a.Marshal(); err != nil || string(w) != string(b) {
			t.Errorf("Marshal of what was read = %q, %v; want it as it was", w, err)
		}
	})
}

func FuzzParseAnswer(f *testing.F) {
	seed(f, "answer")
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := ParseAnswer(b)
		if err != nil {
			return
		}
		if w, err := a.Marshal(); err != nil || string(w) != string(b) {
			t.Errorf("Marshal of what was read = %q, %v; want it as it was", w, err)
		}
	})
}
