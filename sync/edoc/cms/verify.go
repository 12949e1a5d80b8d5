package cms

import (
	"bytes"
	"crypto/subtle"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// ErrNoCertificate is returned when neither the signature nor the caller has
// the signer's certificate.
var ErrNoCertificate = errors.New("cms: the signer's certificate is not at hand")

// Certificate returns the signer's certificate, from the signature or from
// more: by issuer and serial number, and by the digest that is signed.
func (d *SignedData) Certificate(more ...*x509.Certificate) (*x509.Certificate, error) {
	for _, list := range [][]*x509.Certificate{d.parsed, more} {
		for _, c := range list {
			if bytes.Equal(c.RawIssuer, d.issuer) && bytes.Equal(serialDER(c), d.serial) && d.names(c) {
				return c, nil
			}
		}
	}
	return nil, ErrNoCertificate
}

// names reports whether signing-certificate-v2 names c.
func (d *SignedData) names(c *x509.Certificate) bool {
	h := d.certHash
	if h.issuer != nil && (!bytes.Equal(h.issuer, c.RawIssuer) || !bytes.Equal(h.serial, serialDER(c))) {
		return false
	}
	for _, a := range Algorithms() {
		if a.Digest.Equal(h.alg) {
			sum := a.New()
			_, _ = sum.Write(c.Raw) // a hash does not fail
			return subtle.ConstantTimeCompare(sum.Sum(nil), h.sum) == 1
		}
	}
	return false
}

// Verify checks that the signature is of the signer's key over content (over
// what it carries, if it carries it: content is then to be nil), and returns
// the signer's certificate. It does not say whether to believe the certificate.
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
	alg, params, err := d.algorithm()
	if err != nil {
		return nil, fmt.Errorf("cms: verify: %w", err)
	}
	sum := alg.New()
	_, _ = sum.Write(content)
	if subtle.ConstantTimeCompare(sum.Sum(nil), d.messageDigest) != 1 {
		return nil, errors.New("cms: verify: the content is not what was signed")
	}
	tbs, err := attributesForSigning(d.signedAttrs)
	if err != nil {
		return nil, fmt.Errorf("cms: verify: %w", err)
	}
	sum.Reset()
	_, _ = sum.Write(tbs)
	if err := alg.Verify(cert.PublicKey, params, sum.Sum(nil), d.signature); err != nil {
		return nil, fmt.Errorf("cms: verify %s: %w", alg.Name, err)
	}
	return cert, nil
}

// algorithm returns the registered algorithm of the signer, and its parameters.
func (d *SignedData) algorithm() (Algorithm, []byte, error) {
	var digest, sig asn1.ObjectIdentifier
	in := cryptobyte.String(d.digestAlg)
	if !readAlgorithm(&in, &digest) {
		return Algorithm{}, nil, errors.New("the digest algorithm has parameters")
	}
	in = cryptobyte.String(d.signatureAlg)
	var seq, params cryptobyte.String
	var tag cbasn1.Tag
	if !in.ReadASN1(&seq, cbasn1.SEQUENCE) || !seq.ReadASN1ObjectIdentifier(&sig) {
		return Algorithm{}, nil, errors.New("the signature algorithm is malformed")
	}
	if !seq.Empty() && (!seq.ReadAnyASN1Element(&params, &tag) || !seq.Empty()) {
		return Algorithm{}, nil, errors.New("the signature algorithm's parameters are malformed")
	}
	a, ok := lookup(digest, sig)
	if !ok {
		return Algorithm{}, nil, fmt.Errorf("algorithms %v and %v are not accepted", digest, sig)
	}
	return a, params, nil
}
