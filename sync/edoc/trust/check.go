package trust

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"slices"
	"time"

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
	Chain         Finding // issued by a centre of the bundle, in force, within its limits
	Revocation    Finding
	RevocationAge time.Duration // age of the list that says so; 0 if there is none
	Centre        *Centre       // nil if none
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
// that time; without it the certificate must be good now too (spec 6).
func (b *Bundle) CheckCert(cert *x509.Certificate, use Use, at time.Time, proven bool, now time.Time) CertReport {
	r := CertReport{Revocation: Finding{Unknown, ReasonNoCRL}}
	r.Centre = b.centreOf(cert)
	switch {
	case r.Centre == nil:
		r.Chain = Finding{No, ReasonForeign}
		return r
	case cert.IsCA || len(cert.UnhandledCriticalExtensions) > 0:
		r.Chain = Finding{No, ReasonMalformed}
	case !strongKey(cert):
		r.Chain = Finding{No, ReasonWeakKey}
	case !b.allowed(cert, r.Centre, use):
		r.Chain = Finding{No, ReasonWrongUse}
	default:
		r.Chain = inForce(cert, r.Centre, at, proven, now)
	}
	r.Revocation, r.RevocationAge = b.revocation(cert, r.Centre, at, proven, now)
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

// centreOf returns the centre that issued cert: by name and by signature.
func (b *Bundle) centreOf(cert *x509.Certificate) *Centre {
	for i := range b.Centres {
		c := &b.Centres[i]
		if bytes.Equal(cert.RawIssuer, c.Cert.RawSubject) && cert.CheckSignatureFrom(c.Cert) == nil {
			return c
		}
	}
	return nil
}

func strongKey(cert *x509.Certificate) bool {
	switch key := cert.PublicKey.(type) {
	case *ecdsa.PublicKey:
		return key.Curve == elliptic.P256() || key.Curve == elliptic.P384()
	case *rsa.PublicKey:
		return key.N.BitLen() >= 2048
	}
	return false
}

// allowed says whether use is within the certificate's limits (ED-29).
func (b *Bundle) allowed(cert *x509.Certificate, c *Centre, use Use) bool {
	binding := cert.KeyUsage&x509.KeyUsageContentCommitment != 0
	signing := cert.KeyUsage&x509.KeyUsageDigitalSignature != 0
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

// Listed reports whether list holds cert itself, byte for byte.
func Listed(list []*x509.Certificate, cert *x509.Certificate) bool {
	return slices.ContainsFunc(list, cert.Equal)
}

// inForce says whether the certificate, and its centre, were in force.
func inForce(cert *x509.Certificate, c *Centre, at time.Time, proven bool, now time.Time) Finding {
	over := c.State != Working && (!at.Before(c.Since) || !proven)
	switch {
	case at.Before(cert.NotBefore) && proven:
		return Finding{No, ReasonNotYet}
	case at.Before(cert.NotBefore):
		return Finding{Unknown, ReasonNotYet} // a clock that is wrong proves nothing
	case at.After(cert.NotAfter):
		return Finding{No, ReasonExpired}
	case !proven && now.Before(cert.NotBefore):
		return Finding{Unknown, ReasonNotYet}
	case !proven && now.After(cert.NotAfter):
		return Finding{Unknown, ReasonExpiredSince}
	case over && c.State == Suspended:
		return Finding{Unknown, ReasonCentreSuspended}
	case over, at.After(c.Cert.NotAfter):
		return Finding{No, ReasonCentreEnded}
	}
	return Finding{Yes, ReasonOK}
}
