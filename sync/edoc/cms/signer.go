package cms

import (
	"crypto"
	"crypto/x509"
)

// Signer is who signs: a key, its certificate, and the certificates of the
// centres above it. Key may be a card or a TPM: only its Sign and Public are
// used, with the digest of what is signed.
type Signer struct {
	Key   crypto.Signer
	Cert  *x509.Certificate
	Chain []*x509.Certificate // from the issuer of Cert upwards; may be empty
}
