package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// The drawings in ui/asset are those that this command draws.
func TestDrawingsAreCurrent(t *testing.T) {
	dir := t.TempDir()
	if got := run([]string{"-out", dir}, io.Discard); got != 0 {
		t.Fatalf("run = %d, want 0", got)
	}
	for name := range drawings() {
		want, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join("../../asset/svg", name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is not what gol draws: go run ./ui/cmd/gol", name)
		}
	}
}

func TestStatuses(t *testing.T) {
	if got := run([]string{"-nonsense"}, io.Discard); got != 2 {
		t.Errorf("run of a wrong flag = %d, want 2", got)
	}
	if got := run([]string{"-out", filepath.Join(t.TempDir(), "no", "folder")}, io.Discard); got != 1 {
		t.Errorf("run into no folder = %d, want 1", got)
	}
}
