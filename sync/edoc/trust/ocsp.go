package trust

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"slices"
	"time"

	"golang.org/x/crypto/ocsp"

	"github.com/penjire/penjire/sync/edoc/cms"
)

// The parts of a response that package ocsp does not hand on (RFC 6960 4.2.1);
// what follows them in a SEQUENCE is passed over.
type (
	ocspResponse struct {
		Status asn1.Enumerated
		Bytes  struct {
			Type     asn1.ObjectIdentifier
			Response []byte
		} `asn1:"explicit,tag:0"`
	}
	ocspBasic struct {
		Data struct {
			Version   int           `asn1:"optional,default:0,explicit,tag:0"`
			Responder asn1.RawValue // [1] name or [2] key
			Produced  asn1.RawValue
			Responses []ocspSingle
		}
		Algorithm    pkix.AlgorithmIdentifier
		Signature    asn1.BitString
		Certificates []asn1.RawValue `asn1:"explicit,tag:0,optional"`
	}
	ocspSingle struct {
		ID struct {
			Hash     pkix.AlgorithmIdentifier
			NameHash []byte
			KeyHash  []byte
			Serial   *big.Int
		}
	}
)

// response reads an OCSP response about cert; false if it is not about cert, or
// neither centre c signed it nor a responder to whom c gave that, and whom no
// list in known cancels.
func (b *Bundle) response(x *response, cert *x509.Certificate, c *Centre, known []*crl, now time.Time) (statement, bool) {
	basic := x.read()
	if basic == nil || !basic.about(cert, c.Cert) {
		return statement{}, false
	}
	r, err := ocsp.ParseResponseForCert(x.der, cert, c.Cert)
	if err != nil || weakDigest(r.SignatureAlgorithm) || !b.mayState(c, r.ThisUpdate, now) {
		return statement{}, false
	}
	for _, e := range r.Extensions {
		if e.Critical {
			return statement{}, false
		}
	}
	if d := r.Certificate; d != nil && !d.Equal(c.Cert) && !b.responder(d, c, r, known) {
		return statement{}, false
	}
	s := statement{this: r.ThisUpdate, next: r.NextUpdate, from: FromOCSP}
	if s.next.IsZero() {
		s.next = s.this // no promise: it is good for the time it speaks of
	}
	for _, e := range r.Extensions {
		// Else «good» says nothing of a certificate that was over (RFC 6960 2.2).
		if e.Id.Equal(oidArchiveCutoff) {
			if _, err := asn1.UnmarshalWithParams(e.Value, &s.keeps, "generalized"); err != nil {
				return statement{}, false
			}
		}
	}
	switch r.Status {
	case ocsp.Good:
		s.status = good
	case ocsp.Revoked:
		s.status, s.since = cancelled, r.RevokedAt
		if r.RevocationReason == ocsp.CertificateHold {
			s.status = held
		}
		s.lost = s.status == cancelled && !orderly(r.RevocationReason)
	default:
		s.status = unheard
	}
	return s, true
}

// responder says whether d may answer for centre c: c itself certified it for
// that and nothing else is asked of it (RFC 6960 4.2.2.2). Package ocsp has
// checked c's signature over it.
func (b *Bundle) responder(d *x509.Certificate, c *Centre, r *ocsp.Response, known []*crl) bool {
	switch {
	case !bytes.Equal(d.RawIssuer, c.Cert.RawSubject), d.IsCA, len(d.UnhandledCriticalExtensions) > 0, cms.CheckKey(d) != nil,
		!slices.Contains(d.ExtKeyUsage, x509.ExtKeyUsageOCSPSigning),
		r.ProducedAt.Before(d.NotBefore), r.ProducedAt.After(d.NotAfter):
		return false
	}
	return !slices.ContainsFunc(known, func(l *crl) bool { return l.says(d, FromBundle).status != good })
}

// oidArchiveCutoff is the extension by which a responder says back to when it
// knows of certificates that are over (RFC 6960 4.4.4).
var oidArchiveCutoff = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 6}

// About reports whether der is an OCSP response about that certificate of that
// issuer. It does not check who signed it.
func About(der []byte, cert, issuer *x509.Certificate) bool {
	if len(der) > maxResponse {
		return false
	}
	basic := (&response{der: der}).read()
	return basic != nil && basic.about(cert, issuer)
}

// about says whether a response is about cert of that issuer: package ocsp
// compares the serial number alone, and every centre has a number 1.
func (o *ocspBasic) about(cert, issuer *x509.Certificate) bool {
	var spki struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}
	if _, err := asn1.Unmarshal(issuer.RawSubjectPublicKeyInfo, &spki); err != nil {
		return false
	}
	for _, s := range o.Data.Responses {
		h := hashOf(s.ID.Hash.Algorithm)
		if s.ID.Serial == nil || s.ID.Serial.Cmp(cert.SerialNumber) != 0 {
			continue
		}
		if h != 0 && bytes.Equal(s.ID.NameHash, digest(h, issuer.RawSubject)) && bytes.Equal(s.ID.KeyHash, digest(h, spki.Key.Bytes)) {
			return true
		}
		return false // package ocsp takes the first of that number
	}
	return false
}

// weakDigest reports whether signatures are made with a digest for which
// collisions are made.
func weakDigest(a x509.SignatureAlgorithm) bool {
	switch a {
	case x509.MD2WithRSA, x509.MD5WithRSA, x509.SHA1WithRSA, x509.DSAWithSHA1, x509.ECDSAWithSHA1:
		return true
	}
	return false
}

// hashOf returns the digest by which a response names the centre: SHA-1 does
// here, it protects nothing.
func hashOf(oid asn1.ObjectIdentifier) crypto.Hash {
	switch oid.String() {
	case "1.3.14.3.2.26":
		return crypto.SHA1
	case "2.16.840.1.101.3.4.2.1":
		return crypto.SHA256
	case "2.16.840.1.101.3.4.2.2":
		return crypto.SHA384
	case "2.16.840.1.101.3.4.2.3":
		return crypto.SHA512
	}
	return 0
}

func digest(h crypto.Hash, b []byte) []byte {
	d := h.New()
	d.Write(b)
	return d.Sum(nil)
}
