package enrol

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/penjire/penjire/sync/catalog"
	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/enrol"
)

// The uses of the kiosk's certificates.
const (
	useIdentity = "identity"
	useSigning  = "signing"
)

// ErrAnswer says that what came is not what was asked for.
var ErrAnswer = errors.New("the certificate is not the one that was asked for")

// checked returns the first certificate with the centres between it and a root. It
// has to be of this key and kiosk, and issued below a root of the set-up; the time is
// that of its issue, which the portal says: the kiosk's own clock may be anywhere.
func checked(certs []*x509.Certificate, use, kiosk string, key crypto.PublicKey, roots *x509.CertPool) ([]*x509.Certificate, error) {
	leaf := certs[0]
	pub, ok := leaf.PublicKey.(interface{ Equal(crypto.PublicKey) bool })
	usage, ext := x509.KeyUsageDigitalSignature, x509.ExtKeyUsageClientAuth
	if use == useSigning {
		usage, ext = x509.KeyUsageContentCommitment, x509.ExtKeyUsageAny
	}
	switch {
	case !ok || !pub.Equal(key):
		return nil, fmt.Errorf("enrol: check the certificate: it is of another key: %w", ErrAnswer)
	case trust.DeviceID(leaf) != kiosk:
		return nil, fmt.Errorf("enrol: check the certificate: it is not one of kiosk %s: %w", kiosk, ErrAnswer)
	case leaf.IsCA || leaf.KeyUsage&usage == 0:
		return nil, fmt.Errorf("enrol: check the certificate: it is for another use: %w", ErrAnswer)
	}
	o := x509.VerifyOptions{
		Roots: roots, Intermediates: x509.NewCertPool(), KeyUsages: []x509.ExtKeyUsage{ext}, CurrentTime: issued(leaf),
	}
	for _, c := range certs[1:] {
		o.Intermediates.AddCert(c)
	}
	chains, err := leaf.Verify(o)
	if err != nil {
		return nil, fmt.Errorf("enrol: check the certificate: %w: %w", ErrAnswer, err)
	}
	return chains[0][:len(chains[0])-1], nil
}

// issued is about when a certificate was issued: the portal dates it back an hour.
func issued(c *x509.Certificate) time.Time {
	return c.NotBefore.Add(min(time.Hour, c.NotAfter.Sub(c.NotBefore)/2))
}

// keepCert makes a certificate durable with its centres.
func (e *Enroller) keepCert(name string, chain []*x509.Certificate) error {
	return keep(e.o.Dir, name, certsPEM(chain))
}

func certsPEM(chain []*x509.Certificate) []byte {
	var b bytes.Buffer
	for _, c := range chain {
		b.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
	}
	return b.Bytes()
}

// has reports whether the certificate that was kept is good for the key.
func (e *Enroller) has(name, use string, key crypto.PublicKey) bool {
	b, err := os.ReadFile(filepath.Join(e.o.Dir, name))
	if err != nil {
		return false
	}
	chain, err := certificates(b)
	if err == nil {
		_, err = checked(chain, use, e.setup.Kiosk, key, e.roots)
	}
	return err == nil
}

// keepKnowledge checks trust bundle and catalogue and makes them durable.
func (e *Enroller) keepKnowledge(k enrol.Knowledge) error {
	b, err := trust.ParseBundle(k.Trust, e.anchors, 0)
	if err != nil {
		return fmt.Errorf("enrol: check the trust bundle: %w", err)
	}
	payload, _, err := trust.OpenObject(trust.KindCatalogue, k.Catalogue, b)
	if err == nil {
		_, err = catalog.Parse(payload)
	}
	if err != nil {
		return fmt.Errorf("enrol: check the catalogue: %w", err)
	}
	if err := keep(e.o.Dir, TrustFile, k.Trust); err != nil {
		return err
	}
	return keep(e.o.Dir, CatalogueFile, k.Catalogue)
}
