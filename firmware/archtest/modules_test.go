package archtest

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/modfile"
)

// modules are the folders that are modules of their own: what needs cgo, and what
// the product is only compared with. Adding one takes a decision record.
var modules = []string{"firmware/bench/comparison", "firmware/signing/pkcs11helper"}

// looks are the modules that may look at the product. It never looks at them.
var looks = []string{"firmware/bench/comparison"}

// TestModules keeps the modules apart: neither requires or imports the other, so
// a build of the product never meets cgo, and the helper holds nothing of it. A
// comparison may look at the product, and holds nothing but tests.
func TestModules(t *testing.T) {
	root, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	err = filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && p != root && (d.Name()[0] == '.' || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if err == nil && d.Name() == "go.mod" && filepath.Dir(p) != root {
			rel, _ := filepath.Rel(root, filepath.Dir(p))
			found = append(found, filepath.ToSlash(rel))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(found, modules) {
		t.Fatalf("modules of their own: got %v, want %v", found, modules)
	}
	for _, dir := range append([]string{"."}, modules...) {
		b, err := os.ReadFile(filepath.Join(root, dir, "go.mod"))
		if err != nil {
			t.Fatal(err)
		}
		f, err := modfile.Parse("go.mod", b, nil)
		if err != nil {
			t.Fatal(err)
		}
		if slices.Contains(looks, dir) {
			continue
		}
		for _, r := range f.Require {
			if strings.HasPrefix(r.Mod.Path, module) {
				t.Errorf("%s/go.mod requires %s: the modules know nothing of each other", dir, r.Mod.Path)
			}
		}
		if len(f.Replace) > 0 {
			t.Errorf("%s/go.mod replaces modules", dir)
		}
		if _, err := os.Stat(filepath.Join(root, dir, "go.sum")); err != nil {
			t.Errorf("%s: %v", dir, err)
		}
	}
	for _, f := range load(t) {
		for _, imp := range f.imports {
			if slices.ContainsFunc(modules, func(m string) bool { return under(imp, module+"/"+m) }) {
				t.Errorf("%s/%s imports %s, which is another module", f.dir, f.name, imp)
			}
			if imp == "C" {
				t.Errorf("%s/%s uses cgo: what needs a C compiler is a module of its own", f.dir, f.name)
			}
		}
	}
	for _, dir := range modules {
		files, err := filepath.Glob(filepath.Join(root, dir, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s has no Go files: %v", dir, err)
		}
		for _, name := range files {
			if slices.Contains(looks, dir) && (strings.HasSuffix(name, "_test.go") || filepath.Base(name) == "comparison.go") {
				continue
			}
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(b), `"`+module+`/`) {
				t.Errorf("%s imports the product", name)
			}
		}
	}
}
