package kiosk

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"

	"github.com/penjire/penjire/firmware/enrol"
	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/uplink"
)

// portalTLS returns how the kiosk knows the portal, and shows who it is itself.
//
// The portal's certificate has to be good at the kiosk's time. While that time
// is only a claim it may also be good at the last moment that is signed for: a
// machine's clock that says 2099 must not lock the kiosk out of the only place
// that can tell it better. What an outdated certificate could gain by that is
// little: requests are sealed to the portal, receipts and times are signed.
func (k *Kiosk) portalTLS(roots []*x509.Certificate) *tls.Config {
	pool := x509.NewCertPool()
	for _, r := range roots {
		pool.AddCert(r)
	}
	return &tls.Config{
		ServerName: k.s.Portal.ServerName, Certificates: []tls.Certificate{k.ident.Load().TLS()}, MinVersion: tls.VersionTLS13,
		GetClientCertificate: func(r *tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return uplink.ShowAlone(k.ident.Load().TLS())(r) // it may have been renewed
		},
		// crypto/tls can check at one time only; enrol.IsPortal checks all the rest, too.
		InsecureSkipVerify: true, //nolint:gosec // VerifyConnection verifies every connection
		VerifyConnection: func(cs tls.ConnectionState) error {
			return enrol.IsPortal(cs.PeerCertificates, k.centres(), pool, k.s.Portal.ServerName, k.clock.Now(), k.clock.Signed())
		},
	}
}

// centres returns the certificates of the bundle's centres for machines, which a
// portal then need not show.
func (k *Kiosk) centres() []*x509.Certificate {
	var out []*x509.Certificate
	if b := k.know.trust(); b != nil {
		for _, c := range b.Centres {
			if c.Kind == trust.KindInfrastructure {
				out = append(out, c.Cert)
			}
		}
	}
	return out
}

// isOurs checks that a certificate is of the kiosk that the settings name: with
// another's, everything that citizens were told is accepted would be refused by
// the portal.
func (k *Kiosk) isOurs(cert *x509.Certificate) error {
	if id := trust.DeviceID(cert); id != k.s.Kiosk {
		return fmt.Errorf("kiosk: the settings are for %s, but a certificate is of %q", k.s.Kiosk, id)
	}
	return nil
}
