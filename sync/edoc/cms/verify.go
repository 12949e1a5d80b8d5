package cms

import (
	"crypto/x509"
	"errors"
	"fmt"
)

// ErrNoCertificate is returned when neither the signature nor the caller has
// the signer's certificate.
var ErrNoCertificate = errors.New("cms: the signer's certificate is not at hand")

// Certificate returns the signer's certificate, from the signature or from
// more: by issuer and serial number, and by the digest that is signed.
func (d *SignedData) Certificate(more ...*x509.Certificate) (*x509.Certificate, error) {
	return d.certificate(d.parsed, more)
}

// Verify checks that the signature is of the signer's key over content (over
// what it carries, if it carries it: content is then to be nil), and returns
// the signer's certificate. It does not say whether to believe the certificate.
// Of the counter-signatures it says nothing: each has its own Verify.
func (d *SignedData) Verify(content []byte, more ...*x509.Certificate) (*x509.Certificate, error) {
	if d.content != nil {
		if content != nil {
			return nil, errors.New("cms: verify: the content is given twice")
		}
		content = d.content
	}
	cert, err := d.Certificate(more...)
	if err != nil {
		return nil, err
	}
	if err := d.verify(content, cert); err != nil {
		return nil, fmt.Errorf("cms: verify: %w", err)
	}
	return cert, nil
}
