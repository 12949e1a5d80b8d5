package kiosk

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/portal/est"
)

// aged gives the rig's kiosk a certificate for connections of which nine tenths are
// over, and returns it.
func (r *rig) aged(file string) *x509.Certificate {
	r.t.Helper()
	old := r.w.Device.TLS.Cert
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(4242), Subject: old.Subject, KeyUsage: old.KeyUsage, ExtKeyUsage: old.ExtKeyUsage, Policies: old.Policies,
		NotBefore: time.Now().AddDate(0, 0, -90), NotAfter: time.Now().AddDate(0, 0, 10), BasicConstraintsValid: true,
	}, r.w.Infrastructure.Cert, old.PublicKey, r.w.Infrastructure.Key)
	r.must(err)
	c, err := x509.ParseCertificate(der)
	r.must(err)
	r.must(os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	return c
}

// A running kiosk whose certificate has a third of its life left gets a new one,
// keeps it, and shows it at the next connection.
func TestCertificateRenewed(t *testing.T) {
	r := newRig(t)
	r.online(nil)
	pool := x509.NewCertPool()
	pool.AddCert(r.w.Infrastructure.Cert)
	s, err := est.New(est.Config{
		Ledger: r.l, Issuer: r.w.Infrastructure.Signer(), Roots: r.w.Roots(), Devices: pool, Codes: bytes.Repeat([]byte{7}, 32), Bundle: r.w.Trust,
	})
	r.must(err)
	srv := httptest.NewUnstartedServer(s.Handler())
	srv.TLS = est.TLSConfig(r.w.PortalTLS.TLS())
	srv.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	srv.StartTLS()
	t.Cleanup(srv.Close)

	conf := r.settings()
	conf.Portal.EST = srv.URL
	conf.Identity.Cert = filepath.Join(r.dir, "identity-aged.crt")
	old := r.aged(conf.Identity.Cert)
	r.startWith(conf)
	r.until("the certificate to be renewed", func() bool { return r.state().Keys[1].Until.After(old.NotAfter) })
	b, err := os.ReadFile(conf.Identity.Cert)
	r.must(err)
	block, _ := pem.Decode(b)
	kept, err := x509.ParseCertificate(block.Bytes)
	r.must(err)
	if kept.Equal(old) || !kept.PublicKey.(*ecdsa.PublicKey).Equal(old.PublicKey) {
		t.Error("the file has no new certificate of the same key")
	}
	if shown := r.k.newest.Load(); !shown.Leaf.Equal(kept) {
		t.Error("the kiosk does not show what it keeps")
	}
	all, err := r.l.Certificates(t.Context(), "K-000001")
	if err != nil || len(all) != 1 {
		t.Errorf("the portal has issued %d certificates, %v; want one", len(all), err)
	}
	if st := r.state().Keys[0]; st.Renewal != "" || !st.Until.After(time.Now().AddDate(1, 0, 0)) {
		t.Errorf("the key for signing: %+v, want one that is not due", st)
	}
}
