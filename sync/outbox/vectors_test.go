package outbox

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const vectorDir = "../spec/vectors/outbox"

// vector is a file of vectorDir: headers, an empty line, the body.
type vector struct {
	name, expect, kind string
	spec               []string
	body               []byte
}

func readVectors(t testing.TB) []vector {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(vectorDir, "*.vector"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no vectors in %s: %v", vectorDir, err)
	}
	var out []vector
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		head, body, ok := strings.Cut(string(b), "\n\n")
		if !ok {
			t.Fatalf("%s: no empty line after the headers", f)
		}
		v := vector{name: filepath.Base(f)}
		for line := range strings.Lines(head) {
			key, val, _ := strings.Cut(strings.TrimSpace(line), ": ")
			switch key {
			case "expect":
				v.expect = val
			case "spec":
				v.spec = strings.Fields(val)
			case "kind":
				v.kind = val
			case "comment":
			default:
				t.Fatalf("%s: header %q", f, line)
			}
		}
		if v.expect == "" || len(v.spec) == 0 || v.kind == "" {
			t.Fatalf("%s: expect, spec or kind is missing", f)
		}
		v.body = []byte(body)
		if v.kind != "tree" {
			if v.body, err = hex.DecodeString(strings.Join(strings.Fields(body), "")); err != nil {
				t.Fatalf("%s: %v", f, err)
			}
		}
		out = append(out, v)
	}
	return out
}

// parsePayload reads the payload as its kind wants it and returns what
// encoding it again gives.
func parsePayload(v value) ([]byte, error) {
	again := func(w any, err error) ([]byte, error) {
		if err != nil {
			return nil, err
		}
		return encode(w)
	}
	switch v.kind {
	case kindMeta:
		return again(parseMeta(v.payload, true))
	case kindRequest:
		r, err := parseRequest(v.payload)
		return r.append(nil), err
	case kindItem:
		return again(parseItem(v.payload, true))
	case kindMark:
		return again(parseMark(v.payload, true))
	case kindLarge:
		d, digest, size, err := parseLarge(v.payload)
		return marshalLarge(d, digest, size), err
	case kindPart:
		digest, part, err := parsePart(v.payload)
		return marshalPart(digest, part), err
	case kindSealed:
		d, b, err := parseSealed(v.payload)
		return marshalSealed(d, b), err
	default:
		hs, e, err := parseLeaf(v.payload)
		return marshalLeaf(hs, e), err
	}
}

// TestVectors reads the values of the specification. What is expected is "ok"
// or the layer that refuses: "value" or "payload".
func TestVectors(t *testing.T) {
	found := map[string]int{}
	for _, v := range readVectors(t) {
		switch v.kind {
		case "code":
			found["code"]++
			if !bytes.Equal(codeHash(string(v.body[:10])), v.body[10:]) {
				t.Errorf("%s: codeHash = %x, want %x", v.name, codeHash(string(v.body[:10])), v.body[10:])
			}
			continue
		case "hard-code":
			found["hard-code"]++
			kiosk, code, _ := strings.Cut(string(v.body[:len(v.body)-16]), "/")
			if got, err := hardHash(kiosk, code); err != nil || !bytes.Equal(got, v.body[len(v.body)-16:]) {
				t.Errorf("%s: hardHash = %x, %v, want %x", v.name, got, err, v.body[len(v.body)-16:])
			}
			continue
		case "copy":
			found["copy"]++
			c, err := readCopy(bytes.NewReader(v.body))
			got := "none"
			if c.kiosk != "" {
				got = fmt.Sprintf("torn %d", c.rev)
			}
			if c.whole {
				got = fmt.Sprintf("whole %d", c.rev)
			}
			if err != nil || got != v.expect {
				t.Errorf("%s: %s (%v), want %s", v.name, got, err, v.expect)
			}
			continue
		case "value":
		default:
			continue
		}
		got := "ok"
		val, n, err := parseValue(v.body)
		if err == nil && n != len(v.body) {
			err = fmt.Errorf("%d bytes after the value", len(v.body)-n)
		}
		if err != nil {
			got = "value"
		} else {
			var again []byte
			if again, err = parsePayload(val); err != nil {
				got = "payload"
				if !errors.Is(err, ErrDamaged) {
					t.Errorf("%s: %v, want ErrDamaged", v.name, err)
				}
			} else if !bytes.Equal(again, val.payload) || !bytes.Equal(val.marshal(), v.body) {
				t.Errorf("%s: parse then marshal gives other bytes", v.name)
			}
		}
		found[got]++
		if got != v.expect {
			t.Errorf("%s: %s (%v), want %s", v.name, got, err, v.expect)
		}
	}
	for _, k := range []string{"ok", "value", "payload", "code", "hard-code", "copy"} {
		if found[k] == 0 {
			t.Errorf("no vector comes out as %q", k)
		}
	}
}

// TestEveryRuleIsTested finds the numbered rules of the specification that
// neither a vector nor a test speaks of, and the other way round.
func TestEveryRuleIsTested(t *testing.T) {
	spec, err := os.ReadFile("../spec/outbox.md")
	if err != nil {
		t.Fatal(err)
	}
	var rules []string
	for _, m := range regexp.MustCompile(`\*\*(OB-[A-Z]+-\d+)\*\*`).FindAllSubmatch(spec, -1) {
		if slices.Contains(rules, string(m[1])) {
			t.Errorf("rule %s is there twice", m[1])
		}
		rules = append(rules, string(m[1]))
	}
	if len(rules) < 30 {
		t.Fatalf("found %d rules in the specification", len(rules))
	}
	tested := map[string]bool{}
	for _, v := range readVectors(t) {
		for _, r := range v.spec {
			tested[r] = true
			if !slices.Contains(rules, r) {
				t.Errorf("%s names the rule %s, which is not in the specification", v.name, r)
			}
		}
	}
	b, err := os.ReadFile(filepath.Join(vectorDir, "behaviour.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(line)
		if len(f) != 3 || !slices.Contains(rules, f[0]) {
			t.Errorf("behaviour.txt: %q", line)
			continue
		}
		src, err := os.ReadFile(filepath.Join("../..", f[1]))
		if err != nil || !bytes.Contains(src, []byte("func "+f[2]+"(t *testing.T)")) {
			t.Errorf("behaviour.txt: %s is not in %s (%v)", f[2], f[1], err)
		}
		tested[f[0]] = true
	}
	for _, r := range rules {
		if !tested[r] {
			t.Errorf("rule %s has neither a vector nor a test", r)
		}
	}
}

func FuzzValue(f *testing.F) {
	for _, v := range readVectors(f) {
		if v.kind == "value" {
			f.Add(v.body)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		v, n, err := parseValue(b)
		if err != nil {
			return
		}
		if !bytes.Equal(v.marshal(), b[:n]) {
			t.Fatalf("parse then marshal: got %x, want %x", v.marshal(), b[:n])
		}
	})
}

// FuzzPayload goes behind the checksum, which random bytes do not pass.
func FuzzPayload(f *testing.F) {
	for _, v := range readVectors(f) {
		if v.kind != "value" {
			continue
		}
		if val, _, err := parseValue(v.body); err == nil {
			f.Add(byte(val.kind), val.payload)
		}
	}
	f.Fuzz(func(t *testing.T, k byte, b []byte) {
		again, err := parsePayload(value{kind: kind(k), payload: b})
		if err == nil && !bytes.Equal(again, b) {
			t.Fatalf("kind %d: parse then marshal: got %x, want %x", k, again, b)
		}
	})
}

// FuzzCopy: nothing makes reading a copy fail, and what is whole is so to its end.
func FuzzCopy(f *testing.F) {
	for _, v := range readVectors(f) {
		if v.kind == "copy" {
			f.Add(v.body)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := readCopy(bytes.NewReader(b))
		if err != nil || c.end > int64(len(b)) || c.whole && (c.end != int64(len(b)) || c.rev == 0) {
			t.Fatalf("%+v, %v of %d bytes", c, err, len(b))
		}
	})
}
