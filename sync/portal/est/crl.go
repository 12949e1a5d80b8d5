package est

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"math/big"
	"time"
)

// listLife is for how long a list of revoked certificates is current.
const listLife = 30 * 24 * time.Hour

// CRL returns the issuer's list of revoked certificates as of now: for the trust
// bundle, by which others than the portal learn of them. Its number is the time, so
// that it rises wherever it is made.
func (s *Service) CRL(ctx context.Context) ([]byte, error) {
	all, err := s.c.Ledger.Certificates(ctx, "")
	if err != nil {
		return nil, fmt.Errorf("est: make a revocation list: %w", err)
	}
	now := s.now()
	t := &x509.RevocationList{Number: big.NewInt(now.Unix()), ThisUpdate: now, NextUpdate: now.Add(listLife)}
	for _, c := range all {
		if !c.Revoked.IsZero() {
			t.RevokedCertificateEntries = append(t.RevokedCertificateEntries, x509.RevocationListEntry{
				SerialNumber: new(big.Int).SetBytes(c.Serial[:]), RevocationTime: c.Revoked,
			})
		}
	}
	der, err := x509.CreateRevocationList(rand.Reader, t, s.c.Issuer.Cert, s.c.Issuer.Key)
	if err != nil {
		return nil, fmt.Errorf("est: make a revocation list: %w", err)
	}
	return der, nil
}
