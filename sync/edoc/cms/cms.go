// Package cms makes and checks CMS signatures of one strict profile: CAdES-B
// (ETSI EN 319 122-1) over RFC 5652, in DER, with one signer.
//
// It is written for signatures that bind people, so it refuses what the general
// libraries let through (sync/spec/edoc.md, section 5):
//
//   - signed attributes are mandatory: a signature over bare content could be a
//     signature over the attributes of another document;
//   - each signed attribute occurs once, with one value; among them exactly one
//     content-type, message-digest and signing-certificate-v2, and the last
//     names the very certificate the signature is checked with;
//   - encoding is DER: what was read is written again and must be the same
//     bytes;
//   - unsigned attributes are the signature time stamp and nothing else.
//
// It makes ECDSA P-256 with SHA-256, and checks what is in the registry
// ([Register]). Whether a certificate is to be believed is package trust's
// business, not this one's: Verify says only that the signature is of that
// certificate's key over that content.
package cms

import (
	"encoding/asn1"

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

	oidSHA384        = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 2}
	oidSHA512        = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 3}
	oidSignedData    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
	oidContentType   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 3}
	oidMessageDigest = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 4}
	oidSigningTime   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 5}
	oidTimeStamp     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 14}
	oidSigningCertV2 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 47}
)

// The context tags of SignedData and SignerInfo.
var (
	tag0 = cbasn1.Tag(0).ContextSpecific().Constructed()
	tag1 = cbasn1.Tag(1).ContextSpecific().Constructed()
)

// raw is one element with its tag and length, as received.
type raw = []byte

// encode runs f on a new builder and returns what it built.
func encode(f func(b *cryptobyte.Builder)) ([]byte, error) {
	var b cryptobyte.Builder
	f(&b)
	return b.Bytes()
}
