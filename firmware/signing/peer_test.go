package signing

import (
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/penjire/penjire/firmware/identity/cardtest"
	"github.com/penjire/penjire/firmware/signing/token"
	"github.com/penjire/penjire/firmware/signing/tokentest"
	"github.com/penjire/penjire/sync/citizen"
	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/cms"
	"github.com/penjire/penjire/sync/edoc/envelope"
	"github.com/penjire/penjire/sync/edoc/specimen"
)

// The emulated PIV card is in a reader of pcscd, and OpenSC, which knows nothing
// of us, sees a PIV card that signs; then our helper uses it by OpenSC's library.
func TestCardByOpenSC(t *testing.T) {
	w, helper, lib := newWorld(t), tokentest.Helper(t), tokentest.OpenSC(t)
	tokentest.Need(t, "opensc-tool", "pkcs15-tool", "pkcs11-tool", "openssl")
	spec, _ := w.Card("citizen-1")
	card, err := cardtest.New(spec)
	if err != nil {
		t.Fatal(err)
	}
	tokentest.Insert(t, card)
	if out := tokentest.Run(t, "opensc-tool", "--name"); !strings.Contains(out, "Personal Identity Verification Card") {
		t.Errorf("opensc-tool calls the card %q, want one for Personal Identity Verification", out)
	}
	if out := tokentest.Run(t, "pkcs15-tool", "--list-keys"); !strings.Contains(out, "SIGN key") {
		t.Errorf("pkcs15-tool sees no key that signs:\n%s", out)
	}
	// pkcs11-tool signs with the key of slot 9C, which PIV calls 02.
	at := folder(t, map[string][]byte{"text": []byte("what is signed"), "cert.pem": spec.Slots[specimen.SlotSign].CertPEM()})
	digest := sha256.Sum256([]byte("what is signed"))
	if err := os.WriteFile(at("digest"), digest[:], 0o600); err != nil {
		t.Fatal(err)
	}
	tokentest.Run(t, "pkcs11-tool", "--module", lib, "--login", "--pin", spec.PIN, "--sign", "--mechanism", "ECDSA",
		"--id", "02", "--signature-format", "openssl", "--input-file", at("digest"), "--output-file", at("sig"))
	pub := tokentest.Run(t, "openssl", "x509", "-in", at("cert.pem"), "-noout", "-pubkey")
	if err := os.WriteFile(at("pub.pem"), []byte(pub), 0o600); err != nil {
		t.Fatal(err)
	}
	tokentest.Run(t, "openssl", "dgst", "-sha256", "-verify", at("pub.pem"), "-signature", at("sig"), at("text"))

	m := token.New(token.Config{Helper: helper, Module: lib})
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	list, err := m.Tokens(t.Context())
	if err != nil || len(list) == 0 {
		t.Fatalf("Tokens = %v, %v; want the card", list, err)
	}
	want := sha256.Sum256(spec.Slots[specimen.SlotSign].Cert.Raw)
	var e *token.PINError
	if _, err := UnlockToken(t.Context(), m, list[0], want, citizen.NewText("000000")); !errors.As(err, &e) {
		t.Fatalf("UnlockToken with a wrong PIN = %v, want a PINError", err)
	}
	if got := card.TriesLeft(); got != 2 {
		t.Errorf("tries left after one wrong PIN: got %d, want 2", got)
	}
	tok, err := UnlockToken(t.Context(), m, list[0], want, citizen.NewText(spec.PIN))
	if err != nil {
		t.Fatal(err)
	}
	signedBy(t, w, tok.Signer(w.Trust()))
	// The key of slot 9C wants its PIN for each signature.
	if _, err := cms.Sign([]byte("another"), tok.Signer(w.Trust()), time.Now()); !errors.Is(err, token.ErrLogin) {
		t.Errorf("a second signature with one PIN = %v, want ErrLogin", err)
	}
	// What is sealed to the card is opened by its other key.
	sealed, err := envelope.Seal([]byte("answer"), spec.Recipient())
	if err != nil {
		t.Fatal(err)
	}
	if tok, err = UnlockToken(t.Context(), m, list[0], want, citizen.NewText(spec.PIN)); err != nil {
		t.Fatal(err)
	}
	opener, err := tok.Opener(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got, err := envelope.Open(sealed, opener); string(got) != "answer" || err != nil {
		t.Errorf("Open = %q, %v, want answer, nil", got, err)
	}
	if err := tok.Lock(t.Context()); err != nil {
		t.Errorf("Lock = %v", err)
	}
	other := sha256.Sum256(nil)
	if _, err := UnlockToken(t.Context(), m, list[0], other, citizen.NewText(spec.PIN)); !errors.Is(err, ErrOtherCard) {
		t.Errorf("UnlockToken of another's = %v, want ErrOtherCard", err)
	}
}

// signedBy has OpenSSL look at a signature of a citizen's token, as CAdES.
func signedBy(t *testing.T, w *specimen.World, s edoc.Signer) {
	t.Helper()
	text := []byte("what the citizen signs")
	der, err := cms.Sign(text, s, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	at := folder(t, map[string][]byte{"text": text, "sig.p7s": der, "centres.pem": w.CentresPEM()})
	out := tokentest.Run(t, "openssl", "cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", at("sig.p7s"),
		"-content", at("text"), "-CAfile", at("centres.pem"), "-purpose", "any", "-out", filepath.Join(t.TempDir(), "out"))
	if !strings.Contains(out, "CAdES Verification successful") {
		t.Errorf("openssl: %s", out)
	}
}

// A citizen's token that is no PIV card signs, by its library.
func TestCitizensToken(t *testing.T) {
	tokentest.NewSoftHSM(t, "citizen", "1234")
	w, helper := newWorld(t), tokentest.Helper(t)
	spec, _ := w.Card("citizen-2")
	id := spec.Slots[specimen.SlotSign]
	tokentest.Import(t, "citizen", "1234", "02", id.Key, id.Cert)
	m := token.New(token.Config{Helper: helper, Module: tokentest.SoftHSM})
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	tok, err := UnlockToken(t.Context(), m, token.Token{Label: "citizen"}, sha256.Sum256(id.Cert.Raw), citizen.NewText("1234"))
	if err != nil {
		t.Fatal(err)
	}
	s := tok.Signer(w.Trust())
	if len(s.Chain) != 1 {
		t.Errorf("issuers: got %d, want the citizens' centre", len(s.Chain))
	}
	signedBy(t, w, s)
	if err := tok.Lock(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := cms.Sign([]byte("more"), s, time.Now()); !errors.Is(err, token.ErrLogin) {
		t.Errorf("a signature after Lock = %v, want ErrLogin", err)
	}
}
