package specimen

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"time"

	"github.com/penjire/penjire/sync/edoc/cms"
)

// Identity is a key with its certificate.
type Identity struct {
	Key   *ecdsa.PrivateKey
	Cert  *x509.Certificate
	Chain []*x509.Certificate // issuers, up to the root
}

// Signer returns the identity as a signer.
func (i Identity) Signer() cms.Signer { return cms.Signer{Key: i.Key, Cert: i.Cert, Chain: i.Chain} }

// TLS returns the identity for a TLS connection.
func (i Identity) TLS() tls.Certificate {
	c := tls.Certificate{PrivateKey: i.Key, Leaf: i.Cert, Certificate: [][]byte{i.Cert.Raw}}
	for _, up := range i.between() {
		c.Certificate = append(c.Certificate, up.Raw)
	}
	return c
}

// KeyPEM returns the private key as PEM (PKCS #8).
func (i Identity) KeyPEM() []byte {
	der, err := x509.MarshalPKCS8PrivateKey(i.Key)
	if err != nil {
		return nil // it always encodes a P-256 key
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// CertPEM returns the certificate and its issuers, without the root, as PEM.
func (i Identity) CertPEM() []byte {
	out := certPEM(i.Cert)
	for _, up := range i.between() {
		out = append(out, certPEM(up)...)
	}
	return out
}

// between returns the chain without the root.
func (i Identity) between() []*x509.Certificate {
	if len(i.Chain) == 0 {
		return nil
	}
	return i.Chain[:len(i.Chain)-1]
}

func certPEM(c *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
}

// issue makes a key and has ca certify it by t; a ca without a key means self.
func issue(t *x509.Certificate, ca Identity) (Identity, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Identity{}, err
	}
	parent, signer := ca.Cert, ca.Key
	if signer == nil {
		parent, signer = t, key
	}
	der, err := x509.CreateCertificate(rand.Reader, t, parent, key.Public(), signer)
	if err != nil {
		return Identity{}, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return Identity{}, err
	}
	id := Identity{Key: key, Cert: cert}
	if ca.Cert != nil {
		id.Chain = append([]*x509.Certificate{ca.Cert}, ca.Chain...)
	}
	return id, nil
}

func newCRL(ca Identity, entries []x509.RevocationListEntry, at time.Time, number *big.Int) ([]byte, error) {
	return x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
		Number: number, ThisUpdate: at, NextUpdate: at.AddDate(0, 0, 30), RevokedCertificateEntries: entries,
	}, ca.Cert, ca.Key)
}
