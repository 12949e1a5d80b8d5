package est

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"time"

	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/enrol"
	"github.com/penjire/penjire/sync/ledger"
)

// early is how far before its issue a certificate is good: kiosks' clocks differ.
const early = time.Hour

// issue has the ledger store certificates for what is asked, by use.
func (s *Service) issue(ctx context.Context, a ledger.Asking, kiosk string, asked map[string]enrol.Request, software func(use string, r enrol.Request) bool) (map[string]*x509.Certificate, error) {
	uses := slices.Sorted(maps.Keys(asked))
	for _, use := range uses {
		if k := asked[use].Kiosk; k != "" && k != kiosk {
			return nil, enrol.CodeOther
		}
		a.Want = append(a.Want, ledger.Wanted{Use: use, Key: asked[use].KeyID})
	}
	kept, err := s.c.Ledger.Issue(ctx, a, func(kiosk string, _ *ledger.Code, want []ledger.Wanted) (out []ledger.Certificate, err error) {
		for _, w := range want {
			r := asked[w.Use]
			c, err := s.certify(kiosk, w.Use, r, software(w.Use, r), a.At)
			if err != nil {
				return nil, err
			}
			out = append(out, c)
		}
		return out, nil
	})
	if err != nil {
		return nil, refusal(err)
	}
	out := map[string]*x509.Certificate{}
	for _, k := range kept {
		if out[k.Use], err = x509.ParseCertificate(k.DER); err != nil {
			return nil, fmt.Errorf("est: read a certificate that was kept: %w", err)
		}
		s.c.Log.Info("est: a certificate was given", "kiosk", k.Kiosk, "use", k.Use, "serial", fmt.Sprintf("%x", k.Serial), "until", k.Until,
			"again", !k.Issued.Equal(a.At))
	}
	return out, nil
}

// refusal says the ledger's errors as kiosks are told them.
func refusal(err error) error {
	for from, to := range map[error]*enrol.Refusal{
		ledger.ErrNoCode: enrol.NoCode, ledger.ErrCodeExpired: enrol.CodeExpired,
		ledger.ErrCodeUsed: enrol.CodeUsed, ledger.ErrCertRevoked: enrol.CertRevoked,
	} {
		if errors.Is(err, from) {
			return to
		}
	}
	return err
}

// certify makes a certificate: like those that the register issues to kiosks.
func (s *Service) certify(kiosk, use string, r enrol.Request, software bool, at time.Time) (ledger.Certificate, error) {
	var serial [20]byte
	_, _ = rand.Read(serial[1:]) // never fails; the first byte keeps it positive
	serial[1] |= 1 << 6          // of one length
	t := &x509.Certificate{
		SerialNumber: new(big.Int).SetBytes(serial[:]),
		Subject: pkix.Name{
			Country: s.c.Issuer.Cert.Subject.Country, Organization: s.c.Issuer.Cert.Subject.Organization,
			OrganizationalUnit: []string{trust.UnitKiosk}, CommonName: "Kiosk " + kiosk, SerialNumber: kiosk,
		},
		NotBefore: at.Add(-early), BasicConstraintsValid: true,
	}
	life := s.c.Identity
	switch use {
	case ledger.CertIdentity:
		t.KeyUsage, t.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	case ledger.CertSigning:
		life = s.c.Signing
		t.KeyUsage, t.Policies = x509.KeyUsageContentCommitment, []x509.OID{trust.PolicyDevice()}
	default:
		return ledger.Certificate{}, fmt.Errorf("est: issue a certificate: there is no use %q", use)
	}
	if software {
		t.Policies = append(t.Policies, trust.PolicySoftwareKey())
	}
	t.NotAfter = at.Add(life)
	if end := s.c.Issuer.Cert.NotAfter; t.NotAfter.After(end) {
		t.NotAfter = end
	}
	if !t.NotAfter.After(at) {
		return ledger.Certificate{}, fmt.Errorf("est: issue a certificate: that of the centre itself ended on %s", s.c.Issuer.Cert.NotAfter.Format(time.DateOnly))
	}
	if t.NotBefore.Before(s.c.Issuer.Cert.NotBefore) {
		t.NotBefore = s.c.Issuer.Cert.NotBefore
	}
	der, err := x509.CreateCertificate(rand.Reader, t, s.c.Issuer.Cert, r.Key, s.c.Issuer.Key)
	if err != nil {
		return ledger.Certificate{}, fmt.Errorf("est: issue a certificate: %w", err)
	}
	return ledger.Certificate{Serial: serial, Use: use, Key: r.KeyID, From: t.NotBefore, Until: t.NotAfter, DER: der}, nil
}

// chain returns a certificate with its issuers, without the root.
func (s *Service) chain(c *x509.Certificate) []*x509.Certificate {
	out := []*x509.Certificate{c, s.c.Issuer.Cert}
	for _, up := range s.c.Issuer.Chain {
		if up.CheckSignatureFrom(up) != nil {
			out = append(out, up)
		}
	}
	return out
}
