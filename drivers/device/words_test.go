package device_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"testing"
)

// published are XFS4IoT's words, as its interface has them (KAL's generated
// classes of the specification: Printer.StatusClass, "paper", "media" and, until
// version 2022-1, "retractBins"; Common.StatusPropertiesClass, "device").
var published = map[string][]string{
	"Paper":      {"unknown", "full", "low", "out", "jammed"},
	"Exit":       {"unknown", "present", "notPresent", "jammed", "entering", "retracted"},
	"RetractBin": {"unknown", "ok", "full", "high", "missing"},
}

// TestWords: the constants of each type are the published words, all of them
// and no other.
func TestWords(t *testing.T) {
	f, err := parser.ParseFile(token.NewFileSet(), "receipt.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]string{}
	for _, d := range f.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.CONST {
			continue
		}
		for _, s := range g.Specs {
			v := s.(*ast.ValueSpec)
			name, ok := v.Type.(*ast.Ident)
			if !ok || published[name.Name] == nil {
				continue
			}
			word, err := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			got[name.Name] = append(got[name.Name], word)
		}
	}
	for name, want := range published {
		slices.Sort(want)
		slices.Sort(got[name])
		if !slices.Equal(got[name], want) {
			t.Errorf("words of %s: got %q, want %q", name, got[name], want)
		}
	}
}
