package cms

import (
	"bytes"
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

// MaxCertificates is how many certificates a signature may carry.
const MaxCertificates = 16

// SignedData is a signature, read and found to be in the profile, but not
// checked: Verify does that. It does not change.
type SignedData struct {
	version      int
	contentType  asn1.ObjectIdentifier
	content      []byte // nil if detached
	certs        []raw
	crls         []raw
	issuer       raw
	serial       raw
	digestAlg    raw
	signedAttrs  []byte // the attributes, one after another
	signatureAlg raw
	signature    []byte
	timeStamp    raw // the token; nil if none

	// Of the attributes.
	messageDigest []byte
	certHash      certHash
	signingTime   time.Time

	parsed []*x509.Certificate
}

// Parse reads a detached signature of data.
func Parse(der []byte) (*SignedData, error) { return parse(der, OIDData, false) }

// ParseAttached reads a signature that carries content of that type.
func ParseAttached(der []byte, contentType asn1.ObjectIdentifier) (*SignedData, error) {
	return parse(der, contentType, true)
}

func parse(der []byte, ct asn1.ObjectIdentifier, attached bool) (*SignedData, error) {
	d, err := read(der, ct, attached)
	if err != nil {
		return nil, fmt.Errorf("cms: parse: %w", err)
	}
	again, err := d.encode()
	if err != nil || !bytes.Equal(again, der) {
		return nil, errors.New("cms: parse: it is not in DER, or holds what the profile does not")
	}
	return d, nil
}

func read(der []byte, ct asn1.ObjectIdentifier, attached bool) (*SignedData, error) {
	d := &SignedData{}
	in := cryptobyte.String(der)
	var ci, body, sd, set, signer cryptobyte.String
	var typ asn1.ObjectIdentifier
	if !in.ReadASN1(&ci, cbasn1.SEQUENCE) || !in.Empty() ||
		!ci.ReadASN1ObjectIdentifier(&typ) || !typ.Equal(oidSignedData) ||
		!ci.ReadASN1(&body, tag0) || !ci.Empty() ||
		!body.ReadASN1(&sd, cbasn1.SEQUENCE) || !body.Empty() {
		return nil, errors.New("it is not a SignedData")
	}
	if !sd.ReadASN1Integer(&d.version) || !sd.ReadASN1(&set, cbasn1.SET) {
		return nil, errors.New("SignedData is malformed")
	}
	digestAlgs := set
	if err := d.readContent(&sd, ct, attached); err != nil {
		return nil, err
	}
	if err := d.readCertificates(&sd); err != nil {
		return nil, err
	}
	if !sd.ReadASN1(&set, cbasn1.SET) || !sd.Empty() ||
		!set.ReadASN1(&signer, cbasn1.SEQUENCE) || !set.Empty() {
		return nil, errors.New("it does not have exactly one signer")
	}
	if err := d.readSigner(signer); err != nil {
		return nil, err
	}
	if !bytes.Equal(digestAlgs, d.digestAlg) {
		return nil, errors.New("the digest algorithms are not the signer's one")
	}
	return d, nil
}

func (d *SignedData) readContent(sd *cryptobyte.String, ct asn1.ObjectIdentifier, attached bool) error {
	var encap, explicit, content cryptobyte.String
	var has bool
	if !sd.ReadASN1(&encap, cbasn1.SEQUENCE) || !encap.ReadASN1ObjectIdentifier(&d.contentType) ||
		!encap.ReadOptionalASN1(&explicit, &has, tag0) || !encap.Empty() {
		return errors.New("the content info is malformed")
	}
	if has {
		if !explicit.ReadASN1(&content, cbasn1.OCTET_STRING) || !explicit.Empty() {
			return errors.New("the content is malformed")
		}
		d.content = append([]byte{}, content...)
	}
	want := 1
	if attached {
		want = 3
	}
	switch {
	case !d.contentType.Equal(ct):
		return fmt.Errorf("content type is %v, want %v", d.contentType, ct)
	case has != attached:
		return fmt.Errorf("content attached is %v, want %v", has, attached)
	case d.version != want:
		return fmt.Errorf("version is %d, want %d", d.version, want)
	}
	return nil
}

func (d *SignedData) readCertificates(sd *cryptobyte.String) error {
	for _, part := range []struct {
		tag cbasn1.Tag
		to  *[]raw
	}{{tag0, &d.certs}, {tag1, &d.crls}} {
		var set cryptobyte.String
		var has bool
		if !sd.ReadOptionalASN1(&set, &has, part.tag) || has && set.Empty() {
			return errors.New("the certificates are malformed")
		}
		for !set.Empty() {
			var e cryptobyte.String
			if !set.ReadASN1Element(&e, cbasn1.SEQUENCE) || len(*part.to) == MaxCertificates {
				return errors.New("the certificates or revocation lists are malformed or too many")
			}
			*part.to = append(*part.to, raw(e))
		}
	}
	for _, der := range d.certs {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return fmt.Errorf("a certificate in it: %w", err)
		}
		d.parsed = append(d.parsed, c)
	}
	return nil
}

func (d *SignedData) readSigner(s cryptobyte.String) error {
	var version int
	var sid, issuer, serial, digestAlg, attrs, sigAlg, sig, unsigned cryptobyte.String
	var has bool
	if !s.ReadASN1Integer(&version) || version != 1 ||
		!s.ReadASN1(&sid, cbasn1.SEQUENCE) || !sid.ReadASN1Element(&issuer, cbasn1.SEQUENCE) ||
		!sid.ReadASN1Element(&serial, cbasn1.INTEGER) || !sid.Empty() {
		return errors.New("the signer is not named by issuer and serial number")
	}
	if !s.ReadASN1Element(&digestAlg, cbasn1.SEQUENCE) {
		return errors.New("the digest algorithm is malformed")
	}
	if !s.ReadOptionalASN1(&attrs, &has, tag0) || !has {
		return errors.New("there are no signed attributes")
	}
	if !s.ReadASN1Element(&sigAlg, cbasn1.SEQUENCE) || !s.ReadASN1(&sig, cbasn1.OCTET_STRING) ||
		!s.ReadOptionalASN1(&unsigned, &has, tag1) || !s.Empty() {
		return errors.New("the signer is malformed")
	}
	d.issuer, d.serial, d.digestAlg = raw(issuer), raw(serial), raw(digestAlg)
	d.signedAttrs, d.signatureAlg, d.signature = attrs, raw(sigAlg), sig
	if err := d.readSignedAttributes(); err != nil {
		return err
	}
	if has {
		return d.readUnsignedAttributes(unsigned)
	}
	return nil
}

// Certificates returns the certificates it carries, believed or not.
func (d *SignedData) Certificates() []*x509.Certificate { return slices.Clone(d.parsed) }

// Content returns the content it carries; nil if detached.
func (d *SignedData) Content() []byte { return bytes.Clone(d.content) }

// SigningTime returns what the signer's clock claimed; zero if nothing.
func (d *SignedData) SigningTime() time.Time { return d.signingTime }

// Signature returns the signature value.
func (d *SignedData) Signature() []byte { return bytes.Clone(d.signature) }

// Imprint returns the SHA-256 of the signature value: what a signature time
// stamp is over.
func (d *SignedData) Imprint() [32]byte { return sha256.Sum256(d.signature) }

// TimeStamp returns the signature time-stamp token; nil if there is none.
func (d *SignedData) TimeStamp() []byte { return bytes.Clone(d.timeStamp) }

// Bytes returns the signature in DER.
func (d *SignedData) Bytes() []byte {
	der, err := d.encode()
	if err != nil {
		return nil // it was read from DER: it encodes
	}
	return der
}

// WithTimeStamp returns the same signature with token in it, instead of any
// other. It does not check the token.
func (d *SignedData) WithTimeStamp(token []byte) *SignedData {
	e := *d
	e.timeStamp = bytes.Clone(token)
	return &e
}

// encode writes it in DER.
func (d *SignedData) encode() ([]byte, error) {
	seq := cbasn1.SEQUENCE
	return encode(func(b *cryptobyte.Builder) {
		b.AddASN1(seq, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(oidSignedData)
			b.AddASN1(tag0, func(b *cryptobyte.Builder) {
				b.AddASN1(seq, func(b *cryptobyte.Builder) {
					b.AddASN1Int64(int64(d.version))
					b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) { b.AddBytes(d.digestAlg) })
					b.AddASN1(seq, func(b *cryptobyte.Builder) {
						b.AddASN1ObjectIdentifier(d.contentType)
						if d.content != nil {
							b.AddASN1(tag0, func(b *cryptobyte.Builder) { b.AddASN1OctetString(d.content) })
						}
					})
					if len(d.certs) > 0 {
						b.AddASN1(tag0, func(b *cryptobyte.Builder) { b.AddBytes(sorted(d.certs)) })
					}
					if len(d.crls) > 0 {
						b.AddASN1(tag1, func(b *cryptobyte.Builder) { b.AddBytes(sorted(d.crls)) })
					}
					b.AddASN1(cbasn1.SET, d.addSigner)
				})
			})
		})
	})
}

func (d *SignedData) addSigner(b *cryptobyte.Builder) {
	seq := cbasn1.SEQUENCE
	b.AddASN1(seq, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(1)
		b.AddASN1(seq, func(b *cryptobyte.Builder) {
			b.AddBytes(d.issuer)
			b.AddBytes(d.serial)
		})
		b.AddBytes(d.digestAlg)
		b.AddASN1(tag0, func(b *cryptobyte.Builder) { b.AddBytes(d.signedAttrs) })
		b.AddBytes(d.signatureAlg)
		b.AddASN1OctetString(d.signature)
		if d.timeStamp != nil {
			b.AddASN1(tag1, func(b *cryptobyte.Builder) {
				b.AddASN1(seq, func(b *cryptobyte.Builder) {
					b.AddASN1ObjectIdentifier(oidTimeStamp)
					b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) { b.AddBytes(d.timeStamp) })
				})
			})
		}
	})
}
