// Package tsp makes, asks for and checks time stamps (RFC 3161): proof, by
// someone who is neither signer nor kiosk, that something existed at a time
// (ED-41.4).
//
// A token is read by the strict profile of package cms. It is believed only
// with a certificate that the caller names: a token without certificates, or
// with other ones, proves nothing by itself.
package tsp

import (
	"context"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"time"
)

// Stamper gives time stamps.
type Stamper interface {
	// Stamp returns a time-stamp token (DER) over a SHA-256 imprint and the
	// time it states.
	Stamp(ctx context.Context, imprint [32]byte) (token []byte, at time.Time, err error)
}

// The reasons a token is refused, where a caller tells them apart.
var (
	ErrImprint = errors.New("tsp: the token is over something else")
	ErrNonce   = errors.New("tsp: the token answers another question")
	ErrSigner  = errors.New("tsp: the token is not of an authority that is trusted")
)

var oidExtKeyUsage = asn1.ObjectIdentifier{2, 5, 29, 37}

// IsTSA reports whether cert may sign time stamps: its extended key usage is
// time stamping alone, and critical (RFC 3161 2.3).
func IsTSA(cert *x509.Certificate) bool {
	if len(cert.ExtKeyUsage) != 1 || cert.ExtKeyUsage[0] != x509.ExtKeyUsageTimeStamping || len(cert.UnknownExtKeyUsage) > 0 {
		return false
	}
	for _, e := range cert.Extensions {
		if e.Id.Equal(oidExtKeyUsage) {
			return e.Critical
		}
	}
	return false
}
