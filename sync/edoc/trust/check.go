package trust

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"slices"
	"time"

	"github.com/penjire/penjire/sync/edoc/cms"
	"github.com/penjire/penjire/sync/edoc/tsp"
)

// Use is what a certificate is to be used for.
type Use string

// The uses. What each demands is in allowed.
const (
	UseCitizenSign Use = "citizen-sign" // 9C: binding signatures of a person
	UseCitizenAuth Use = "citizen-auth" // 9A, 9E: to show who one is
	UseAgency      Use = "agency"       // answers and certified copies
	UseDevice      Use = "device"       // a kiosk as intermediary
	UsePortal      Use = "portal"       // receipts, beacons
	UseRegister    Use = "register"     // catalogue and trust bundle
	UseTSA         Use = "tsa"          // time stamps
)

// CertReport is what is known of a certificate: two answers, never one.
type CertReport struct {
	Chain          Finding // issued by a centre of the bundle, in force, within its key usage
	Revocation     Finding // of the certificate and of the centres above it
	RevocationAge  time.Duration
	RevocationFrom Source  // where the newest knowledge of the certificate came from
	Centre         *Centre // that issued it; nil if none
	Limits         *Limits // nil if the certificate has none
}

// Worst returns what keeps the certificate from being accepted, or a yes: a
// Chain that is not yes, else a Revocation that is no, else Chain.
func (r CertReport) Worst() Finding {
	if r.Chain.Verdict != Yes {
		return r.Chain
	}
	if r.Revocation.Verdict == No {
		return r.Revocation
	}
	return r.Chain
}

// CheckCert says whether cert was good for use at the time at, as known now.
// proven says whether something trusted shows that what was signed existed at
// that time; without it the certificate must be good now too (ED-VER-3).
func (b *Bundle) CheckCert(cert *x509.Certificate, use Use, at time.Time, proven bool, now time.Time) CertReport {
	return b.Check(cert, At(use, at, proven, now))
}

// Check answers q about cert.
func (b *Bundle) Check(cert *x509.Certificate, q Query) CertReport {
	r := CertReport{Revocation: Finding{Unknown, ReasonNoCRL}}
	up := b.path(cert, q)
	if len(up) == 0 {
		r.Chain = Finding{No, ReasonForeign}
		return r
	}
	r.Centre = up[0]
	limits, understood := readLimits(cert)
	r.Limits = limits
	switch {
	case cert.IsCA || !understood:
		r.Chain = Finding{No, ReasonMalformed}
	case cms.CheckKey(cert) != nil:
		r.Chain = Finding{No, ReasonWeakKey}
	case !b.allowed(cert, r.Centre, q.Use):
		r.Chain = Finding{No, ReasonWrongUse}
	case !inOrder(up):
		r.Chain = Finding{No, ReasonCentrePath}
	default:
		r.Chain = inForce(cert, q)
		for _, c := range up {
			if f := c.working(q); r.Chain.Verdict == Yes || r.Chain.Verdict == Unknown && f.Verdict == No {
				r.Chain = f
			}
		}
	}
	r.Revocation, r.RevocationAge, r.RevocationFrom = b.revocation(cert, r.Centre, q)
	for i, c := range up[1:] {
		// A centre below is a certificate of the centre above.
		f, _, _ := b.revocation(up[i].Cert, c, q)
		switch {
		case f.Verdict == No:
			r.Revocation = Finding{No, ReasonCentreRevoked}
		case f.Verdict == Unknown && r.Revocation.Verdict == Yes:
			r.Revocation = f
		}
	}
	return r
}

// CheckCard says whether the certificate of a card may be used now. A clock
// that is behind the bundle is wrong by so much: the bundle's time is taken.
func (b *Bundle) CheckCard(cert *x509.Certificate, use Use, now time.Time) CertReport {
	if now.Before(b.Issued) {
		now = b.Issued
	}
	return b.CheckCert(cert, use, now, true, now)
}

// allowed says whether use is within the certificate's key usage (ED-29).
func (b *Bundle) allowed(cert *x509.Certificate, c *Centre, use Use) bool {
	binding := cert.KeyUsage&x509.KeyUsageContentCommitment != 0
	signing := cert.KeyUsage&x509.KeyUsageDigitalSignature != 0
	if use != UseTSA && use != UseCitizenAuth && !forDocuments(cert) {
		return false
	}
	switch use {
	case UseCitizenSign:
		return c.Kind == KindCitizens && binding
	case UseCitizenAuth:
		return c.Kind == KindCitizens && signing
	case UseAgency:
		return c.Kind == KindAgencies && binding && Listed(b.Agencies, cert)
	case UseDevice:
		return c.Kind == KindInfrastructure && binding && hasRole(cert, roleDevice)
	case UsePortal:
		return c.Kind == KindInfrastructure && binding && Listed(b.Portals, cert)
	case UseRegister:
		return c.Kind == KindInfrastructure && binding && hasRole(cert, roleRegister)
	case UseTSA:
		return c.Kind == KindInfrastructure && tsp.IsTSA(cert) && Listed(b.TSA, cert)
	}
	return false
}

// forDocuments says whether a certificate may sign documents by its extended key
// usage: one that is critical has to allow it (RFC 5280 4.2.1.12), as any use,
// that of mail, which CMS was made for, or that of documents (RFC 9336).
func forDocuments(cert *x509.Certificate) bool {
	critical := slices.ContainsFunc(cert.Extensions, func(e pkix.Extension) bool { return e.Critical && e.Id.Equal(oidExtKeyUsage) })
	return !critical || slices.Contains(cert.ExtKeyUsage, x509.ExtKeyUsageAny) || slices.Contains(cert.ExtKeyUsage, x509.ExtKeyUsageEmailProtection) ||
		slices.ContainsFunc(cert.UnknownExtKeyUsage, oidDocumentSigning.Equal)
}

var (
	oidExtKeyUsage     = asn1.ObjectIdentifier{2, 5, 29, 37}
	oidDocumentSigning = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 36}
)

// Listed reports whether list holds cert itself, byte for byte.
func Listed(list []*x509.Certificate, cert *x509.Certificate) bool {
	return slices.ContainsFunc(list, cert.Equal)
}

// inForce says whether the certificate was in force (ED-VER-2, ED-VER-3).
func inForce(cert *x509.Certificate, q Query) Finding {
	switch {
	case q.To.Before(cert.NotBefore) && q.Proven:
		return Finding{No, ReasonNotYet}
	case q.From.Before(cert.NotBefore), !q.Proven && q.Now.Before(cert.NotBefore):
		return Finding{Unknown, ReasonNotYet} // a clock that is wrong proves nothing
	}
	over := cert.NotAfter.Add(1) // it is in force until its last moment
	switch p := q.of(over); {
	case p == before:
		return Finding{No, ReasonExpired}
	case p == within:
		return Finding{Unknown, ReasonExpiredBetween}
	case p == unasked && !q.Now.Before(over):
		return Finding{Unknown, ReasonExpiredSince}
	}
	return Finding{Yes, ReasonOK}
}
