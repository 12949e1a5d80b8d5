package kiosk

import (
	"os"
	"path/filepath"
	"testing"
)

// A mistyped path of the control socket costs nobody a file: it may be a key.
func TestControlSpareFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pseudonym.key")
	if err := os.WriteFile(path, []byte("key"), 0o600); err != nil {
		t.Fatal(err)
	}
	if l, err := listenControl(path); err == nil {
		t.Errorf("listenControl(a file) = nil, want an error")
		_ = l.Close()
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != "key" {
		t.Errorf("the file afterwards: got %q, %v, want it as it was", b, err)
	}
}
