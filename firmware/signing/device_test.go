package signing

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/penjire/penjire/firmware/settings"
	"github.com/penjire/penjire/firmware/signing/token"
	"github.com/penjire/penjire/firmware/signing/tokentest"
	"github.com/penjire/penjire/firmware/signing/tpm"
	"github.com/penjire/penjire/firmware/signing/tpmtest"
	"github.com/penjire/penjire/sync/citizen"
	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/keyfile"
	"github.com/penjire/penjire/sync/edoc/specimen"
	"github.com/penjire/penjire/sync/edoc/trust"
)

// folder is one with files that only we can read.
func folder(t *testing.T, files map[string][]byte) func(string) string {
	t.Helper()
	dir := t.TempDir()
	for name, b := range files {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return func(name string) string { return filepath.Join(dir, name) }
}

func newWorld(t *testing.T) *specimen.World {
	t.Helper()
	w, err := specimen.New(time.Now()) // OpenSSL asks the clock
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func openKey(t *testing.T, r *Keyring, p settings.Pair) *Device {
	t.Helper()
	d, err := r.Open(p)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	return d
}

// accepted has our verifier and OpenSSL look at a document that d signed.
func accepted(t *testing.T, w *specimen.World, d *Device) {
	t.Helper()
	now := time.Now().Truncate(time.Second)
	c, err := edoc.Sign(&edoc.Document{
		Kind: edoc.KindRequest, Name: "Nusga", Heading: "Nusga: bir sargytnama", Lang: "tk", Made: now.UTC(), Kiosk: d.Signer.Cert.Subject.SerialNumber,
		Pages: 1, Service: "complaint", ServiceVersion: 1, Regulation: "Nusga, № 1, 2026-01-01",
		Addressee: edoc.Party{Organisation: "Nusga", Position: "Nusga", Postal: citizen.NewText("Nusga")},
		Sender:    edoc.Party{Organisation: "Kiosk", Position: "dellal"}, AnswerSecret: edoc.NewSecret(),
	}, d.Signer, now)
	if err != nil {
		t.Fatal(err)
	}
	if r := c.Verify(w.Trust(), now); r.Signer.Verdict != trust.Yes || r.Whole.Verdict != trust.Yes {
		t.Errorf("our verifier: whole %+v, signer %+v", r.Whole, r.Signer)
	}
	at := folder(t, map[string][]byte{"doc.asice": c.Bytes(), "centres.pem": w.CentresPEM(), "crls.pem": w.CRLsPEM()})
	tokentest.Need(t, "unzip", "xmllint", "openssl")
	tokentest.Run(t, "sh", "../../sync/spec/verify.sh", at("doc.asice"), at("centres.pem"), at("crls.pem"))
}

// shown has a TLS server see who d is.
func shown(t *testing.T, w *specimen.World, d *Device) {
	t.Helper()
	client, server := net.Pipe()
	portal := w.PortalTLS.TLS()
	s := tls.Server(server, &tls.Config{
		Certificates: []tls.Certificate{portal}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: w.Pool(), MinVersion: tls.VersionTLS13,
	})
	c := tls.Client(client, &tls.Config{
		Certificates: []tls.Certificate{d.TLS()}, RootCAs: w.Pool(), ServerName: "portal.specimen", MinVersion: tls.VersionTLS13,
	})
	done := make(chan error, 1)
	go func() {
		_, err := s.Write([]byte("seen"))
		done <- errors.Join(err, s.Close())
	}()
	got, err := io.ReadAll(c)
	if serr := <-done; serr != nil || err != nil || string(got) != "seen" {
		t.Fatalf("TLS: the server says %v, the client %v and reads %q", serr, err, got)
	}
	peers := s.ConnectionState().PeerCertificates
	if s.ConnectionState().Version != tls.VersionTLS13 || len(peers) == 0 || !peers[0].Equal(d.Signer.Cert) {
		t.Error("TLS: the server saw somebody else")
	}
	_ = c.Close() // the server is gone already
}

func TestSoftwareKey(t *testing.T) {
	w := newWorld(t)
	at := folder(t, map[string][]byte{
		"doc.crt": w.Device.Signing.CertPEM(), "doc.key": w.Device.Signing.KeyPEM(),
		"tls.crt": w.Device.TLS.CertPEM(), "tls.key": w.Device.TLS.KeyPEM(),
	})
	var r Keyring
	d := openKey(t, &r, settings.Pair{Cert: at("doc.crt"), Key: at("doc.key")})
	if d.Kind != SoftwareKey || !d.Marked() {
		t.Errorf("a key in a file: kind %q, marked %v", d.Kind, d.Marked())
	}
	accepted(t, w, d)
	shown(t, w, openKey(t, &r, settings.Pair{Cert: at("tls.crt"), Key: at("tls.key")}))
	if err := os.Chmod(at("doc.key"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Open(settings.Pair{Cert: at("doc.crt"), Key: at("doc.key")}); !errors.Is(err, keyfile.ErrExposed) {
		t.Errorf("Open of a key that all can read = %v, want ErrExposed", err)
	}
	if _, err := r.Open(settings.Pair{Cert: at("doc.crt")}); err == nil {
		t.Error("Open of a key that is nowhere succeeded")
	}
	if r.Counter(settings.Counter{}) != nil {
		t.Error("there is a counter that nobody named")
	}
}

func TestTPMKey(t *testing.T) {
	w, chip := newWorld(t), tpmtest.Start(t)
	at := tpm.At(chip.Socket)
	own, err := at.Create(t.Context(), 0x81504B01)
	if err != nil {
		t.Fatal(err)
	}
	ident, err := at.Create(t.Context(), 0x81504B02)
	if err != nil {
		t.Fatal(err)
	}
	dev, err := w.CertifyDevice("K-000002", own.Public(), ident.Public())
	if err != nil {
		t.Fatal(err)
	}
	file := folder(t, map[string][]byte{"doc.crt": dev.Signing.CertPEM(), "tls.crt": dev.TLS.CertPEM()})
	var r Keyring
	chip.Kill() // whatever opens the keyring: the chip is not needed for it
	d, err := r.Open(settings.Pair{Cert: file("doc.crt"), TPM: settings.TPM{Device: chip.Socket, Handle: 0x81504B01}})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Check(t.Context()); !errors.Is(err, tpm.ErrGone) {
		t.Errorf("Check without the TPM = %v, want ErrGone", err)
	}
	chip.Run()
	if err := d.Check(t.Context()); err != nil {
		t.Errorf("Check when it is back = %v", err)
	}
	if d.Kind != InTPM || !d.Marked() {
		t.Errorf("a key in a TPM: kind %q, marked %v", d.Kind, d.Marked())
	}
	accepted(t, w, d)
	shown(t, w, openKey(t, &r, settings.Pair{Cert: file("tls.crt"), TPM: settings.TPM{Device: chip.Socket, Handle: 0x81504B02}}))
	if len(r.tpms) != 1 {
		t.Errorf("the keyring has %d TPMs, want one that takes turns", len(r.tpms))
	}
	// The handles exchanged: the certificate is not of this key.
	wrong, err := r.Open(settings.Pair{Cert: file("doc.crt"), TPM: settings.TPM{Device: chip.Socket, Handle: 0x81504B02}})
	if err != nil {
		t.Fatal(err)
	}
	if err := wrong.Check(t.Context()); !errors.Is(err, tpm.ErrOtherKey) {
		t.Errorf("Check with the other handle = %v, want ErrOtherKey", err)
	}
}

func TestTokenKey(t *testing.T) {
	tokentest.NewSoftHSM(t, "kiosk", "123456")
	w, helper := newWorld(t), tokentest.Helper(t)
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	dev, err := w.CertifyDevice("K-000003", own.Public(), own.Public())
	if err != nil {
		t.Fatal(err)
	}
	tokentest.Import(t, "kiosk", "123456", "02", own, dev.Signing.Cert)
	at := folder(t, map[string][]byte{"doc.crt": dev.Signing.CertPEM(), "tls.crt": dev.TLS.CertPEM(), "pin": []byte("123456\n")})
	var r Keyring
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	in := settings.PKCS11{Module: tokentest.SoftHSM, Token: "kiosk", ID: "02", PINFile: at("pin"), Helper: helper}
	d := openKey(t, &r, settings.Pair{Cert: at("doc.crt"), PKCS11: in})
	if d.Kind != InToken || !d.Marked() {
		t.Errorf("a key in a token: kind %q, marked %v", d.Kind, d.Marked())
	}
	accepted(t, w, d)
	shown(t, w, openKey(t, &r, settings.Pair{Cert: at("tls.crt"), PKCS11: in}))
	if len(r.modules) != 1 {
		t.Errorf("the keyring has %d helpers, want one that takes turns", len(r.modules))
	}
	if err := os.Chmod(at("pin"), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := d.Check(t.Context()); err != nil {
		t.Errorf("Check of a token that has its PIN = %v", err)
	}
	in.Helper = at("none")
	gone, err := r.Open(settings.Pair{Cert: at("doc.crt"), PKCS11: in})
	if err != nil {
		t.Fatal(err)
	}
	if err := gone.Check(t.Context()); !errors.Is(err, token.ErrNoHelper) {
		t.Errorf("Check without a helper = %v, want ErrNoHelper", err)
	}
}
