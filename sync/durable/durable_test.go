package durable

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// TestWriteFile: the new content is there with its rights, and nothing beside it.
func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "state")
	for _, tt := range []struct {
		body string
		mode os.FileMode
	}{{"one", 0o600}, {"two, which is longer", 0o644}} {
		if err := WriteFile(name, []byte(tt.body), tt.mode); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(name)
		if err != nil || string(b) != tt.body {
			t.Errorf("ReadFile = %q, %v, want %q", b, err, tt.body)
		}
		if info, err := os.Stat(name); err != nil || info.Mode() != tt.mode {
			t.Errorf("Stat = %v, %v, want %v", info.Mode(), err, tt.mode)
		}
	}
	if all, err := os.ReadDir(dir); err != nil || len(all) != 1 {
		t.Errorf("ReadDir = %v, %v, want the file alone", all, err)
	}
}

// TestWriteFileFails: what cannot take the name leaves what was there, and nothing
// half written.
func TestWriteFileFails(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "state")
	if err := os.MkdirAll(filepath.Join(name, "a folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(name, []byte("x"), 0o600); err == nil {
		t.Error("WriteFile over a folder = nil, want an error")
	}
	if err := WriteFile(filepath.Join(dir, "no", "where"), nil, 0o600); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("WriteFile = %v, want ErrNotExist", err)
	}
	if all, err := os.ReadDir(dir); err != nil || len(all) != 1 {
		t.Errorf("ReadDir = %v, %v, want the folder alone", all, err)
	}
}
