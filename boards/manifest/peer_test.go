package manifest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestOpenSSLChecksTheSignature: the commands of the package's comment, run.
func TestOpenSSLChecksTheSignature(t *testing.T) {
	if _, err := exec.LookPath("openssl"); err != nil {
		if os.Getenv("PENJIRE_PEERS") == "require" {
			t.Fatalf("peer openssl is missing: %v (apt-get install openssl)", err)
		}
		t.Skip("LEFT OUT: the peer openssl is not installed; signatures of images were not checked by it")
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "F"), signed(t, newAuthority(t, nil)), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "sh", "-ec", `
		sed '/^-----BEGIN/,$d' F >F.json
		sed -n '/^-----BEGIN PENJIRE/,/^-----END PENJIRE/{/^-----/d;p}' F | base64 -d >F.sig
		sed -n '/^-----BEGIN CERT/,/^-----END CERT/p' F | openssl x509 -pubkey -noout >F.pub
		openssl dgst -sha256 -verify F.pub -signature F.sig F.json
		echo >>F.json
		! openssl dgst -sha256 -verify F.pub -signature F.sig F.json`)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "Verified OK") {
		t.Errorf("openssl: %v\n%s", err, out)
	}
}
