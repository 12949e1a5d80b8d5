package desk

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/penjire/penjire/sync/enrol"
	"github.com/penjire/penjire/sync/portal/est"
)

// An operator makes a code, which is shown once and brings certificates from a
// kiosk's file; then revokes the kiosk. Who only answers requests has no such page.
func TestEnrolDesk(t *testing.T) {
	o := openOffice(t)
	pool := x509.NewCertPool()
	pool.AddCert(o.Infrastructure.Cert)
	s, err := est.New(est.Config{
		Ledger: o.Ledger(), Issuer: o.Infrastructure.Signer(), Roots: o.Roots(), Devices: pool, Codes: bytes.Repeat([]byte{7}, 32),
		Bundle: o.Trust, Now: o.desk.now,
	})
	if err != nil {
		t.Fatal(err)
	}
	b := o.browser(t).signIn("serdar")
	b.get("/desk/enrol", http.StatusOK)
	if w := b.send(http.MethodPost, "/desk/enrol", url.Values{"kiosk": {"K-000123"}}); w.Code != http.StatusNotFound {
		t.Errorf("a code from a portal that issues no certificates = %d, want 404", w.Code)
	}
	o.desk.certs = s
	if w := b.send(http.MethodPost, "/desk/enrol", url.Values{"kiosk": {"K 1"}}); w.Code != http.StatusUnprocessableEntity {
		t.Errorf("a code for no kiosk = %d, want 422", w.Code)
	}
	made := b.send(http.MethodPost, "/desk/enrol", url.Values{"kiosk": {"K-000123"}}).Body.String()
	typed := regexp.MustCompile(`<code>([0-9A-Z-]{19})</code>`).FindStringSubmatch(made)
	if typed == nil {
		t.Fatal("the page shows no code")
	}
	code, err := enrol.ParseCode(typed[1])
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.get("/desk/enrol", http.StatusOK), typed[1]) {
		t.Error("the code is shown a second time")
	}
	asked := &enrol.Asked{Kiosk: "K-000123"}
	for _, to := range []*[]byte{&asked.Identity, &asked.Signing} {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if *to, err = enrol.NewRequest(key, "K-000123", true); err != nil {
			t.Fatal(err)
		}
	}
	file := func() map[string][]byte {
		f, err := asked.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		return map[string][]byte{"penjire-enrol-K-000123.json": f}
	}
	if page := b.upload(file()).Body.String(); !strings.Contains(page, enrol.NoCert.Code) {
		t.Error("a request that proves nothing is not refused with its code")
	}
	asked.Prove(enrol.ProofKey(code))
	page := b.upload(file()).Body.String()
	link := regexp.MustCompile(`/desk/stick/[0-9A-Za-z_-]+`).FindString(page)
	if link == "" {
		t.Fatal("there is no answer to save")
	}
	if a, err := enrol.ParseAnswer(b.send(http.MethodGet, link, nil).Body.Bytes()); err != nil || a.Kiosk != "K-000123" {
		t.Errorf("the answer: %v", err)
	}
	wants1(t, "the page of certificates", b.get("/desk/enrol", http.StatusOK), "K-000123")
	wants1(t, "the page of certificates", b.get("/desk/enrol", http.StatusOK), "/desk/enrol/kiosks.pem")
	if w := b.send(http.MethodGet, "/desk/enrol/kiosks.pem", nil); w.Code != http.StatusOK || strings.Count(w.Body.String(), "BEGIN CERTIFICATE") != 1 || !strings.Contains(w.Body.String(), "BEGIN X509 CRL") {
		t.Errorf("the file for the register = %d:\n%s", w.Code, w.Body)
	}
	if w := b.send(http.MethodPost, "/desk/enrol/revoke", url.Values{"revoke": {"K-000999"}}); w.Code != http.StatusUnprocessableEntity {
		t.Errorf("the revocation of an unknown kiosk = %d, want 422", w.Code)
	}
	b.post("/desk/enrol/revoke", url.Values{"revoke": {"K-000123"}}, "/desk/enrol")
	all, err := o.Ledger().Certificates(t.Context(), "K-000123")
	if err != nil || len(all) != 2 || all[0].Revoked.IsZero() || all[1].Revoked.IsZero() {
		t.Errorf("Certificates = %+v, %v; want two that are revoked", all, err)
	}
	officer := o.browser(t).signIn("myrat")
	officer.get("/desk/enrol", http.StatusNotFound)
	officer.get("/desk/enrol/kiosks.pem", http.StatusNotFound)
}
