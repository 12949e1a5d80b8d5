package est

import (
	"context"
	"crypto/x509"
	"time"

	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/enrol"
	"github.com/penjire/penjire/sync/ledger"
)

// shown is a kiosk that has shown its certificate for the connection.
type shown struct {
	kiosk string
	cert  *x509.Certificate
	late  bool // it has expired, not too long ago
}

// known checks a certificate for the connection, whose key the other end has. One
// that has expired is good for a renewal and no more, for a bounded time.
func (s *Service) known(ctx context.Context, chain []*x509.Certificate) (shown, error) {
	if len(chain) == 0 {
		return shown{}, enrol.NoCert
	}
	cert, now := chain[0], s.now()
	k := shown{kiosk: trust.DeviceID(cert), cert: cert, late: now.After(cert.NotAfter)}
	at := now
	if k.late {
		at = cert.NotAfter
	}
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	between.AddCert(s.c.Issuer.Cert)
	_, err := cert.Verify(x509.VerifyOptions{
		Roots: s.c.Devices, Intermediates: between, CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	if err != nil || k.kiosk == "" {
		return shown{}, enrol.CertForeign
	}
	r := s.c.Bundle().CheckCert(cert, trust.UseDevice, at, true, now)
	if r.Centre == nil || r.Centre.Kind != trust.KindInfrastructure || r.Centre.State != trust.Working {
		return shown{}, enrol.CertForeign
	}
	revoked, err := s.c.Ledger.CertRevoked(ctx, ledger.Serial(cert))
	switch {
	case err != nil:
		return shown{}, err
	case revoked, r.Revocation.Verdict == trust.No:
		return shown{}, enrol.CertRevoked
	case k.late && now.Sub(cert.NotAfter) > s.c.Grace:
		return shown{}, enrol.CertExpired
	}
	return k, nil
}

// byCert issues a certificate to a kiosk that has shown one.
func (s *Service) byCert(ctx context.Context, k shown, use string, r enrol.Request) (*x509.Certificate, error) {
	serial := ledger.Serial(k.cert)
	out, err := s.issue(ctx, ledger.Asking{At: s.now(), Earlier: &serial, Kiosk: k.kiosk}, k.kiosk, map[string]enrol.Request{use: r},
		func(_ string, r enrol.Request) bool { return r.Software || trust.SoftwareKey(k.cert) })
	return out[use], err
}

// byKey renews a certificate of a key that is in the ledger, by stick: the request
// is signed with it.
func (s *Service) byKey(ctx context.Context, kiosk, use string, r enrol.Request) (*x509.Certificate, error) {
	all, err := s.c.Ledger.Certificates(ctx, kiosk)
	if err != nil {
		return nil, err
	}
	for _, c := range all { // the newest first
		if c.Use != use || c.Key != r.KeyID {
			continue
		}
		now := s.now()
		switch {
		case !c.Revoked.IsZero():
			return nil, enrol.CertRevoked
		case now.After(c.Until.Add(s.c.Grace)):
			return nil, enrol.CertExpired
		}
		cert, err := x509.ParseCertificate(c.DER)
		if err != nil {
			return nil, err
		}
		if c.Until.Sub(now) > fresh(c.Until.Sub(c.From)) {
			return cert, nil // the file was brought twice
		}
		return s.byCert(ctx, shown{kiosk: kiosk, cert: cert}, use, r)
	}
	return nil, enrol.NoCert
}

// fresh is how much of its life a certificate has left that is not renewed yet: a
// kiosk asks when a third is left.
func fresh(life time.Duration) time.Duration { return life / 2 }
