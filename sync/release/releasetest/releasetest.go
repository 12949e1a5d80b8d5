// Package releasetest makes roots and release keys for tests, and signs with them.
package releasetest

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/edoc/cms"
	"github.com/penjire/penjire/sync/release"
)

// Key is a key and its certificate, of a root or of a release key.
type Key struct{ cms.Signer }

// Root returns a root that is in force around now.
func Root(t testing.TB, name string, now time.Time) Key {
	t.Helper()
	return fresh(t, name, nil, now, func(c *x509.Certificate) {
		c.IsCA, c.BasicConstraintsValid = true, true
		c.KeyUsage, c.ExtKeyUsage = x509.KeyUsageCertSign|x509.KeyUsageDigitalSignature, nil
		c.NotAfter = now.AddDate(20, 0, 0)
	})
}

// Issue returns a release key below k. change alters its certificate before it is
// signed; nil: it is a good one.
func (k Key) Issue(t testing.TB, name string, now time.Time, change func(*x509.Certificate)) Key {
	t.Helper()
	return fresh(t, name, &k, now, change)
}

// Certify returns another's key with a certificate below k.
func (k Key) Certify(t testing.TB, of Key, name string, now time.Time) Key {
	t.Helper()
	return certify(t, name, of.Key.(*ecdsa.PrivateKey), &k, now, nil)
}

func fresh(t testing.TB, name string, by *Key, now time.Time, change func(*x509.Certificate)) Key {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return certify(t, name, key, by, now, change)
}

func certify(t testing.TB, name string, key *ecdsa.PrivateKey, by *Key, now time.Time, change func(*x509.Certificate)) Key {
	t.Helper()
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 63))
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{Organization: []string{"SPECIMEN"}, CommonName: name},
		NotBefore: now.AddDate(0, -1, 0), NotAfter: now.AddDate(2, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning},
	}
	if change != nil {
		change(c)
	}
	parent, signer := c, key
	if by != nil {
		parent, signer = by.Cert, by.Key.(*ecdsa.PrivateKey)
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return Key{cms.Signer{Key: key, Cert: cert}}
}

// CertPEM returns the certificate as a PEM file has it.
func (k Key) CertPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: k.Cert.Raw})
}

// KeyPEM returns the key as a PEM file has it.
func (k Key) KeyPEM(t testing.TB) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(k.Key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// World is a root, a release key of it, and what a kiosk with that root believes.
type World struct {
	Root, Key Key
	Keys      release.Keys
	Now       time.Time
}

// New returns a world of that time.
func New(t testing.TB, now time.Time) *World {
	t.Helper()
	root := Root(t, "NUSGA release root", now)
	return &World{Root: root, Key: root.Issue(t, "NUSGA release key", now, nil), Keys: release.NewKeys([]*x509.Certificate{root.Cert}), Now: now}
}

// Release returns a description of a bundle for board vm, unsigned.
func (w *World) Release(t testing.TB, build uint64, bundle []byte) release.Release {
	t.Helper()
	c, err := release.Describe(bytes.NewReader(bundle))
	if err != nil {
		t.Fatal(err)
	}
	return release.Release{
		Board: "vm", Version: "0.6." + big.NewInt(0).SetUint64(build).String(), Build: build, Formats: release.Formats{Min: 1, Max: 1},
		Content: c, Room: c.Size, Ring: release.Broad, Issued: w.Now.Truncate(time.Second).UTC(),
	}
}

// Sign returns r signed by the world's release key.
func (w *World) Sign(t testing.TB, r release.Release, lists ...[]byte) []byte {
	t.Helper()
	b, err := r.Sign(w.Key.Signer, lists...)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
