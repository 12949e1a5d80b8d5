package control

import (
	"net"
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
	if l, err := Listen(path); err == nil {
		t.Errorf("Listen(a file) = nil, want an error")
		_ = l.Close()
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != "key" {
		t.Errorf("the file afterwards: got %q, %v, want it as it was", b, err)
	}
}

// Two kiosks do not share a socket; one that a killed kiosk left is replaced.
func TestControlSocket(t *testing.T) {
	dir, err := os.MkdirTemp("", "pk")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "c")
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	dead.SetUnlinkOnClose(false) // as a kiosk that is killed
	if err := dead.Close(); err != nil {
		t.Fatal(err)
	}
	l, err := Listen(path)
	if err != nil {
		t.Fatalf("listen where a dead socket is = %v", err)
	}
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("mode of the socket: got %v, %v, want 0600", st.Mode(), err)
	}
	if _, err := Listen(path); err == nil {
		t.Error("a second kiosk listens on the same socket")
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}
