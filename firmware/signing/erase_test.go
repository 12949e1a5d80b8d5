package signing

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/penjire/penjire/firmware/settings"
)

func TestErase(t *testing.T) {
	dir := t.TempDir()
	key := filepath.Join(dir, "tls.key")
	link := filepath.Join(dir, "seen.key") // a second name shows what is on the medium
	if err := os.WriteFile(key, []byte("secret of the kiosk"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(key, link); err != nil {
		t.Fatal(err)
	}
	p := settings.Pair{Cert: "a", Key: key}
	var r Keyring
	for range 2 { // the second time after an interruption
		if n, err := r.Erase(t.Context(), p, settings.Pair{Cert: "b", Key: key}); n != 1 || err != nil {
			t.Fatalf("Erase = %d, %v; want 1 key", n, err)
		}
	}
	if _, err := os.Stat(key); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file is there: %v", err)
	}
	b, err := os.ReadFile(link)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range b {
		if c != 0 {
			t.Fatalf("the medium has %q", b)
		}
	}
	if n := Erasable(p, settings.Pair{Cert: "b", Key: key}, settings.Pair{PKCS11: settings.PKCS11{Module: "m"}}); n != 1 {
		t.Errorf("Erasable = %d, want the one file", n)
	}
	token := settings.Pair{PKCS11: settings.PKCS11{Module: "m", ID: "02"}}
	if n, err := r.Erase(t.Context(), token, p); n != 1 || !errors.Is(err, ErrTokenKeeps) {
		t.Errorf("with a token: %d, %v; want the other key gone, and %v", n, err, ErrTokenKeeps)
	}
}
