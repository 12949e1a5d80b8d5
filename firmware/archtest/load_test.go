package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
)

const module = "github.com/penjire/penjire"

type file struct {
	dir, name string // slash-separated, relative to the module's root
	pkg       string
	doc       *ast.CommentGroup
	imports   []string
}

func (f file) test() bool { return strings.HasSuffix(f.name, "_test.go") }

// load parses the head of every Go file of the module, once.
func load(t *testing.T) []file {
	t.Helper()
	files, err := loadOnce()
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 20 {
		t.Fatalf("found %d Go files: a check that looked at nothing proves nothing", len(files))
	}
	return files
}

var loadOnce = sync.OnceValues(func() ([]file, error) {
	root, err := moduleRoot()
	if err != nil {
		return nil, err
	}
	var files []file
	fset := token.NewFileSet()
	err = filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if n := d.Name(); p != root && (n == "testdata" || n == "vendor" || n[0] == '.' || n[0] == '_') {
				return filepath.SkipDir
			}
			// A module of its own has rules of its own.
			if _, err := os.Stat(filepath.Join(p, "go.mod")); err == nil && p != root {
				return filepath.SkipDir
			}
			return nil
		}
		if filepath.Ext(p) != ".go" {
			return nil
		}
		a, err := parser.ParseFile(fset, p, nil, parser.ImportsOnly|parser.ParseComments)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		f := file{dir: path.Dir(rel), name: path.Base(rel), pkg: a.Name.Name, doc: a.Doc}
		for _, s := range a.Imports {
			v, err := strconv.Unquote(s.Path.Value)
			if err != nil {
				return err
			}
			f.imports = append(f.imports, v)
		}
		files = append(files, f)
		return nil
	})
	return files, err
})

func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", fs.ErrNotExist
		}
		dir = up
	}
}
