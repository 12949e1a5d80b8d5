package archtest

import (
	"bytes"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// TestNoPrograms wants no built program among the sources, and no file that every
// clone would carry for ever without need: `go build` in a command's folder leaves one
// beside its source.
func TestNoPrograms(t *testing.T) {
	const (
		most = 1 << 20 // bytes; the largest, the checker of accessibility, has 640 KiB
		few  = 1000    // files
	)
	root, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, top := range folders {
		err := filepath.WalkDir(filepath.Join(root, top), func(at string, e fs.DirEntry, err error) error {
			if err != nil || !e.Type().IsRegular() {
				return err
			}
			seen++
			info, err := e.Info()
			if err != nil {
				return err
			}
			if info.Size() > most {
				t.Errorf("%s has %d bytes, at most %d", at, info.Size(), most)
			}
			if program(t, at) {
				t.Errorf("%s is a built program", at)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if seen < few {
		t.Errorf("%d files seen, want at least %d", seen, few)
	}
	if self, err := os.Executable(); err != nil || !program(t, self) {
		t.Errorf("this test is not known as a program: %v", err)
	}
}

// program tells whether a file is in the format of Linux' programs.
func program(t *testing.T, at string) bool {
	t.Helper()
	f, err := os.Open(at)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }() // it was read only
	head := make([]byte, 4)
	if _, err := io.ReadFull(f, head); err != nil {
		return false // shorter
	}
	return bytes.Equal(head, []byte("\x7fELF"))
}
