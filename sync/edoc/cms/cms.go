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
//   - unsigned attributes are one signature time stamp and counter-signatures,
//     of the same strictness, and nothing else.
//
// What is needed to check a signature years later can travel with it:
// certificates, revocation lists and OCSP responses (B-LT).
//
// It makes ECDSA P-256 with SHA-256, and checks what is in the registry
// ([Register]). Whether a certificate is to be believed is package trust's
// business, not this one's: Verify says only that the signature is of that
// certificate's key over that content.
package cms
