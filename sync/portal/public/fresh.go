package public

import (
	"context"
	"crypto/x509"
	"slices"
	"time"

	"github.com/penjire/penjire/sync/edoc/seal"
	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/ledger"
)

// verified verifies a seal by the trust bundle and, where that does not list a kiosk
// yet, by the certificates that this portal issued to it: they lead to a centre of the
// bundle like those that it lists. fresh says that it was so. What this portal revoked
// is revoked, whether the register knows it or not.
func (p *Pages) verified(ctx context.Context, s *seal.Sealed, b *trust.Bundle, now time.Time) (found seal.Report, fresh bool, err error) {
	field, lists := p.portal.Catalogue().FieldOf(s.Service), p.portal.RevokedSeals()
	found = s.VerifyIn(field, b, now, lists)
	if s.Kind != seal.Receipt || found.Verdict != trust.Yes && found.Reason != seal.ReasonUnknownSigner {
		return found, false, nil
	}
	issued, err := p.portal.Ledger().Certificates(ctx, s.Issuer)
	if err != nil {
		return found, false, err
	}
	if found.Reason == seal.ReasonUnknownSigner {
		more := *b
		more.SealSigners = slices.Clone(b.SealSigners)
		for _, c := range issued {
			if c.Use != ledger.CertSigning {
				continue
			}
			cert, err := x509.ParseCertificate(c.DER)
			if err != nil {
				return found, false, err
			}
			more.SealSigners = append(more.SealSigners, cert)
		}
		found, fresh = s.VerifyIn(field, &more, now, lists), true
	}
	if found.Verdict == trust.Yes && slices.ContainsFunc(issued, func(c ledger.Certificate) bool {
		return !c.Revoked.IsZero() && c.Serial == ledger.Serial(found.SignerCert)
	}) {
		found.Finding = trust.Finding{Verdict: trust.No, Reason: trust.ReasonRevoked}
	}
	return found, fresh && found.SignerCert != nil, nil
}
