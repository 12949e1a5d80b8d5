package est

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"slices"

	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/ledger"
)

// Unlisted returns the certificates for signing that this portal issued, that are in
// force, and that the trust bundle does not list yet, by kiosk: nobody but the portal
// can check a seal of theirs.
func (s *Service) Unlisted(ctx context.Context) ([]*x509.Certificate, error) {
	all, err := s.c.Ledger.Certificates(ctx, "")
	if err != nil {
		return nil, fmt.Errorf("est: list what the register has to take: %w", err)
	}
	listed, now := s.c.Bundle().SealSigners, s.now()
	var out []*x509.Certificate
	for _, c := range all {
		if c.Use != ledger.CertSigning || !c.Revoked.IsZero() || now.After(c.Until) {
			continue
		}
		cert, err := x509.ParseCertificate(c.DER)
		if err != nil {
			return nil, fmt.Errorf("est: read a certificate that was kept: %w", err)
		}
		if !trust.Listed(listed, cert) {
			out = append(out, cert)
		}
	}
	slices.SortStableFunc(out, func(a, b *x509.Certificate) int {
		return bytes.Compare([]byte(trust.DeviceID(a)), []byte(trust.DeviceID(b)))
	})
	return out, nil
}

// ForRegister returns what the register has to take into the next trust bundle, in
// PEM: Unlisted, and the newest list of revoked certificates. It needs no protection on
// its way: each part is signed by the centre that the bundle has.
func (s *Service) ForRegister(ctx context.Context) ([]byte, error) {
	certs, err := s.Unlisted(ctx)
	if err != nil {
		return nil, err
	}
	crl, err := s.CRL(ctx)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	for _, c := range certs {
		b.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
	}
	b.Write(pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: crl}))
	return b.Bytes(), nil
}
