package est_test

import (
	"crypto"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"testing"

	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/enrol"
	"github.com/penjire/penjire/sync/ledger"
)

// newKiosk enrols one with a fresh code, and returns its certificate for signing.
func (w *world) newKiosk(key crypto.Signer) *x509.Certificate {
	w.t.Helper()
	status, body := w.post("signing/simpleenroll", "", w.code(true).Reveal(), csr(w.t, key, kiosk), nil)
	if status != 200 {
		w.t.Fatalf("enrol: %d %s", status, body)
	}
	der, err := base64.StdEncoding.DecodeString(body)
	if err != nil {
		w.t.Fatal(err)
	}
	certs, err := enrol.ParseCerts(der)
	if err != nil {
		w.t.Fatal(err)
	}
	return certs[0]
}

// A new kiosk's certificate is for the register until the bundle lists it, or it is
// revoked; the list of revoked ones goes along.
func TestForRegister(t *testing.T) {
	w := newWorld(t)
	if all, err := w.s.Unlisted(t.Context()); err != nil || len(all) != 0 {
		t.Fatalf("Unlisted before any kiosk = %d, %v", len(all), err)
	}
	cert := w.newKiosk(newKey(t))
	all, err := w.s.Unlisted(t.Context())
	if err != nil || len(all) != 1 || !all[0].Equal(cert) {
		t.Fatalf("Unlisted = %v, %v; want the new kiosk's", all, err)
	}
	file, err := w.s.ForRegister(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	first, rest := pem.Decode(file)
	second, rest := pem.Decode(rest)
	if first == nil || second == nil || first.Type != "CERTIFICATE" || second.Type != "X509 CRL" || len(rest) != 0 {
		t.Errorf("the file for the register:\n%s", file)
	}
	b := *w.Trust()
	b.Version++
	b.SealSigners = append(b.SealSigners[:len(b.SealSigners):len(b.SealSigners)], cert)
	if err := w.Publish(&b); err != nil {
		t.Fatal(err)
	}
	if all, err := w.s.Unlisted(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("Unlisted of a bundle that has it = %d, %v", len(all), err)
	}
}

// A board that was taken out of service, or lost, is enrolled again under its name: the
// new keys are good, and everything of the old identity stays revoked.
func TestEnrolledAgain(t *testing.T) {
	w := newWorld(t)
	old := newKey(t)
	before := w.newKiosk(old)
	if _, err := w.s.RevokeKiosk(t.Context(), kiosk, "decommissioned", "operator"); err != nil {
		t.Fatal(err)
	}
	if all, err := w.s.Unlisted(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("Unlisted has %d of a revoked kiosk, %v", len(all), err)
	}
	after := w.newKiosk(newKey(t))
	for name, tt := range map[string]struct {
		cert *x509.Certificate
		want bool
	}{"old": {before, true}, "new": {after, false}} {
		if got, err := w.Ledger().CertRevoked(t.Context(), ledger.Serial(tt.cert)); err != nil || got != tt.want {
			t.Errorf("the %s certificate: revoked %v, %v; want %v", name, got, err, tt.want)
		}
	}
	if all, err := w.s.Unlisted(t.Context()); err != nil || len(all) != 1 || !all[0].Equal(after) {
		t.Errorf("Unlisted = %v, %v; want the new one alone", all, err)
	}
	// The old key brings nothing any more, and no renewal by stick either.
	file := &enrol.Asked{Kiosk: kiosk, Identity: csr(t, old, kiosk), Signing: csr(t, old, kiosk)}
	b, err := file.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.s.Take(t.Context(), b); err == nil {
		t.Error("the old key was renewed")
	}
	crl, err := w.s.CRL(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	list, err := x509.ParseRevocationList(crl)
	if err != nil || len(list.RevokedCertificateEntries) != 1 || list.RevokedCertificateEntries[0].SerialNumber.Cmp(before.SerialNumber) != 0 {
		t.Errorf("the list of revoked certificates: %v, %v; want the old one alone", list, err)
	}
	if trust.DeviceID(before) != trust.DeviceID(after) {
		t.Error("they are of two names")
	}
}
