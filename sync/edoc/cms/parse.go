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

// SignedData is a signature, read and found to be in the profile, but not
// checked: Verify does that. It does not change.
type SignedData struct {
	info
	der         []byte // its encoding; nil if it is to be made
	contentType *oid
	content     []byte // nil if detached
	certs       []raw
	parsed      []*x509.Certificate // of certs
	crls        []raw
	ocsps       []raw // OCSPResponse
	timeStamp   raw   // the token; nil if none
	counters    []*CounterSignature
}

// Parse reads a detached signature of data.
func Parse(der []byte) (*SignedData, error) { return parse(der, oidOfData, false) }

// ParseAttached reads a signature that carries content of that type.
func ParseAttached(der []byte, contentType asn1.ObjectIdentifier) (*SignedData, error) {
	return parse(der, oidOf(contentType), true)
}

var oidOfData = oidOf(OIDData)

func parse(der []byte, ct *oid, attached bool) (*SignedData, error) {
	// What is kept are slices of this copy: the caller may change his.
	der = bytes.Clone(der)
	d, err := read(der, ct, attached)
	if err != nil {
		return nil, fmt.Errorf("cms: parse: %w", err)
	}
	again, err := d.encode()
	if err != nil || !bytes.Equal(again, der) {
		return nil, errors.New("cms: parse: it is not in DER, or holds what the profile does not")
	}
	d.der = der
	return d, nil
}

func read(der []byte, ct *oid, attached bool) (*SignedData, error) {
	d := &SignedData{contentType: ct}
	in := cryptobyte.String(der)
	var ci, body, sd, set, signer cryptobyte.String
	var version int
	if !in.ReadASN1(&ci, cbasn1.SEQUENCE) || !in.Empty() ||
		!oidSignedData.read(&ci) ||
		!ci.ReadASN1(&body, tag0) || !ci.Empty() ||
		!body.ReadASN1(&sd, cbasn1.SEQUENCE) || !body.Empty() {
		return nil, errors.New("it is not a SignedData")
	}
	if !sd.ReadASN1Integer(&version) || !sd.ReadASN1(&set, cbasn1.SET) {
		return nil, errors.New("SignedData is malformed")
	}
	digestAlgs := set
	if err := d.readContent(&sd, attached); err != nil {
		return nil, err
	}
	if err := d.readCertificates(&sd); err != nil {
		return nil, err
	}
	if err := d.readRevocation(&sd); err != nil {
		return nil, err
	}
	if want := d.version(); version != want {
		return nil, fmt.Errorf("version is %d, want %d", version, want)
	}
	if !sd.ReadASN1(&set, cbasn1.SET) || !sd.Empty() ||
		!set.ReadASN1(&signer, cbasn1.SEQUENCE) || !set.Empty() {
		return nil, errors.New("it does not have exactly one signer")
	}
	unsigned, has, err := d.readInfo(signer, ct)
	if err != nil {
		return nil, err
	}
	if has {
		if err := d.readUnsignedAttributes(unsigned); err != nil {
			return nil, err
		}
	}
	if !bytes.Equal(digestAlgs, d.digestAlg) {
		return nil, errors.New("the digest algorithms are not the signer's one")
	}
	return d, nil
}

func (d *SignedData) readContent(sd *cryptobyte.String, attached bool) error {
	var encap, explicit, content cryptobyte.String
	var has bool
	if !sd.ReadASN1(&encap, cbasn1.SEQUENCE) {
		return errors.New("the content info is malformed")
	}
	if !d.contentType.read(&encap) {
		return fmt.Errorf("the content type is not %v", d.contentType)
	}
	if !encap.ReadOptionalASN1(&explicit, &has, tag0) || !encap.Empty() {
		return errors.New("the content info is malformed")
	}
	if has != attached {
		return fmt.Errorf("content attached is %v, want %v", has, attached)
	}
	if has {
		if !explicit.ReadASN1(&content, cbasn1.OCTET_STRING) || !explicit.Empty() {
			return errors.New("the content is malformed")
		}
		d.content = content
	}
	return nil
}

// readUnsignedAttributes accepts at most one signature time stamp and one
// attribute of counter-signatures, in the order of DER.
func (d *SignedData) readUnsignedAttributes(in cryptobyte.String) error {
	if in.Empty() {
		return errors.New("the set of unsigned attributes is empty")
	}
	for !in.Empty() {
		var attr, id, set cryptobyte.String
		if !in.ReadASN1(&attr, cbasn1.SEQUENCE) || !attr.ReadASN1(&id, cbasn1.OBJECT_IDENTIFIER) ||
			!attr.ReadASN1(&set, cbasn1.SET) || !attr.Empty() {
			return errors.New("an unsigned attribute is malformed")
		}
		switch {
		case oidTimeStamp.is(id) && d.timeStamp == nil:
			var token cryptobyte.String
			if !set.ReadASN1Element(&token, cbasn1.SEQUENCE) || !set.Empty() {
				return errors.New("the signature time stamp does not have one value")
			}
			d.timeStamp = raw(token)
		case oidCounter.is(id) && d.counters == nil:
			if err := d.readCounters(set); err != nil {
				return err
			}
		default:
			return fmt.Errorf("unsigned attribute %x is not accepted, or occurs twice", id)
		}
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

// WithTimeStamp returns the same signature with token in it, instead of any
// other. It does not check the token.
func (d *SignedData) WithTimeStamp(token []byte) *SignedData {
	e := d.edit()
	e.timeStamp = bytes.Clone(token)
	return e
}
