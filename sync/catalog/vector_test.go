package catalog

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/citizen"
)

const vectors = "../spec/vectors/catalog"

type vector struct {
	name, expect, spec, kind string
	body                     []byte
}

// forEachVector calls see for every vector of that kind ("" for all), and fails
// when there is none: loaders that find nothing test nothing.
func forEachVector(t testing.TB, kind string, see func(v vector)) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(vectors, "*.vector"))
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		head, body, ok := bytes.Cut(b, []byte("\n\n"))
		if !ok {
			t.Fatalf("%s: no empty line after the header", f)
		}
		v := vector{name: strings.TrimSuffix(filepath.Base(f), ".vector"), body: bytes.TrimSpace(body)}
		for line := range strings.SplitSeq(string(head), "\n") {
			k, val, _ := strings.Cut(line, ": ")
			switch k {
			case "expect":
				v.expect = val
			case "spec":
				v.spec = val
			case "kind":
				v.kind = val
			case "comment":
			default:
				t.Fatalf("%s: unknown header %q", f, k)
			}
		}
		if kind == "" || v.kind == kind {
			seen++
			see(v)
		}
	}
	if seen == 0 {
		t.Fatalf("no vectors of kind %q in %s", kind, vectors)
	}
}

// merged returns base.json with an RFC 7396 merge patch applied.
func merged(t testing.TB, patch []byte) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(vectors, "base.json"))
	if err != nil {
		t.Fatal(err)
	}
	var base, p any
	if err := json.Unmarshal(b, &base); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(patch, &p); err != nil {
		t.Fatal(err)
	}
	out, err := json.Marshal(mergePatch(base, p))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func mergePatch(to, p any) any {
	pm, ok := p.(map[string]any)
	if !ok {
		return p
	}
	tm, ok := to.(map[string]any)
	if !ok {
		tm = map[string]any{}
	}
	for k, v := range pm {
		if v == nil {
			delete(tm, k)
		} else {
			tm[k] = mergePatch(tm[k], v)
		}
	}
	return tm
}

// Every numbered rule of the specification has a vector, and no vector cites a
// rule that is not there.
func TestRulesHaveVectors(t *testing.T) {
	b, err := os.ReadFile("../spec/catalog.md")
	if err != nil {
		t.Fatal(err)
	}
	rules := map[string]bool{}
	for _, m := range regexp.MustCompile(`\*\*(CAT-[A-Z]+-[0-9]+)\*\*`).FindAllSubmatch(b, -1) {
		rules[string(m[1])] = false
	}
	if len(rules) == 0 {
		t.Fatal("no rules found in catalog.md")
	}
	forEachVector(t, "", func(v vector) {
		if _, ok := rules[v.spec]; !ok {
			t.Errorf("%s cites %q, which catalog.md does not have", v.name, v.spec)
		}
		rules[v.spec] = true
	})
	for _, r := range slices.Sorted(maps.Keys(rules)) {
		if !rules[r] {
			t.Errorf("%s has no vector", r)
		}
	}
}

func TestServiceVectors(t *testing.T) {
	test := func(v vector, doc []byte) {
		t.Run(v.name, func(t *testing.T) {
			_, err := ParseService(doc)
			if v.expect == "accepted" {
				if err != nil {
					t.Errorf("ParseService = %v, want nil", err)
				}
				return
			}
			if err == nil {
				t.Fatal("ParseService = nil, want it refused")
			}
			want := strings.Fields(v.expect)[1:]
			if len(want) == 0 {
				return
			}
			s := new(Service)
			if err := json.Unmarshal(doc, s); err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, p := range s.Lint() {
				got = append(got, p.Path)
			}
			if !slices.Equal(got, want) {
				t.Errorf("Lint finds %v, want %v", got, want)
			}
		})
	}
	forEachVector(t, "service", func(v vector) { test(v, merged(t, v.body)) })
	forEachVector(t, "json", func(v vector) { test(v, v.body) })
}

func TestExpressionVectors(t *testing.T) {
	forEachVector(t, "expr", func(v vector) {
		t.Run(v.name, func(t *testing.T) {
			var in struct {
				Expr    string            `json:"expr"`
				Answers map[string]string `json:"answers"`
				Today   string            `json:"today"`
			}
			if err := json.Unmarshal(v.body, &in); err != nil {
				t.Fatal(err)
			}
			x, err := parseExpr(in.Expr)
			if v.expect == "refused" {
				if err == nil {
					t.Errorf("parseExpr(%s) = nil, want it refused", in.Expr)
				}
				return
			}
			if err != nil {
				t.Fatalf("parseExpr(%s) = %v", in.Expr, err)
			}
			today, _ := time.Parse(time.DateOnly, in.Today)
			got, err := x.eval(env{get: func(n string) string { return in.Answers[n] }, today: today})
			if err != nil {
				t.Fatalf("%s: %v", in.Expr, err)
			}
			if want := strings.TrimPrefix(strings.TrimPrefix(v.expect, "="), " "); got.text() != want {
				t.Errorf("%s = %q, want %q", in.Expr, got.text(), want)
			}
		})
	})
}

type answersVector struct {
	Today   string            `json:"today"`
	Answers map[string]string `json:"answers"`
	Faults  []string          `json:"faults"`
	Pages   []string          `json:"pages"`
	Final   map[string]string `json:"final"`
}

func TestAnswerVectors(t *testing.T) {
	s, err := ParseService(merged(t, []byte("{}")))
	if err != nil {
		t.Fatal(err)
	}
	forEachVector(t, "answers", func(v vector) {
		t.Run(v.name, func(t *testing.T) {
			var in answersVector
			if err := json.Unmarshal(v.body, &in); err != nil {
				t.Fatal(err)
			}
			now, err := time.Parse(time.DateOnly, in.Today)
			if err != nil {
				t.Fatal(err)
			}
			a := citizen.NewAnswers(in.Answers)
			out, faults := s.Final(a, now)
			got := []string{}
			for _, f := range faults {
				got = append(got, f.Name)
				row, _ := s.Row(f.Name)
				// One question at a time must find the same fault as the end.
				if one := s.CheckRow(row, in.Answers[f.Name], a, now); one != f.Text {
					t.Errorf("CheckRow(%s) = %q, Final says %q", f.Name, one.EN, f.Text.EN)
				}
				for _, lang := range []string{"tk", "ru", "en"} {
					if w := in.Answers[f.Name]; len(w) > 3 && strings.Contains(f.Text.In(lang), w) {
						t.Errorf("the words about %s repeat the answer", f.Name)
					}
				}
			}
			if !slices.Equal(got, in.Faults) {
				t.Errorf("Final finds fault with %v, want %v", got, in.Faults)
			}
			if in.Pages != nil {
				var pages []string
				for _, r := range s.Pages(a) {
					pages = append(pages, r.Name)
				}
				if !slices.Equal(pages, in.Pages) {
					t.Errorf("Pages = %v, want %v", pages, in.Pages)
				}
			}
			if in.Final != nil && !maps.Equal(out.Reveal(), in.Final) {
				t.Errorf("Final = %v, want %v", out.Reveal(), in.Final)
			}
		})
	})
}

func TestPackVectors(t *testing.T) {
	forEachVector(t, "packs", func(v vector) {
		t.Run(v.name, func(t *testing.T) {
			var in struct {
				Packs []struct {
					Agencies []Agency          `json:"agencies"`
					Services []json.RawMessage `json:"services"` // patches of base.json
				} `json:"packs"`
			}
			if err := json.Unmarshal(v.body, &in); err != nil {
				t.Fatal(err)
			}
			var packs []*Pack
			for _, p := range in.Packs {
				out := &Pack{Schema: SchemaPack, Agencies: p.Agencies}
				for _, patch := range p.Services {
					s, err := ParseService(merged(t, patch))
					if err != nil {
						t.Fatal(err)
					}
					out.Services = append(out.Services, *s)
				}
				packs = append(packs, out)
			}
			c, err := Build(1, packs...)
			if v.expect == "refused" {
				if err == nil {
					t.Error("Build = nil, want it refused")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprintf("accepted %d", c.Services[0].Version); got != v.expect {
				t.Errorf("Build: %s, want %s", got, v.expect)
			}
			b, err := c.Marshal()
			if err != nil {
				t.Fatal(err)
			}
			again, err := Parse(b)
			if err != nil {
				t.Fatal(err)
			}
			if b2, err := again.Marshal(); err != nil || !bytes.Equal(b, b2) {
				t.Errorf("marshal, parse, marshal: got other bytes (%v)", err)
			}
		})
	})
}

// Whatever an author writes, evaluation ends within its limits and parsing does
// not fail in other ways than an error.
func FuzzExpression(f *testing.F) {
	forEachVector(f, "expr", func(v vector) {
		var in struct {
			Expr string `json:"expr"`
		}
		if err := json.Unmarshal(v.body, &in); err == nil {
			f.Add(in.Expr, "one two", "2026-02-09")
		}
	})
	f.Fuzz(func(t *testing.T, src, self, a string) {
		x, err := parseExpr(src)
		if err != nil {
			return
		}
		e := env{self: self, get: func(string) string { return a }, today: time.Unix(0, 0).UTC()}
		v, err := x.eval(e)
		if err != nil {
			return
		}
		again, err := x.eval(e)
		if err != nil || again.text() != v.text() {
			t.Errorf("%q gives %q, then %q (%v)", src, v.text(), again.text(), err)
		}
	})
}

// A document that is accepted comes back the same from its own bytes.
func FuzzService(f *testing.F) {
	f.Add([]byte("{}"))
	forEachVector(f, "service", func(v vector) { f.Add(merged(f, v.body)) })
	forEachVector(f, "json", func(v vector) { f.Add(v.body) })
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := ParseService(b)
		if err != nil {
			return
		}
		out, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseService(out)
		if err != nil {
			t.Fatalf("marshalled, it is refused: %v", err)
		}
		if b2, err := json.Marshal(again); err != nil || !bytes.Equal(out, b2) {
			t.Errorf("parse then marshal: got other bytes (%v)", err)
		}
	})
}
