package pa

import (
	"bytes"
	"crypto"
	"encoding/asn1"
	"fmt"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

var (
	oidSignedData    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
	oidContentType   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 3}
	oidMessageDigest = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 4}
)

// signed is a CMS SignedData with one signer and the content in it, which is all
// that Doc 9303-10, 4.6.2 and 9303-12 allow.
type signed struct {
	kind         asn1.ObjectIdentifier // of the content
	content      []byte
	certificates []*Certificate
	signer       *Certificate // nil: it is not among certificates

	digestAlgorithm algorithm
	algorithm       algorithm
	attributes      []byte // as they are signed: a SET; empty if there are none
	messageDigest   []byte
	contentType     asn1.ObjectIdentifier
	signature       []byte
}

// parseSigned parses a ContentInfo in DER.
func parseSigned(der []byte) (*signed, error) {
	var m signed
	in := cryptobyte.String(der)
	var info, wrapped, sd, algorithms, encap, content, certs, signers, si cryptobyte.String
	var oid asn1.ObjectIdentifier
	var hasContent, hasCerts bool
	var version int
	zero := cbasn1.Tag(0).ContextSpecific().Constructed()
	one := cbasn1.Tag(1).ContextSpecific().Constructed()
	if !in.ReadASN1(&info, cbasn1.SEQUENCE) || !in.Empty() || !info.ReadASN1ObjectIdentifier(&oid) || !oid.Equal(oidSignedData) ||
		!info.ReadASN1(&wrapped, zero) || !info.Empty() || !wrapped.ReadASN1(&sd, cbasn1.SEQUENCE) || !wrapped.Empty() {
		return nil, malformed("signed data")
	}
	if !sd.ReadASN1Integer(&version) || !sd.ReadASN1(&algorithms, cbasn1.SET) ||
		!sd.ReadASN1(&encap, cbasn1.SEQUENCE) || !encap.ReadASN1ObjectIdentifier(&m.kind) ||
		!encap.ReadOptionalASN1(&content, &hasContent, zero) || !encap.Empty() || !hasContent ||
		!sd.ReadOptionalASN1(&certs, &hasCerts, zero) || !sd.SkipOptionalASN1(one) ||
		!sd.ReadASN1(&signers, cbasn1.SET) || !sd.Empty() {
		return nil, malformed("signed data")
	}
	var octets cryptobyte.String
	if !content.ReadASN1(&octets, cbasn1.OCTET_STRING) || !content.Empty() {
		return nil, malformed("signed data: content")
	}
	m.content = octets
	for !certs.Empty() {
		var c cryptobyte.String
		var tag cbasn1.Tag
		if !certs.ReadAnyASN1Element(&c, &tag) {
			return nil, malformed("signed data: certificates")
		}
		cert, err := ParseCertificate(c)
		if err != nil {
			return nil, err
		}
		m.certificates = append(m.certificates, cert)
	}
	if !signers.ReadASN1(&si, cbasn1.SEQUENCE) || !signers.Empty() {
		return nil, malformed("signed data: not one signer")
	}
	if err := m.signerInfo(si); err != nil {
		return nil, err
	}
	return &m, nil
}

func (m *signed) signerInfo(si cryptobyte.String) error {
	var version int
	var sid, attrs, sig cryptobyte.String
	var tag cbasn1.Tag
	var has bool
	zero := cbasn1.Tag(0).ContextSpecific().Constructed()
	if !si.ReadASN1Integer(&version) || !si.ReadAnyASN1(&sid, &tag) || !readAlgorithm(&si, &m.digestAlgorithm) {
		return malformed("signer")
	}
	start := []byte(si)
	if !si.ReadOptionalASN1(&attrs, &has, zero) {
		return malformed("signer: attributes")
	}
	if has {
		m.attributes = bytes.Clone(start[:len(start)-len(si)])
		m.attributes[0] = byte(cbasn1.SET) // signed as a SET (RFC 5652, 5.4)
		if err := m.readAttributes(attrs); err != nil {
			return err
		}
	}
	if !readAlgorithm(&si, &m.algorithm) || !si.ReadASN1(&sig, cbasn1.OCTET_STRING) ||
		!si.SkipOptionalASN1(cbasn1.Tag(1).ContextSpecific().Constructed()) || !si.Empty() {
		return malformed("signer")
	}
	m.signature = sig
	return m.find(sid, tag)
}

// find looks for the signer's certificate by what names it.
func (m *signed) find(sid cryptobyte.String, tag cbasn1.Tag) error {
	if tag == cbasn1.Tag(0).ContextSpecific() {
		for _, c := range m.certificates {
			if bytes.Equal(c.keyID, sid) {
				m.signer = c
			}
		}
		return nil
	}
	var issuer cryptobyte.String
	serial := new(big.Int)
	if tag != cbasn1.SEQUENCE || !sid.ReadASN1Element(&issuer, cbasn1.SEQUENCE) || !sid.ReadASN1Integer(serial) || !sid.Empty() {
		return malformed("signer: its name")
	}
	for _, c := range m.certificates {
		if c.serial.Cmp(serial) == 0 && sameName(c.issuer, issuer) {
			m.signer = c
		}
	}
	return nil
}

func (m *signed) readAttributes(attrs cryptobyte.String) error {
	for !attrs.Empty() {
		var a, values cryptobyte.String
		var oid asn1.ObjectIdentifier
		if !attrs.ReadASN1(&a, cbasn1.SEQUENCE) || !a.ReadASN1ObjectIdentifier(&oid) ||
			!a.ReadASN1(&values, cbasn1.SET) || !a.Empty() {
			return malformed("signer: attributes")
		}
		switch {
		case oid.Equal(oidContentType):
			if m.contentType != nil || !values.ReadASN1ObjectIdentifier(&m.contentType) || !values.Empty() {
				return malformed("signer: content type")
			}
		case oid.Equal(oidMessageDigest):
			var d cryptobyte.String
			if m.messageDigest != nil || !values.ReadASN1(&d, cbasn1.OCTET_STRING) || !values.Empty() {
				return malformed("signer: message digest")
			}
			m.messageDigest = d
		}
	}
	if m.contentType == nil || m.messageDigest == nil {
		return malformed("signer: attributes without content type or digest")
	}
	return nil
}

// check checks the signature with the signer's certificate.
func (m *signed) check() error {
	if m.signer == nil {
		return fmt.Errorf("%w: the signer's certificate is not with it", errSignature)
	}
	h := m.digestAlgorithm.hash()
	if h == 0 {
		return fmt.Errorf("%w: digest %v", errAlgorithm, m.digestAlgorithm.oid)
	}
	over := m.content
	if m.attributes != nil {
		if !m.contentType.Equal(m.kind) || !bytes.Equal(m.messageDigest, digest(h, m.content)) {
			return fmt.Errorf("%w: it is for other content", errSignature)
		}
		over = m.attributes
	}
	return verify(m.algorithm, h, m.signer.spki, over, m.signature)
}

// hash is the weaker hash that the signature rests on.
func (m *signed) hash() crypto.Hash { return m.digestAlgorithm.hash() }
