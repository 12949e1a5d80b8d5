package keyfile_test

import (
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
