package archtest

import (
	"os/exec"
	"path"
	"strings"
	"testing"
)

// TestOneDocPerPackage wants one package comment in each package, opening as go
// doc expects.
func TestOneDocPerPackage(t *testing.T) {
	docs := map[string][]file{}
	for _, f := range load(t) {
		if !f.test() {
			docs[f.dir] = append(docs[f.dir], f)
		}
	}
	for dir, fs := range docs {
		n := 0
		for _, f := range fs {
			if f.doc == nil {
				continue
			}
			n++
			want := "Package " + f.pkg + " "
			if f.pkg == "main" {
				want = "Command " + path.Base(dir) + " "
			}
			if got := f.doc.Text(); !strings.HasPrefix(got, want) {
				t.Errorf("%s/%s: package comment starts %.40q, want %q", dir, f.name, got, want)
			}
		}
		if n != 1 {
			t.Errorf("%s: %d package comments, want 1", dir, n)
		}
	}
}

// TestNames keeps package names apart from the standard library's, so that no
// file ever needs an alias for one of them, and free of words that say nothing.
func TestNames(t *testing.T) {
	out, err := exec.Command("go", "list", "std").Output()
	if err != nil {
		t.Fatal(err)
	}
	std := map[string]string{}
	for p := range strings.FieldsSeq(string(out)) {
		// go/printer and its like are for tools that read Go; nothing here is.
		if !strings.Contains(p, "internal") && !strings.HasPrefix(p, "vendor/") && !strings.HasPrefix(p, "go/") {
			std[path.Base(p)] = p
		}
	}
	if len(std) < 100 {
		t.Fatalf("go list std gave %d packages", len(std))
	}
	empty := map[string]bool{"utils": true, "util": true, "helpers": true, "helper": true, "common": true, "misc": true, "base": true}
	for _, f := range load(t) {
		name := strings.TrimSuffix(f.pkg, "_test")
		if p, ok := std[name]; ok {
			t.Errorf("%s/%s: package %s has the name of %s", f.dir, f.name, name, p)
		}
		if name != "main" && name != path.Base(f.dir) {
			t.Errorf("%s/%s: package %s does not have its folder's name", f.dir, f.name, name)
		}
		if empty[name] {
			t.Errorf("%s/%s: package %s has a name that says nothing", f.dir, f.name, name)
		}
	}
}
