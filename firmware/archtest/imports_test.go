package archtest

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// violations applies rules to files, and says which rules bound any file. It is
// apart from the tests so that the rules are themselves tested, on trees that
// break them. What a package imports through others counts as its own.
func violations(files []file, rules []rule) (bad []string, bound map[int]bool) {
	links := map[string][]string{} // package => what its non-test files import
	for _, f := range files {
		if !f.test() {
			links[f.dir] = append(links[f.dir], f.imports...)
		}
	}
	bound = map[int]bool{}
	for i, r := range rules {
		for _, f := range files {
			if !under(f.dir, r.From) || exempt(f.dir, r.Except) {
				continue
			}
			bound[i] = true
			if f.test() && !r.TestsToo {
				continue
			}
			for _, imp := range f.imports {
				if chain := reach(links, imp, r.Deny, map[string]bool{}); chain != nil {
					bad = append(bad, fmt.Sprintf("%s/%s imports %s: %s", f.dir, f.name, strings.Join(chain, ", which imports "), r.Why))
				}
			}
		}
	}
	return bad, bound
}

// exempt reports whether dir is under one of the folders of except, or its
// last part matches one of its patterns.
func exempt(dir string, except []string) bool {
	return slices.ContainsFunc(except, func(e string) bool {
		ok, _ := path.Match(e, path.Base(dir))
		return ok || under(dir, e)
	})
}

// reach returns the import chain from imp to a package under deny, or nil.
// Ground is everyone's and ends a chain.
func reach(links map[string][]string, imp, deny string, seen map[string]bool) []string {
	imp, own := strings.CutPrefix(imp, module+"/")
	if seen[imp] || own && slices.Contains(ground, imp) {
		return nil
	}
	// The standard library has a package sync, too.
	if own == isFolder(deny) && under(imp, deny) {
		return []string{imp}
	}
	if !own {
		return nil
	}
	seen[imp] = true
	for _, next := range links[imp] {
		if chain := reach(links, next, deny, seen); chain != nil {
			return append([]string{imp}, chain...)
		}
	}
	return nil
}

// isFolder reports whether deny names a folder of the module.
func isFolder(deny string) bool {
	top, _, _ := strings.Cut(deny, "/")
	return slices.Contains(folders, top)
}

func under(p, folder string) bool {
	return folder == "." || p == folder || strings.HasPrefix(p, folder+"/")
}

func TestImportDirection(t *testing.T) {
	bad, bound := violations(load(t), rules)
	for _, b := range bad {
		t.Error(b)
	}
	for i, r := range rules {
		if !bound[i] {
			t.Errorf("rule %s -/-> %s binds no file: was %s renamed?", r.From, r.Deny, r.From)
		}
	}
}

// TestDeniedStillExist fails when a rule forbids a package that is gone: such a
// rule keeps nothing.
func TestDeniedStillExist(t *testing.T) {
	root, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rules {
		if !isFolder(r.Deny) {
			continue
		}
		if _, err := os.Stat(filepath.Join(root, r.Deny)); err != nil {
			t.Errorf("rule %s -/-> %s: %v", r.From, r.Deny, err)
		}
	}
}

func TestFolders(t *testing.T) {
	for _, f := range load(t) {
		if top, _, _ := strings.Cut(f.dir, "/"); !slices.Contains(folders, top) {
			t.Errorf("%s/%s: Go files live under %v", f.dir, f.name, folders)
		}
		if f.dir == "sync" {
			t.Errorf("%s/%s: sync itself holds no Go files", f.dir, f.name)
		}
	}
}

func TestGroundImportsNothing(t *testing.T) {
	for _, g := range ground {
		n := 0
		for _, f := range load(t) {
			if f.dir != g || f.test() {
				continue
			}
			n++
			for _, imp := range f.imports {
				first, _, _ := strings.Cut(imp, "/")
				own := slices.Contains(ground, strings.TrimPrefix(imp, module+"/"))
				if strings.Contains(first, ".") && !own {
					t.Errorf("%s/%s imports %s: ground imports only the standard library", f.dir, f.name, imp)
				}
			}
		}
		if n == 0 {
			t.Errorf("ground package %s is gone", g)
		}
	}
}

// TestRulesBite breaks every rule once and wants exactly that complaint.
func TestRulesBite(t *testing.T) {
	for _, r := range rules {
		t.Run(strings.ReplaceAll(r.From+" "+r.Deny, "/", "."), func(t *testing.T) {
			imp := r.Deny
			if isFolder(r.Deny) {
				imp = module + "/" + r.Deny
			}
			f := file{dir: r.From, name: "x.go", imports: []string{imp}}
			if got, _ := violations([]file{f}, []rule{r}); len(got) != 1 {
				t.Errorf("got %d complaints, want 1: %q", len(got), got)
			}
		})
	}
}

// TestRulesKnowTheStandardLibrary wants no complaint about its package sync.
func TestRulesKnowTheStandardLibrary(t *testing.T) {
	f := file{dir: "drivers/link", name: "x.go", imports: []string{"sync", "sync/atomic"}}
	if got, _ := violations([]file{f}, []rule{{From: "drivers", Deny: "sync", Why: "why"}}); len(got) != 0 {
		t.Errorf("got %q, want none", got)
	}
}

// TestRulesSeeThrough hides a forbidden import behind an allowed one.
func TestRulesSeeThrough(t *testing.T) {
	files := []file{
		{dir: "sync/uplink", name: "a.go", imports: []string{module + "/sync/glue"}},
		{dir: "sync/glue", name: "b.go", imports: []string{module + "/sync/portal"}},
	}
	got, _ := violations(files, []rule{{From: "sync/uplink", Deny: "sync/portal", Why: "why"}})
	want := []string{"sync/uplink/a.go imports sync/glue, which imports sync/portal: why"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
