package edoc_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"github.com/penjire/penjire/sync/edoc/trust"
)

// FuzzCRL looks for a revocation list that no centre signed and that is asked
// all the same, in a bundle or carried in a signature.
func FuzzCRL(f *testing.F) {
	w, err := readWorld(vectorsDir)
	if err != nil {
		f.Fatal(err)
	}
	signed := func(der []byte) string { // what the centre's signature is over
		l, err := x509.ParseRevocationList(der)
		if err != nil {
			return ""
		}
		return string(l.RawTBSRevocationList)
	}
	lists := map[string]bool{}
	for _, der := range w.bundle.CRLs {
		lists[signed(der)] = true
		f.Add(der)
	}
	if len(lists) == 0 {
		f.Fatal("the bundle has no revocation lists")
	}
	cert := w.bundle.Agencies[0]
	f.Fuzz(func(t *testing.T, b []byte) {
		bounded(t, b, smallAlloc, func() {
			bundle := trust.Bundle{Version: 1, Issued: now, Centres: w.bundle.Centres, Agencies: w.bundle.Agencies, CRLs: [][]byte{b}}
			r := bundle.CheckCert(cert, trust.UseAgency, now, true, now)
			if r.Revocation.Reason != trust.ReasonNoCRL && !lists[signed(b)] {
				t.Errorf("a list that no centre signed says %v", r.Revocation)
			}
			q := trust.At(trust.UseAgency, now, true, now)
			q.Carried, bundle.CRLs = trust.NewCarried([][]byte{b}, nil), nil
			if r := bundle.Check(cert, q); r.RevocationFrom != trust.FromNowhere && !lists[signed(b)] {
				t.Errorf("a list that is carried, and that no centre signed, says %v", r.Revocation)
			}
		})
	})
}

// FuzzOCSP looks for a response that the centre did not sign and that is
// believed all the same. Its keys are always the same: a fuzz test runs in
// several processes, which must agree what is signed.
func FuzzOCSP(f *testing.F) {
	key := func(d byte) *ecdsa.PrivateKey {
		b := make([]byte, 32)
		b[31] = d
		k, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), b)
		if err != nil {
			f.Fatal(err)
		}
		return k
	}
	caKey, other := key(3), key(5)
	certify := func(t *x509.Certificate, parent *x509.Certificate, pub *ecdsa.PrivateKey) *x509.Certificate {
		t.NotBefore, t.NotAfter = now.AddDate(-1, 0, 0), now.AddDate(1, 0, 0)
		if parent == nil {
			parent = t
		}
		der, err := x509.CreateCertificate(rand.Reader, t, parent, pub.Public(), caKey)
		if err != nil {
			f.Fatal(err)
		}
		c, err := x509.ParseCertificate(der)
		if err != nil {
			f.Fatal(err)
		}
		return c
	}
	ca := certify(&x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "SPECIMEN Centre"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}, nil, caKey)
	cert := certify(&x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "NUSGA"}, KeyUsage: x509.KeyUsageContentCommitment}, ca, key(7))
	responder := certify(&x509.Certificate{
		SerialNumber: big.NewInt(3), Subject: pkix.Name{CommonName: "SPECIMEN Responder"},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageOCSPSigning},
	}, ca, other)
	for _, by := range []struct {
		cert *x509.Certificate
		key  crypto.Signer
	}{{ca, caKey}, {responder, other}, {cert, key(7)}} {
		for _, status := range []int{ocsp.Good, ocsp.Revoked, ocsp.Unknown} {
			t := ocsp.Response{Status: status, SerialNumber: cert.SerialNumber, ThisUpdate: now, NextUpdate: now.Add(time.Hour), RevokedAt: now.Add(-time.Hour)}
			if by.cert != ca {
				t.Certificate = by.cert
			}
			der, err := ocsp.CreateResponse(ca, by.cert, t, by.key)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(der)
		}
	}
	bundle := trust.Bundle{Version: 1, Issued: now, Centres: []trust.Centre{{Cert: ca, Kind: trust.KindCitizens, State: trust.Working}}}
	f.Fuzz(func(t *testing.T, b []byte) {
		bounded(t, b, smallAlloc, func() {
			q := trust.At(trust.UseCitizenSign, now, true, now)
			q.Carried = trust.NewCarried(nil, [][]byte{b})
			r := bundle.Check(cert, q)
			if r.RevocationFrom == trust.FromNowhere {
				return
			}
			answer, err := ocsp.ParseResponse(b, nil)
			switch {
			case err != nil:
				t.Errorf("a response that does not parse says %v", r.Revocation)
			case answer.Certificate.Equal(cert):
				t.Error("a certificate speaks for itself")
			case !answer.ThisUpdate.Equal(now) || !answer.NextUpdate.Equal(now.Add(time.Hour)) || answer.Status == ocsp.Revoked && !answer.RevokedAt.Equal(now.Add(-time.Hour)):
				t.Errorf("a response that no centre signed says %v", r.Revocation)
			}
		})
	})
}
