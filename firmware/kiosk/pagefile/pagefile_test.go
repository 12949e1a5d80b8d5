package pagefile

import (
	"os"
	"path/filepath"
	"testing"
)

func TestWriteRead(t *testing.T) {
	at := filepath.Join(t.TempDir(), "page")
	if _, _, err := Read(at); err == nil {
		t.Error("Read of no file: no error")
	}
	for _, want := range []Page{{Visits: 1, Open: true}, {Visits: 2}} {
		if err := Write(at, want); err != nil {
			t.Fatal(err)
		}
		got, when, err := Read(at)
		if err != nil || got != want || when.IsZero() {
			t.Errorf("Read = %+v, %s, %v, want %+v", got, when, err, want)
		}
	}
	info, err := os.Stat(at)
	if err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("mode %v, %v, want 0644: another user reads it", info.Mode(), err)
	}
	if err := os.WriteFile(at, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Read(at); err == nil {
		t.Error("Read of half a file: no error")
	}
}
