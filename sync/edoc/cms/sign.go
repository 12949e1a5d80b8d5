package cms

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// Sign makes a detached signature of content: CAdES-B-B, ECDSA P-256 with
// SHA-256. signingTime is what the signer's clock claims; it is signed. The
// certificates of s go into it, but for self-signed ones.
//
// The signature of the key is checked before it is returned: a card may be at
// fault.
func Sign(content []byte, s Signer, signingTime time.Time) ([]byte, error) {
	return build(OIDData, nil, sha256.Sum256(content), s, signingTime)
}

// SignAttached makes a signature that carries its content, of another type than
// data: a time-stamp token. It has no signing time of its own.
func SignAttached(contentType asn1.ObjectIdentifier, content []byte, s Signer) ([]byte, error) {
	return build(contentType, content, sha256.Sum256(content), s, time.Time{})
}

func build(ct asn1.ObjectIdentifier, content []byte, digest [32]byte, s Signer, at time.Time) ([]byte, error) {
	if s.Key == nil || s.Cert == nil {
		return nil, errors.New("cms: sign: no key or no certificate")
	}
	pub, ok := s.Key.Public().(*ecdsa.PublicKey)
	if !ok || pub.Curve != elliptic.P256() {
		return nil, fmt.Errorf("cms: sign: key is %T, want ECDSA on P-256", s.Key.Public())
	}
	if !pub.Equal(s.Cert.PublicKey) {
		return nil, errors.New("cms: sign: the certificate is of another key")
	}
	d := &SignedData{version: 1, contentType: ct, content: content}
	if content != nil {
		d.version = 3
	}
	var err error
	if d.signedAttrs, err = signedAttributes(ct, digest, s.Cert, at); err != nil {
		return nil, fmt.Errorf("cms: sign: encode the attributes: %w", err)
	}
	tbs, err := attributesForSigning(d.signedAttrs)
	if err != nil {
		return nil, fmt.Errorf("cms: sign: encode the attributes: %w", err)
	}
	sum := sha256.Sum256(tbs)
	if d.signature, err = s.Key.Sign(rand.Reader, sum[:], crypto.SHA256); err != nil {
		return nil, fmt.Errorf("cms: sign: %w", err)
	}
	if !ecdsa.VerifyASN1(pub, sum[:], d.signature) {
		return nil, errors.New("cms: sign: the key gave a signature that does not verify")
	}
	d.issuer, d.serial = s.Cert.RawIssuer, serialDER(s.Cert)
	d.digestAlg, d.signatureAlg = algorithmDER(OIDSHA256), algorithmDER(oidECDSA256)
	for _, c := range append([]*x509.Certificate{s.Cert}, s.Chain...) {
		self := bytes.Equal(c.RawIssuer, c.RawSubject)
		if (!self || c == s.Cert) && !slices.ContainsFunc(d.certs, func(b raw) bool { return bytes.Equal(b, c.Raw) }) {
			d.certs = append(d.certs, c.Raw)
		}
	}
	return d.encode()
}

// signedAttributes returns the attributes, sorted, one after another.
func signedAttributes(ct asn1.ObjectIdentifier, digest [32]byte, cert *x509.Certificate, at time.Time) ([]byte, error) {
	attr := func(oid asn1.ObjectIdentifier, value func(*cryptobyte.Builder)) func(*cryptobyte.Builder) {
		return func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1ObjectIdentifier(oid)
				b.AddASN1(cbasn1.SET, value)
			})
		}
	}
	list := []func(*cryptobyte.Builder){
		attr(oidContentType, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(ct) }),
		attr(oidMessageDigest, func(b *cryptobyte.Builder) { b.AddASN1OctetString(digest[:]) }),
		attr(oidSigningCertV2, func(b *cryptobyte.Builder) { addSigningCertV2(b, cert) }),
	}
	if !at.IsZero() {
		list = append(list, attr(oidSigningTime, func(b *cryptobyte.Builder) { addTime(b, at) }))
	}
	var items []raw
	for _, f := range list {
		der, err := encode(f)
		if err != nil {
			return nil, err
		}
		items = append(items, der)
	}
	return sorted(items), nil
}

// addSigningCertV2 adds a SigningCertificateV2 with the SHA-256 of cert (its
// algorithm is the default, so left out), its issuer and its number.
func addSigningCertV2(b *cryptobyte.Builder, cert *x509.Certificate) {
	sum := sha256.Sum256(cert.Raw)
	seq := cbasn1.SEQUENCE
	b.AddASN1(seq, func(b *cryptobyte.Builder) {
		b.AddASN1(seq, func(b *cryptobyte.Builder) {
			b.AddASN1(seq, func(b *cryptobyte.Builder) {
				b.AddASN1OctetString(sum[:])
				b.AddASN1(seq, func(b *cryptobyte.Builder) {
					b.AddASN1(seq, func(b *cryptobyte.Builder) {
						b.AddASN1(cbasn1.Tag(4).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) {
							b.AddBytes(cert.RawIssuer)
						})
					})
					b.AddASN1BigInt(cert.SerialNumber)
				})
			})
		})
	})
}

// addTime adds a Time: UTCTime from 1950 to 2049, else GeneralizedTime (RFC 5652
// 11.3).
func addTime(b *cryptobyte.Builder, at time.Time) {
	at = at.UTC().Truncate(time.Second)
	if y := at.Year(); y >= 1950 && y < 2050 {
		b.AddASN1UTCTime(at)
		return
	}
	b.AddASN1GeneralizedTime(at)
}

// attributesForSigning returns what is signed: the attributes as a SET OF, not
// as the [0] they travel as (RFC 5652 5.4).
func attributesForSigning(attrs []byte) ([]byte, error) {
	return encode(func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) { b.AddBytes(attrs) })
	})
}

// sorted joins items in the order DER wants in a SET OF.
func sorted(items []raw) []byte {
	s := slices.Clone(items)
	slices.SortFunc(s, bytes.Compare)
	return bytes.Join(s, nil)
}

func serialDER(c *x509.Certificate) raw {
	der, err := encode(func(b *cryptobyte.Builder) { b.AddASN1BigInt(c.SerialNumber) })
	if err != nil {
		return nil // a big.Int always encodes
	}
	return der
}

// algorithmDER returns an AlgorithmIdentifier without parameters.
func algorithmDER(oid asn1.ObjectIdentifier) raw {
	der, err := encode(func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(oid) })
	})
	if err != nil {
		return nil // the identifiers are this package's own
	}
	return der
}
