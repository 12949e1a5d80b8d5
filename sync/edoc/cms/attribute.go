package cms

import (
	"bytes"
	"crypto/x509"
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

// readSignedAttributes reads i.signedAttrs. Attributes it does not know are
// passed over, but each may occur once only and has one value. ct is the type
// of the content; a counter-signature, whose content is a signature value, has
// no type and must not name one (RFC 5652 11.4).
func (i *info) readSignedAttributes(ct *oid) error {
	var contentType, before []byte
	seen := map[string]bool{}
	for in := cryptobyte.String(i.signedAttrs); !in.Empty(); {
		var element, id, set cryptobyte.String
		rest := in
		if !in.ReadASN1(&element, cbasn1.SEQUENCE) || !element.ReadASN1(&id, cbasn1.OBJECT_IDENTIFIER) ||
			!element.ReadASN1(&set, cbasn1.SET) || !element.Empty() {
			return errors.New("a signed attribute is malformed")
		}
		// DER sorts a SET OF; what is signed must have one encoding.
		whole := rest[:len(rest)-len(in)]
		if bytes.Compare(before, whole) >= 0 {
			return errors.New("the signed attributes are not in the order of DER")
		}
		before = whole
		if seen[string(id)] {
			return fmt.Errorf("signed attribute %x occurs twice", id)
		}
		seen[string(id)] = true
		if !i.readSignedAttribute(id, set, &contentType) {
			return fmt.Errorf("signed attribute %x does not have one well-formed value", id)
		}
	}
	switch {
	case ct == nil && contentType != nil:
		return errors.New("a counter-signature names a content type")
	case ct != nil && !ct.is(contentType):
		return fmt.Errorf("the signed content type is not %v", ct)
	case i.messageDigest == nil:
		return errors.New("there is no message digest")
	case i.certHash.sum == nil:
		return errors.New("there is no signing-certificate-v2")
	}
	return nil
}

func (i *info) readSignedAttribute(id, value cryptobyte.String, contentType *[]byte) bool {
	var one cryptobyte.String
	ok := false
	switch {
	case oidContentType.is(id):
		ok = value.ReadASN1(&one, cbasn1.OBJECT_IDENTIFIER)
		*contentType = one
	case oidMessageDigest.is(id):
		ok = value.ReadASN1(&one, cbasn1.OCTET_STRING)
		i.messageDigest = one
	case oidSigningCertV2.is(id):
		ok = readSigningCertV2(&value, &i.certHash)
	case oidSigningTime.is(id):
		ok = readTime(&value, &i.signingTime)
	case oidTimeStamp.is(id), oidCounter.is(id):
		// The signer's word is none of a stranger's: they are unsigned ones
		// (RFC 3161 appendix A, RFC 5652 11.4).
	default:
		var tag cbasn1.Tag
		var any x509.OID
		ok = any.UnmarshalBinary(id) == nil && value.ReadAnyASN1Element(&one, &tag)
	}
	return ok && value.Empty()
}

// readSigningCertV2 reads a SigningCertificateV2 (RFC 5035). Only its first
// entry is of the signer; policies may follow the list.
func readSigningCertV2(in *cryptobyte.String, h *certHash) bool {
	var all, list, first, sum, is, names, dirName cryptobyte.String
	if !in.ReadASN1(&all, cbasn1.SEQUENCE) || !all.ReadASN1(&list, cbasn1.SEQUENCE) ||
		!list.ReadASN1(&first, cbasn1.SEQUENCE) || !all.SkipOptionalASN1(cbasn1.SEQUENCE) || !all.Empty() {
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
