package edoc_test

import (
	"bytes"
	"crypto/x509"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/penjire/penjire/sync/edoc/cms"
	"github.com/penjire/penjire/sync/edoc/specimen"
)

// TestWeReadBouncyCastle reads a signature with two counter-signatures and an
// OCSP response inside, as BouncyCastle makes it.
func TestWeReadBouncyCastle(t *testing.T) {
	peers(t, "javac")
	peerFiles(t)
	w := world(t)
	dir := t.TempDir()
	content := []byte("what is signed")
	put(t, dir, "content", content)
	who := []specimen.Identity{card(t, w, "citizen-1").Slots[specimen.SlotSign], w.Device.Signing, card(t, w, "assistant").Slots[specimen.SlotSign]}
	for n, id := range who {
		key, err := x509.MarshalPKCS8PrivateKey(id.Key)
		if err != nil {
			t.Fatal(err)
		}
		put(t, dir, strconv.Itoa(n)+".key", key)
		put(t, dir, strconv.Itoa(n)+".der", id.Cert.Raw)
	}
	response, err := w.OCSP(w.Citizens, who[0].Cert, now)
	if err != nil {
		t.Fatal(err)
	}
	put(t, dir, "response", response)
	var path []string
	for _, jar := range bouncyCastle {
		path = append(path, filepath.Join(jarFolder, jar))
	}
	cmd := exec.CommandContext(t.Context(), "java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", strings.Join(path, ":"), "testdata/bouncycastle/Make.java", dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("java: %v: %s", err, out)
	}
	der, err := os.ReadFile(filepath.Join(dir, "made.p7s"))
	if err != nil {
		t.Fatal(err)
	}
	sd, err := cms.Parse(der)
	if err != nil {
		t.Fatal(err)
	}
	if cert, err := sd.Verify(content); err != nil || !cert.Equal(who[0].Cert) {
		t.Errorf("Verify = %v", err)
	}
	if got := sd.OCSPs(); len(got) != 1 || !bytes.Equal(got[0], response) {
		t.Errorf("%d responses, want the one that was put in", len(got))
	}
	counters := sd.CounterSignatures()
	if len(counters) != 2 {
		t.Fatalf("%d counter-signatures, want 2", len(counters))
	}
	for _, c := range counters {
		if cert, err := c.Verify(); err != nil || !cert.Equal(who[1].Cert) && !cert.Equal(who[2].Cert) {
			t.Errorf("Verify of a counter-signature = %v", err)
		}
	}
}
