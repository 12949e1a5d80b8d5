// Package keyfile reads certificates and signing keys from PEM files: the
// kiosk's, where it has no security chip, and the portal's.
package keyfile

import (
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"

	"github.com/penjire/penjire/sync/edoc"
)

// Certificates reads all certificates of a PEM file. A file without one is an
// error.
func Certificates(name string) ([]*x509.Certificate, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("keyfile: read certificates: %w", err)
	}
	var out []*x509.Certificate
	for {
		var p *pem.Block
		if p, b = pem.Decode(b); p == nil {
			break
		}
		c, err := x509.ParseCertificate(p.Bytes)
		if err != nil {
			return nil, fmt.Errorf("keyfile: read certificates: %s: %w", name, err)
		}
		out = append(out, c)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("keyfile: read certificates: %s: no certificate in it", name)
	}
	return out, nil
}

// Signer reads a certificate (its issuers may follow it in the file) and its
// private key, and checks that they belong together. A key file that others can
// read or change is refused.
func Signer(certFile, keyFile string) (edoc.Signer, error) {
	pair, err := TLS(certFile, keyFile)
	if err != nil {
		return edoc.Signer{}, err
	}
	key, ok := pair.PrivateKey.(crypto.Signer)
	if !ok {
		return edoc.Signer{}, fmt.Errorf("keyfile: read key %s: %T does not sign", keyFile, pair.PrivateKey)
	}
	certs, err := Certificates(certFile)
	if err != nil {
		return edoc.Signer{}, err
	}
	return edoc.Signer{Key: key, Cert: certs[0], Chain: certs[1:]}, nil
}

// TLS is Signer for a TLS connection.
func TLS(certFile, keyFile string) (tls.Certificate, error) {
	cert, err := os.ReadFile(certFile)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("keyfile: read certificates: %w", err)
	}
	key, err := private(keyFile)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("keyfile: read key: %w", err)
	}
	defer clear(key)
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("keyfile: read key %s for %s: %w", keyFile, certFile, err)
	}
	return pair, nil
}
