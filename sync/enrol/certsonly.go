package enrol

import (
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	casn1 "golang.org/x/crypto/cryptobyte/asn1"
)

var (
	oidData       = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
	oidSignedData = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
)

// MaxCerts is how many certificates there may be in one answer.
const MaxCerts = 16

// MarshalCerts writes certificates as EST gives them: a SignedData that nobody
// signed, «certs-only» (RFC 5272, section 4.1; RFC 7030, section 4.1.3).
func MarshalCerts(certs ...*x509.Certificate) ([]byte, error) {
	if len(certs) == 0 || len(certs) > MaxCerts {
		return nil, fmt.Errorf("enrol: write certificates: got %d, want 1 to %d", len(certs), MaxCerts)
	}
	context0 := casn1.Tag(0).Constructed().ContextSpecific()
	var b cryptobyte.Builder
	b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(oidSignedData)
		b.AddASN1(context0, func(b *cryptobyte.Builder) {
			b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1Int64(1)
				b.AddASN1(casn1.SET, func(*cryptobyte.Builder) {})
				b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(oidData) })
				b.AddASN1(context0, func(b *cryptobyte.Builder) {
					for _, c := range certs {
						b.AddBytes(c.Raw)
					}
				})
				b.AddASN1(casn1.SET, func(*cryptobyte.Builder) {})
			})
		})
	})
	return b.Bytes()
}

// errCerts says no more than that: the bytes are a server's.
var errCerts = errors.New("enrol: read certificates: they are not in a certs-only message")

// ParseCerts reads what MarshalCerts or another server wrote, in its order. It
// proves nothing: who reads it checks the certificates.
func ParseCerts(der []byte) ([]*x509.Certificate, error) {
	in := cryptobyte.String(der)
	context0 := casn1.Tag(0).Constructed().ContextSpecific()
	context1 := casn1.Tag(1).Constructed().ContextSpecific()
	var info, explicit, sd, algs, encap, certs, signers cryptobyte.String
	var what, content asn1.ObjectIdentifier
	var version int
	if !in.ReadASN1(&info, casn1.SEQUENCE) || !in.Empty() || !info.ReadASN1ObjectIdentifier(&what) || !what.Equal(oidSignedData) ||
		!info.ReadASN1(&explicit, context0) || !info.Empty() || !explicit.ReadASN1(&sd, casn1.SEQUENCE) || !explicit.Empty() ||
		!sd.ReadASN1Integer(&version) || version != 1 && version != 3 || !sd.ReadASN1(&algs, casn1.SET) || !algs.Empty() ||
		!sd.ReadASN1(&encap, casn1.SEQUENCE) || !encap.ReadASN1ObjectIdentifier(&content) || !content.Equal(oidData) || !encap.Empty() ||
		!sd.ReadASN1(&certs, context0) || !sd.SkipOptionalASN1(context1) || !sd.ReadASN1(&signers, casn1.SET) || !signers.Empty() || !sd.Empty() {
		return nil, errCerts
	}
	var out []*x509.Certificate
	for !certs.Empty() {
		var one cryptobyte.String
		if !certs.ReadASN1Element(&one, casn1.SEQUENCE) || len(out) == MaxCerts {
			return nil, errCerts
		}
		c, err := x509.ParseCertificate(one)
		if err != nil {
			return nil, fmt.Errorf("enrol: read certificate %d: %w", len(out)+1, err)
		}
		out = append(out, c)
	}
	if len(out) == 0 {
		return nil, errCerts
	}
	return out, nil
}
