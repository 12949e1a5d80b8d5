package cms

import (
	"bytes"
	"encoding/asn1"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// The object identifiers of the profile.
var (
	// OIDData is id-data: the content type of a document's signature.
	OIDData = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
	// OIDTSTInfo is id-ct-TSTInfo: the content type of a time-stamp token.
	OIDTSTInfo = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 1, 4}
	// OIDSHA256 is id-sha256.
	OIDSHA256 = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}

	oidSHA384 = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 2}
	oidSHA512 = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 3}

	oidSignedData    = newOID(1, 2, 840, 113549, 1, 7, 2)
	oidContentType   = newOID(1, 2, 840, 113549, 1, 9, 3)
	oidMessageDigest = newOID(1, 2, 840, 113549, 1, 9, 4)
	oidSigningTime   = newOID(1, 2, 840, 113549, 1, 9, 5)
	oidCounter       = newOID(1, 2, 840, 113549, 1, 9, 6)
	oidTimeStamp     = newOID(1, 2, 840, 113549, 1, 9, 16, 2, 14)
	oidSigningCertV2 = newOID(1, 2, 840, 113549, 1, 9, 16, 2, 47)
	oidOCSPResponse  = newOID(1, 3, 6, 1, 5, 5, 7, 16, 2)    // id-ri-ocsp-response, RFC 5940
	oidOCSPBasic     = newOID(1, 3, 6, 1, 5, 5, 7, 48, 1, 1) // id-pkix-ocsp-basic, RFC 6960
)

// The context tags of SignedData and SignerInfo.
var (
	tag0 = cbasn1.Tag(0).ContextSpecific().Constructed()
	tag1 = cbasn1.Tag(1).ContextSpecific().Constructed()
)

// oid is an object identifier with its contents in DER: most are compared and
// copied, and few are ever taken apart.
type oid struct {
	asn1.ObjectIdentifier
	der []byte
}

func newOID(arcs ...int) *oid { return oidOf(asn1.ObjectIdentifier(arcs)) }

func oidOf(id asn1.ObjectIdentifier) *oid {
	whole, err := encode(func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(id) })
	if err != nil {
		panic(err) // the identifiers are this package's own, or a caller's constants
	}
	return &oid{slices.Clone(id), whole[2:]}
}

// is reports whether der is the contents of this identifier.
func (o *oid) is(der []byte) bool { return bytes.Equal(o.der, der) }

func (o *oid) add(b *cryptobyte.Builder) {
	b.AddASN1(cbasn1.OBJECT_IDENTIFIER, func(b *cryptobyte.Builder) { b.AddBytes(o.der) })
}

// readOID reads an identifier that must be this one.
func (o *oid) read(s *cryptobyte.String) bool {
	var der cryptobyte.String
	return s.ReadASN1(&der, cbasn1.OBJECT_IDENTIFIER) && o.is(der)
}

// raw is one element with its tag and length, as received.
type raw = []byte

// encode runs f on a new builder and returns what it built.
func encode(f func(b *cryptobyte.Builder)) ([]byte, error) { return encodeSized(256, f) }

// encodeSized is encode with room for so many bytes.
func encodeSized(n int, f func(b *cryptobyte.Builder)) ([]byte, error) {
	b := cryptobyte.NewBuilder(make([]byte, 0, n))
	f(b)
	return b.Bytes()
}
