package cms

import (
	"bytes"
	"encoding/asn1"
	"errors"
	"fmt"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// certHash is what signing-certificate-v2 says of the signer's certificate.
type certHash struct {
	alg    asn1.ObjectIdentifier
	sum    []byte
	issuer raw // a Name; nil if not said
	serial raw
}

// readSignedAttributes reads d.signedAttrs. Attributes it does not know are
// passed over, but each may occur once only and has one value.
func (d *SignedData) readSignedAttributes() error {
	var contentType asn1.ObjectIdentifier
	seen := map[string]bool{}
	var before []byte
	for in := cryptobyte.String(d.signedAttrs); !in.Empty(); {
		var element, set cryptobyte.String
		var oid asn1.ObjectIdentifier
		rest := in
		if !in.ReadASN1(&element, cbasn1.SEQUENCE) || !element.ReadASN1ObjectIdentifier(&oid) ||
			!element.ReadASN1(&set, cbasn1.SET) || !element.Empty() {
			return errors.New("a signed attribute is malformed")
		}
		// DER sorts a SET OF; what is signed must have one encoding.
		whole := rest[:len(rest)-len(in)]
		if bytes.Compare(before, whole) >= 0 {
			return errors.New("the signed attributes are not in the order of DER")
		}
		before = whole
		if seen[oid.String()] {
			return fmt.Errorf("signed attribute %v occurs twice", oid)
		}
		seen[oid.String()] = true
		ok, value := true, set
		switch {
		case oid.Equal(oidContentType):
			ok = value.ReadASN1ObjectIdentifier(&contentType)
		case oid.Equal(oidMessageDigest):
			var sum cryptobyte.String
			ok = value.ReadASN1(&sum, cbasn1.OCTET_STRING)
			d.messageDigest = sum
		case oid.Equal(oidSigningCertV2):
			ok = readSigningCertV2(&value, &d.certHash)
		case oid.Equal(oidSigningTime):
			ok = readTime(&value, &d.signingTime)
		default:
			var one cryptobyte.String
			var tag cbasn1.Tag
			ok = value.ReadAnyASN1Element(&one, &tag)
		}
		if !ok || !value.Empty() {
			return fmt.Errorf("signed attribute %v does not have one well-formed value", oid)
		}
	}
	switch {
	case !contentType.Equal(d.contentType):
		return fmt.Errorf("the signed content type is %v, want %v", contentType, d.contentType)
	case d.messageDigest == nil:
		return errors.New("there is no message digest")
	case d.certHash.sum == nil:
		return errors.New("there is no signing-certificate-v2")
	}
	return nil
}

// readSigningCertV2 reads a SigningCertificateV2 (RFC 5035). Only its first
// entry is of the signer.
func readSigningCertV2(in *cryptobyte.String, h *certHash) bool {
	var all, list, first, sum, is, names, dirName cryptobyte.String
	if !in.ReadASN1(&all, cbasn1.SEQUENCE) || !all.ReadASN1(&list, cbasn1.SEQUENCE) ||
		!list.ReadASN1(&first, cbasn1.SEQUENCE) {
		return false
	}
	h.alg = OIDSHA256
	if first.PeekASN1Tag(cbasn1.SEQUENCE) && !readAlgorithm(&first, &h.alg) {
		return false
	}
	if !first.ReadASN1(&sum, cbasn1.OCTET_STRING) {
		return false
	}
	h.sum = sum
	if first.Empty() {
		return true
	}
	var issuer, serial cryptobyte.String
	if !first.ReadASN1(&is, cbasn1.SEQUENCE) || !first.Empty() ||
		!is.ReadASN1(&names, cbasn1.SEQUENCE) || !is.ReadASN1Element(&serial, cbasn1.INTEGER) || !is.Empty() ||
		!names.ReadASN1(&dirName, cbasn1.Tag(4).ContextSpecific().Constructed()) || !names.Empty() ||
		!dirName.ReadASN1Element(&issuer, cbasn1.SEQUENCE) || !dirName.Empty() {
		return false
	}
	h.issuer, h.serial = raw(issuer), raw(serial)
	return true
}

// readTime reads a Time in the one form of DER.
func readTime(in *cryptobyte.String, t *time.Time) bool {
	before := *in
	ok := false
	if in.PeekASN1Tag(cbasn1.UTCTime) {
		ok = in.ReadASN1UTCTime(t)
	} else {
		ok = in.ReadASN1GeneralizedTime(t)
	}
	if !ok {
		return false
	}
	again, err := encode(func(b *cryptobyte.Builder) { addTime(b, *t) })
	*t = t.UTC()
	return err == nil && bytes.Equal(again, before[:len(before)-len(*in)])
}

// readUnsignedAttributes accepts one signature time stamp.
func (d *SignedData) readUnsignedAttributes(in cryptobyte.String) error {
	var attr, set, token cryptobyte.String
	var oid asn1.ObjectIdentifier
	if !in.ReadASN1(&attr, cbasn1.SEQUENCE) || !in.Empty() ||
		!attr.ReadASN1ObjectIdentifier(&oid) || !oid.Equal(oidTimeStamp) ||
		!attr.ReadASN1(&set, cbasn1.SET) || !attr.Empty() ||
		!set.ReadASN1Element(&token, cbasn1.SEQUENCE) || !set.Empty() {
		return errors.New("the unsigned attributes are not one signature time stamp")
	}
	d.timeStamp = raw(token)
	return nil
}
