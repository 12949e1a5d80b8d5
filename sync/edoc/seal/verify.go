package seal

import (
	"bytes"
	"crypto/x509"
	"time"

	"github.com/veraison/go-cose"

	"github.com/penjire/penjire/sync/edoc/trust"
)

// The reasons of a [Report] besides those of package trust.
const (
	ReasonUnknownSigner = "seal.unknown_signer" // no certificate of the bundle fits
	ReasonBroken        = "seal.broken"         // the signature does not verify
	ReasonNotIssuer     = "seal.not_issuer"     // signed by another than it says
	ReasonRevoked       = "seal.revoked"
	ReasonExpired       = "seal.expired"
)

// Report is what checking a seal found. Its Finding says whether the seal is
// genuine; whether the paper is, people see by comparing the facts.
type Report struct {
	trust.Finding
	Revocation    trust.Finding // of the signer's certificate
	RevocationAge time.Duration // of the older of the two lists: certificates and seals
	SignerName    string        // of the agency or kiosk; "" if not known
	SignerCert    *x509.Certificate
}

// Verify checks the seal against b, and the portals' lists of revoked seals that
// are known (nil is none), as known now. The date in a seal is its signer's word:
// the certificate must be good now too.
func (s *Sealed) Verify(b *trust.Bundle, now time.Time, revoked ...*trust.RevokedSeals) Report {
	return s.VerifyIn("", b, now, revoked...)
}

// VerifyIn is Verify for a seal whose service is in that field, by the
// catalogue: a certificate may be limited to fields (edoc.md, section 8.1).
// Where the field is not known, it is "", such a limit is ReasonLimitUnjudged.
func (s *Sealed) VerifyIn(field string, b *trust.Bundle, now time.Time, revoked ...*trust.RevokedSeals) Report {
	r := Report{Revocation: trust.Finding{Verdict: trust.Unknown, Reason: trust.ReasonNoCRL}}
	no := func(reason string) Report {
		r.Finding = trust.Finding{Verdict: trust.No, Reason: reason}
		return r
	}
	use, list, idOf := trust.UseAgency, b.Agencies, trust.AgencyID
	if s.Kind == Receipt {
		use, list, idOf = trust.UseDevice, b.SealSigners, trust.DeviceID
	}
	for _, c := range list {
		if bytes.Equal(kidOf(c), s.kid) {
			r.SignerCert = c
		}
	}
	if r.SignerCert == nil {
		return no(ReasonUnknownSigner)
	}
	if !s.signedBy(r.SignerCert) {
		return no(ReasonBroken)
	}
	r.SignerName = trust.Name(r.SignerCert).Reveal()
	if idOf(r.SignerCert) != s.Issuer {
		return no(ReasonNotIssuer)
	}
	cr := b.CheckCert(r.SignerCert, use, s.Date, false, now)
	r.Finding, r.Revocation = cr.Worst(), cr.Revocation
	issued := b.Issued
	for _, l := range revoked {
		if l != nil && l.Issued.After(issued) {
			issued = l.Issued
		}
	}
	r.RevocationAge = max(cr.RevocationAge, now.Sub(issued))
	if r.Verdict != trust.Yes {
		return r
	}
	id := s.ID()
	for _, other := range b.RevokedSeals {
		if bytes.Equal(other, id[:]) {
			return no(ReasonRevoked)
		}
	}
	for _, l := range revoked {
		if l.Has(id) {
			return no(ReasonRevoked)
		}
	}
	if !s.Expires.IsZero() && now.After(s.Expires) {
		return no(ReasonExpired)
	}
	if cr.Limits != nil {
		switch trust.Covers(cr.Limits.Services, s.Service, field) {
		case trust.No:
			return no(trust.ReasonLimitService)
		case trust.Unknown:
			r.Finding = trust.Finding{Verdict: trust.Unknown, Reason: trust.ReasonLimitUnjudged}
		}
	}
	return r
}

func (s *Sealed) signedBy(cert *x509.Certificate) bool {
	v, err := cose.NewVerifier(cose.AlgorithmES256, cert.PublicKey)
	if err != nil {
		return false
	}
	var msg cose.Sign1Message
	return msg.UnmarshalCBOR(s.raw) == nil && msg.Verify(aad, v) == nil
}
