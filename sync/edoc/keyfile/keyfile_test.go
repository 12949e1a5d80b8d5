package keyfile_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/edoc/keyfile"
	"github.com/penjire/penjire/sync/edoc/specimen"
)

func TestSigner(t *testing.T) {
	w, err := specimen.New(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	put := func(name string, b []byte) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	cert, key := put("cert.pem", w.Register.CertPEM()), put("key.pem", w.Register.KeyPEM())
	s, err := keyfile.Signer(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	if !s.Cert.Equal(w.Register.Cert) || len(s.Chain) != 1 {
		t.Errorf("Signer = %s with %d issuers, want %s with 1", s.Cert.Subject, len(s.Chain), w.Register.Cert.Subject)
	}

	other, empty := put("other.pem", w.TSA.KeyPEM()), put("empty.pem", nil)
	for _, tc := range []struct{ cert, key, want string }{
		{cert, other, "does not match"},
		{cert, empty, "empty.pem"},
		{empty, key, "empty.pem"},
		{cert, filepath.Join(dir, "none.pem"), "none.pem"},
	} {
		if _, err := keyfile.Signer(tc.cert, tc.key); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("Signer(%s, %s) = %v, want an error that says %q", filepath.Base(tc.cert), filepath.Base(tc.key), err, tc.want)
		}
	}
	if _, err := keyfile.Certificates(key); err == nil {
		t.Error("Certificates of a key file = nil error")
	}
}

// A key that others can read is no secret: it is not used.
func TestExposedKey(t *testing.T) {
	w, err := specimen.New(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for name, b := range map[string][]byte{cert: w.Register.CertPEM(), key: w.Register.KeyPEM()} {
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for mode, ok := range map[os.FileMode]bool{0o600: true, 0o400: true, 0o640: false, 0o604: false, 0o644: false, 0o620: false, 0o601: false} {
		if err := os.Chmod(key, mode); err != nil {
			t.Fatal(err)
		}
		_, err := keyfile.Signer(cert, key)
		if ok && err != nil || !ok && (!errors.Is(err, keyfile.ErrExposed) || !strings.Contains(err.Error(), "chmod 600")) {
			t.Errorf("Signer with a key of mode %#o = %v, accepted should be %v", mode, err, ok)
		}
	}
	if err := os.Chmod(key, 0o600); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 { // only root can give files away
		if err := os.Chown(key, 12345, -1); err != nil {
			t.Fatal(err)
		}
		if _, err := keyfile.Signer(cert, key); !errors.Is(err, keyfile.ErrExposed) {
			t.Errorf("Signer with another user's key = %v, want ErrExposed", err)
		}
	}
	if _, err := keyfile.Signer(cert, dir); err == nil {
		t.Error("Signer with a folder for a key succeeded")
	}
}
