package cms

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// MaxCounterSignatures is how many counter-signatures a signature may carry.
const MaxCounterSignatures = 8

// CounterSignature is a signature over the value of another one (RFC 5652
// 11.4): someone saw that signature, and puts his own beneath. It is read and
// found to be in the profile, but not checked: Verify does that.
//
// It has signed attributes as any other signature, but no content-type, and no
// unsigned attributes: nobody counter-signs a counter-signature. All that a
// signature carries are the values of one attribute: OpenSSL and BouncyCastle
// read and write that form.
type CounterSignature struct {
	info
	der   raw                 // the SignerInfo
	over  []byte              // the signature value it stands on
	certs []*x509.Certificate // those that the whole carries
}

func (d *SignedData) readCounters(set cryptobyte.String) error {
	if set.Empty() {
		return errors.New("the attribute of counter-signatures has no value")
	}
	for !set.Empty() {
		var der, s cryptobyte.String
		if len(d.counters) == MaxCounterSignatures {
			return fmt.Errorf("there are more than %d counter-signatures", MaxCounterSignatures)
		}
		if !set.ReadASN1Element(&der, cbasn1.SEQUENCE) {
			return errors.New("a counter-signature is malformed")
		}
		// DER sorts them; two that are the same would be one signature twice.
		if n := len(d.counters); n > 0 && bytes.Compare(d.counters[n-1].der, der) >= 0 {
			return errors.New("the counter-signatures are not in the order of DER, or one is there twice")
		}
		whole := der
		c := &CounterSignature{der: raw(der), over: d.signature, certs: d.parsed}
		if !whole.ReadASN1(&s, cbasn1.SEQUENCE) {
			return errors.New("a counter-signature is malformed")
		}
		_, unsigned, err := c.readInfo(s, nil)
		if err != nil {
			return fmt.Errorf("a counter-signature: %w", err)
		}
		if unsigned {
			return errors.New("a counter-signature has unsigned attributes")
		}
		if again, err := c.encode(); err != nil || !bytes.Equal(again, c.der) {
			return errors.New("a counter-signature is not in DER, or holds what the profile does not")
		}
		d.counters = append(d.counters, c)
	}
	return nil
}

func (c *CounterSignature) encode() ([]byte, error) {
	return encode(func(b *cryptobyte.Builder) { c.addInfo(b, nil) })
}

// CounterSignatures returns the counter-signatures, in the order of their
// encodings, which is not that of their making.
func (d *SignedData) CounterSignatures() []*CounterSignature { return slices.Clone(d.counters) }

// SigningTime returns what the counter-signer's clock claimed; zero if nothing.
func (c *CounterSignature) SigningTime() time.Time { return c.signingTime }

// Certificate returns the counter-signer's certificate, from the signature that
// carries it or from more, as [SignedData.Certificate] does.
func (c *CounterSignature) Certificate(more ...*x509.Certificate) (*x509.Certificate, error) {
	return c.certificate(c.certs, more)
}

// Verify checks that it is of the counter-signer's key over the value of the
// signature it stands on, and returns the counter-signer's certificate. It does
// not say whether to believe the certificate, nor whether the signature it
// stands on is in order.
func (c *CounterSignature) Verify(more ...*x509.Certificate) (*x509.Certificate, error) {
	cert, err := c.Certificate(more...)
	if err != nil {
		return nil, err
	}
	if err := c.verify(c.over, cert); err != nil {
		return nil, fmt.Errorf("cms: verify a counter-signature: %w", err)
	}
	return cert, nil
}

// WithCounterSignature returns the same signature with one more
// counter-signature: that of s over its value. at is what the counter-signer's
// clock claims. The certificates of s go into it, but for self-signed ones.
func (d *SignedData) WithCounterSignature(s Signer, at time.Time) (*SignedData, error) {
	if len(d.counters) == MaxCounterSignatures {
		return nil, fmt.Errorf("cms: counter-sign: there are %d counter-signatures already", MaxCounterSignatures)
	}
	i, err := sign(nil, d.signature, s, at)
	if err != nil {
		return nil, fmt.Errorf("cms: counter-sign: %w", err)
	}
	c := &CounterSignature{info: i, over: d.signature}
	if c.der, err = c.encode(); err != nil {
		return nil, fmt.Errorf("cms: counter-sign: %w", err)
	}
	e := d.withCertificates(append([]*x509.Certificate{s.Cert}, withoutSelfSigned(s.Chain)...))
	if len(e.certs) > MaxCertificates {
		return nil, fmt.Errorf("cms: counter-sign: it would carry %d certificates, %d at most", len(e.certs), MaxCertificates)
	}
	e.counters = append(slices.Clip(e.counters), c)
	slices.SortFunc(e.counters, func(a, b *CounterSignature) int { return bytes.Compare(a.der, b.der) })
	return e.rebound(), nil
}

// rebound gives its counter-signatures the certificates that it carries now.
func (d *SignedData) rebound() *SignedData {
	list := make([]*CounterSignature, len(d.counters))
	for i, c := range d.counters {
		again := *c
		again.certs = d.parsed
		list[i] = &again
	}
	d.counters = list
	return d
}
