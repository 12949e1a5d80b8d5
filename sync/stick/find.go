package stick

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Found is a file of a folder, as far as its header could be read.
type Found struct {
	Name   string
	Header Header // zero where Err is not nil
	Err    error  // why it is none, or none that can be read
}

// maxFound is how many files of one folder are looked at.
const maxFound = 10_000

// Find returns the files of the folder whose names end with Extension, answers by
// epoch, number and time. Unfinished ones are left out.
func (f *Folder) Find() ([]Found, error) {
	d, err := os.Open(f.dir)
	if err != nil {
		return nil, fmt.Errorf("stick: look at %s: %w", f.dir, fault(err))
	}
	defer func() { _ = d.Close() }() // it was only read
	var out []Found
	for len(out) < maxFound {
		es, err := d.ReadDir(256)
		for _, e := range es {
			// Names that other systems make for themselves beside a file («._name»).
			if e.IsDir() || strings.HasPrefix(e.Name(), ".") || !strings.EqualFold(filepath.Ext(e.Name()), Extension) {
				continue
			}
			out = append(out, f.look(e.Name()))
		}
		if err != nil || len(es) == 0 {
			break
		}
	}
	slices.SortFunc(out, func(a, b Found) int {
		return cmp.Or(slices.Compare(a.Header.Epoch[:], b.Header.Epoch[:]), cmp.Compare(a.Header.Number, b.Header.Number),
			cmp.Compare(a.Header.At, b.Header.At), strings.Compare(a.Name, b.Name))
	})
	return out, nil
}

func (f *Folder) look(name string) Found {
	found := Found{Name: name}
	found.Err = f.Open(name, func(in *File) error {
		found.Header = in.Header
		return nil
	})
	return found
}

// Open reads the header of a file, and gives it to use, which reads the frames.
func (f *Folder) Open(name string, use func(*File) error) error {
	if name != filepath.Base(name) {
		return fmt.Errorf("stick: open %q: a name, not a path, is wanted", name)
	}
	in, err := os.Open(filepath.Join(f.dir, name))
	if err != nil {
		return fmt.Errorf("stick: open %s: %w", name, fault(err))
	}
	defer func() { _ = in.Close() }() // it was only read
	file, err := Read(in)
	if err != nil {
		if errors.Is(err, ErrOther) || errors.Is(err, ErrVersion) || errors.Is(err, ErrCut) || errors.Is(err, ErrDamaged) {
			return err
		}
		return fault(err)
	}
	return use(file)
}
