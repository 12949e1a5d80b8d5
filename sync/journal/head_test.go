package journal_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/penjire/penjire/sync/edoc/specimen"
	"github.com/penjire/penjire/sync/journal"
)

var at = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

func world(t testing.TB) *specimen.World {
	t.Helper()
	w, err := specimen.New(at)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestHead(t *testing.T) {
	w := world(t)
	kiosk, portal := w.Device.Signing, w.PortalReceipt
	c := journal.Checkpoint{Origin: "K-000001/e0", Size: 3, Root: journal.Hash{1}, Counter: 7}
	h, err := c.Sign("K-000001", kiosk.Signer(), at, false)
	if err != nil {
		t.Fatal(err)
	}
	sig, err := h.Signature(portal.Signer(), at, false)
	if err != nil {
		t.Fatal(err)
	}
	both, err := h.With("portal.specimen", portal.Cert, sig)
	if err != nil {
		t.Fatal(err)
	}
	b := both.Marshal()
	if !strings.HasPrefix(string(b), "K-000001/e0\n3\n") || !strings.Contains(string(b), "\ncounter 7\n\n— K-000001 ") {
		t.Errorf("Marshal = %q", b)
	}
	got, err := journal.ParseHead(b)
	if err != nil || got.Checkpoint != c || len(got.Names()) != 2 {
		t.Fatalf("ParseHead = %+v, %v, want %+v by two", got, err, c)
	}
	if cert, err := got.Verify("K-000001", kiosk.Cert); err != nil || !cert.Equal(kiosk.Cert) {
		t.Errorf("Verify of the kiosk = %v", err)
	}
	if _, err := got.Verify("portal.specimen", portal.Cert); err != nil {
		t.Errorf("Verify of the portal = %v", err)
	}
	if one := got.Only("portal.specimen"); len(one.Names()) != 1 || one.Signed("K-000001") != nil {
		t.Errorf("Only = %v", one.Names())
	}
	if again, err := h.Join(got.Only("portal.specimen")); err != nil || !bytes.Equal(again.Marshal(), b) {
		t.Errorf("Join = %v, want both signatures again", err)
	}
	for name, known := range map[string]specimen.Identity{"K-000001": portal, "portal.specimen": kiosk, "nobody": kiosk} {
		if _, err := got.Verify(name, known.Cert); !errors.Is(err, journal.ErrHead) {
			t.Errorf("Verify of %s with another's certificate = %v, want ErrHead", name, err)
		}
	}
	for name, change := range map[string]func(s string) string{
		"size":       func(s string) string { return strings.Replace(s, "\n3\n", "\n4\n", 1) },
		"counter":    func(s string) string { return strings.Replace(s, "counter 7", "counter 8", 1) },
		"no counter": func(s string) string { return strings.Replace(s, "counter 7\n", "", 1) },
		"name":       func(s string) string { return strings.Replace(s, "— K-000001", "— K-000002", 1) },
	} {
		x, err := journal.ParseHead([]byte(change(string(b))))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if _, err := x.Verify(x.Names()[0], kiosk.Cert); !errors.Is(err, journal.ErrHead) {
			t.Errorf("Verify of a changed %s = %v, want ErrHead", name, err)
		}
	}
	if size := len(h.Marshal()); size > 900 {
		t.Errorf("a head signed by the kiosk has %d bytes, want at most 900", size)
	}
}

// TestHeadIsANote reads a head with the note package of the Go project, which
// knows nothing of CMS: the key ID is found, and the signature handed on.
func TestHeadIsANote(t *testing.T) {
	w := world(t)
	h, err := journal.Checkpoint{Origin: "K-000001/e0", Size: 3, Root: journal.Hash{1}}.Sign("K-000001", w.Device.Signing.Signer(), at, false)
	if err != nil {
		t.Fatal(err)
	}
	_, err = note.Open(h.Marshal(), note.VerifierList())
	var un *note.UnverifiedNoteError
	if !errors.As(err, &un) || un.Note.Text != string(h.Text()) || len(un.Note.UnverifiedSigs) != 1 || un.Note.UnverifiedSigs[0].Name != "K-000001" {
		t.Errorf("note.Open = %v, want a note with one signature it does not know", err)
	}
}

// TestHeadByOpenSSL verifies the kiosk's signature with openssl alone.
func TestHeadByOpenSSL(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		if os.Getenv("PENJIRE_PEERS") == "require" {
			t.Fatal("openssl is not installed")
		}
		t.Skip("openssl is not installed")
	}
	w := world(t)
	h, err := journal.Checkpoint{Origin: "K-000001/e0", Size: 3, Root: journal.Hash{1}, Counter: 1}.Sign("K-000001", w.Device.Signing.Signer(), at, false)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, b := range map[string][]byte{
		"head": h.Marshal(), "kiosk.pem": w.Device.Signing.CertPEM(), "roots.pem": w.RootPEM(),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := func(script string) ([]byte, error) {
		cmd := exec.Command("sh", "-ec", script)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "OPENSSL="+openssl)
		return cmd.CombinedOutput()
	}
	// The commands of outbox.md, section 8.
	const split = `sed '/^$/,$d' head > text
sed -n 's/^— K-000001 //p' head | base64 -d | tail -c +5 > sig
`
	const verify = `"$OPENSSL" cms -verify -binary -inform DER -in sig -content text -certfile kiosk.pem -noverify -out /dev/null`
	if out, err := run(split + verify); err != nil {
		t.Errorf("openssl refuses a head: %v\n%s", err, out)
	}
	if out, err := run(split + "echo >> text\n" + verify); err == nil {
		t.Errorf("openssl takes a changed head:\n%s", out)
	}
}
