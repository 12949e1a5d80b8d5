package explain

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/penjire/penjire/sync/edoc/trust"
)

// reasons reads the values of all Reason constants of the packages that find
// something, with the folder each is of.
func reasons(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, dir := range []string{"..", "../trust", "../seal", "../cms", "../tsp", "../asic", "."} {
		names, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			p, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(p, func(n ast.Node) bool {
				s, ok := n.(*ast.ValueSpec)
				if !ok {
					return true
				}
				for i, name := range s.Names {
					if !strings.HasPrefix(name.Name, "Reason") || i >= len(s.Values) {
						continue
					}
					if l, ok := s.Values[i].(*ast.BasicLit); ok && l.Kind == token.STRING {
						v, err := strconv.Unquote(l.Value)
						if err != nil {
							t.Fatal(err)
						}
						found[v] = dir + " " + name.Name
					}
				}
				return true
			})
		}
	}
	return found
}

// TestReasons: each constant has words in each language, and no words are left
// over of a reason that is none.
func TestReasons(t *testing.T) {
	want := reasons(t)
	if len(want) < 30 || want[trust.ReasonOK] == "" {
		t.Fatalf("only %d reasons were found in the source", len(want))
	}
	delete(want, trust.ReasonOK)
	for _, lang := range Langs {
		w := in[lang]
		for code, where := range want {
			if w.Reason[code] == (Text{}) {
				t.Errorf("texts/%s.json says nothing of %q (%s)", lang, code, where)
			}
		}
		for code := range w.Reason {
			if want[code] == "" {
				t.Errorf("texts/%s.json explains %q, which is no reason", lang, code)
			}
		}
	}
}

// TestComplete: every question has words for every verdict, in every language.
func TestComplete(t *testing.T) {
	all := append(slices.Clone(Questions), Seal)
	verdicts := []trust.Verdict{trust.Yes, trust.No, trust.Unknown}
	for _, lang := range Langs {
		w := in[lang]
		for _, v := range verdicts {
			if Overall(lang, v) == "" {
				t.Errorf("%s has no word for %q", lang, v)
			}
			for _, q := range all {
				if Heading(lang, q, v) == "" {
					t.Errorf("%s has no heading for %s %s", lang, q, v)
				}
			}
		}
		for _, q := range all {
			if Ask(lang, q) == "" {
				t.Errorf("%s does not ask %q", lang, q)
			}
			sentences(t, lang, "ok of "+string(q), w.OK[q])
		}
		for code, x := range w.Reason {
			sentences(t, lang, code, x)
		}
		if n, want := len(w.Heading), len(all)*len(verdicts); n != want {
			t.Errorf("%s has %d headings, want %d", lang, n, want)
		}
		if len(w.OK) != len(all) || len(w.Question) != len(all) || len(w.Overall) != len(verdicts) {
			t.Errorf("%s has texts of a question or verdict that there is not", lang)
		}
	}
}

// sentences wants two short sentences.
func sentences(t *testing.T, lang, what string, x Text) {
	t.Helper()
	for _, s := range []string{x.Found, x.Means} {
		r := []rune(s)
		if len(r) == 0 || !unicode.IsUpper(r[0]) || r[len(r)-1] != '.' || len(r) > 140 {
			t.Errorf("%s, %s: %q is no short sentence", lang, what, s)
		}
	}
	if x.Found == x.Means {
		t.Errorf("%s, %s says the same twice", lang, what)
	}
	if lang != "ru" && strings.ContainsFunc(x.Found+x.Means, func(r rune) bool { return unicode.Is(unicode.Cyrillic, r) }) {
		t.Errorf("%s, %s has Cyrillic letters", lang, what)
	}
}

// TestStrict: no key is in a file twice, which encoding/json would not say.
func TestStrict(t *testing.T) {
	for _, lang := range Langs {
		b, err := files.ReadFile("texts/" + lang + ".json")
		if err != nil {
			t.Fatal(err)
		}
		d := json.NewDecoder(bytes.NewReader(b))
		object(t, lang, d)
		if _, err := d.Token(); err != io.EOF {
			t.Errorf("texts/%s.json goes on after its end", lang)
		}
	}
}

func object(t *testing.T, at string, d *json.Decoder) {
	t.Helper()
	next := func() json.Token {
		x, err := d.Token()
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	if x := next(); x != json.Delim('{') {
		return
	}
	seen := map[string]bool{}
	for d.More() {
		key := next().(string)
		if seen[key] {
			t.Errorf("%s has %q twice", at, key)
		}
		seen[key] = true
		object(t, at+" "+key, d)
	}
	next()
}

func TestFinding(t *testing.T) {
	f := trust.Finding{Verdict: trust.No, Reason: "cert.revoked"}
	if got := Finding("en", Revocation, f); got.Found != "The certificate was cancelled before the signing." {
		t.Errorf("a cancelled certificate: %+v", got)
	}
	yes := trust.Finding{Verdict: trust.Yes, Reason: trust.ReasonOK}
	if Finding("tk", Whole, yes) == Finding("tk", Signer, yes) {
		t.Error("the answers to two questions are the same")
	}
	if got := Finding("ru", Whole, trust.Finding{Verdict: trust.No, Reason: "of.tomorrow"}); got != (Text{Found: "of.tomorrow"}) {
		t.Errorf("a reason without words: %+v", got)
	}
	if got := Overall("fr", trust.Yes); got != "VALID" {
		t.Errorf("in a language that is not there: %q", got)
	}
	if got := Reasons(); len(got) != len(in["tk"].Reason) {
		t.Errorf("Reasons are %d", len(got))
	}
}
