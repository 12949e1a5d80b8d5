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
	"math/big"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// Sign makes a detached signature of content: CAdES-B-B, ECDSA P-256 with
// SHA-256. signingTime is what the signer's clock claims; it is signed. The
// certificates of s go into it, but for self-signed ones.
//
// What a card or a chip gives is checked before it is returned: it may be at
// fault.
func Sign(content []byte, s Signer, signingTime time.Time) ([]byte, error) {
	d, err := Make(content, s, signingTime)
	if err != nil {
		return nil, err
	}
	return d.Bytes(), nil
}

// Make is Sign, and returns the signature as [Parse] reads it.
func Make(content []byte, s Signer, signingTime time.Time) (*SignedData, error) {
	return build(oidOfData, content, false, s, signingTime)
}

// SignAttached makes a signature that carries its content, of another type than
// data: a time-stamp token. It has no signing time of its own.
func SignAttached(contentType asn1.ObjectIdentifier, content []byte, s Signer) ([]byte, error) {
	d, err := build(oidOf(contentType), content, true, s, time.Time{})
	if err != nil {
		return nil, err
	}
	return d.Bytes(), nil
}

func build(ct *oid, content []byte, attached bool, s Signer, at time.Time) (*SignedData, error) {
	i, err := sign(ct, content, s, at)
	if err != nil {
		return nil, fmt.Errorf("cms: sign: %w", err)
	}
	d := &SignedData{info: i, contentType: ct}
	if attached {
		d.content = bytes.Clone(content)
	}
	d = d.withCertificates(append([]*x509.Certificate{s.Cert}, withoutSelfSigned(s.Chain)...))
	if d.der, err = d.encode(); err != nil {
		return nil, fmt.Errorf("cms: sign: %w", err)
	}
	return d, nil
}

// sign makes the signature of s over content. ct is the type of the content;
// nil if it is the value of another signature.
func sign(ct *oid, content []byte, s Signer, at time.Time) (info, error) {
	if s.Key == nil || s.Cert == nil {
		return info{}, errors.New("no key or no certificate")
	}
	pub, ok := s.Key.Public().(*ecdsa.PublicKey)
	if !ok || pub.Curve != elliptic.P256() {
		return info{}, fmt.Errorf("key is %T, want ECDSA on P-256", s.Key.Public())
	}
	if !pub.Equal(s.Cert.PublicKey) {
		return info{}, errors.New("the certificate is of another key")
	}
	i := info{
		issuer: s.Cert.RawIssuer, serial: serialDER(s.Cert), digestAlg: derSHA256, signatureAlg: derECDSA256,
		certHash: certHash{alg: OIDSHA256, issuer: s.Cert.RawIssuer, serial: serialDER(s.Cert)},
	}
	if !at.IsZero() {
		i.signingTime = at.UTC().Truncate(time.Second)
	}
	sum := sha256.Sum256(content)
	i.messageDigest = sum[:]
	hash := sha256.Sum256(s.Cert.Raw)
	i.certHash.sum = hash[:]
	var err error
	if i.signedAttrs, err = i.makeSignedAttributes(ct); err != nil {
		return info{}, fmt.Errorf("encode the attributes: %w", err)
	}
	tbs, err := attributesForSigning(i.signedAttrs)
	if err != nil {
		return info{}, fmt.Errorf("encode the attributes: %w", err)
	}
	digest := sha256.Sum256(tbs)
	if i.signature, err = s.Key.Sign(rand.Reader, digest[:], crypto.SHA256); err != nil {
		return info{}, err
	}
	// A key in memory is of the same code that would check it.
	if _, software := s.Key.(*ecdsa.PrivateKey); !software && !ecdsa.VerifyASN1(pub, digest[:], i.signature) {
		return info{}, errors.New("the key gave a signature that does not verify")
	}
	return i, nil
}

// makeSignedAttributes returns the attributes, sorted, one after another.
func (i *info) makeSignedAttributes(ct *oid) ([]byte, error) {
	var items []raw
	var err error
	add := func(id *oid, value func(*cryptobyte.Builder)) {
		der, e := encode(func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				id.add(b)
				b.AddASN1(cbasn1.SET, value)
			})
		})
		items, err = append(items, der), errors.Join(err, e)
	}
	if ct != nil {
		add(oidContentType, ct.add)
	}
	add(oidMessageDigest, func(b *cryptobyte.Builder) { b.AddASN1OctetString(i.messageDigest) })
	add(oidSigningCertV2, i.certHash.add)
	if !i.signingTime.IsZero() {
		add(oidSigningTime, func(b *cryptobyte.Builder) { addTime(b, i.signingTime) })
	}
	return sorted(items), err
}

// add adds a SigningCertificateV2 with the SHA-256 of the certificate (its
// algorithm is the default, so left out), its issuer and its number.
func (h *certHash) add(b *cryptobyte.Builder) {
	seq := cbasn1.SEQUENCE
	b.AddASN1(seq, func(b *cryptobyte.Builder) {
		b.AddASN1(seq, func(b *cryptobyte.Builder) {
			b.AddASN1(seq, func(b *cryptobyte.Builder) {
				b.AddASN1OctetString(h.sum)
				b.AddASN1(seq, func(b *cryptobyte.Builder) {
					b.AddASN1(seq, func(b *cryptobyte.Builder) {
						b.AddASN1(cbasn1.Tag(4).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) {
							b.AddBytes(h.issuer)
						})
					})
					b.AddBytes(h.serial)
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

func serialDER(c *x509.Certificate) raw { return bigDER(c.SerialNumber) }

func bigDER(n *big.Int) raw {
	der, err := encode(func(b *cryptobyte.Builder) { b.AddASN1BigInt(n) })
	if err != nil {
		return nil // a big.Int always encodes
	}
	return der
}
