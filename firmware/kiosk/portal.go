package kiosk

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"

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
		ServerName: k.s.Portal.ServerName, Certificates: []tls.Certificate{k.ident.TLS()}, MinVersion: tls.VersionTLS13,
		GetClientCertificate: uplink.ShowAlone(k.ident.TLS()),
		// crypto/tls can check at one time only; isPortal checks all the rest, too.
		InsecureSkipVerify: true, //nolint:gosec // VerifyConnection verifies every connection
		VerifyConnection: func(cs tls.ConnectionState) error {
			return isPortal(cs.PeerCertificates, k.centres(), pool, k.s.Portal.ServerName, k.clock.Now(), k.clock.Signed())
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

// isPortal verifies the chain that a server shows, and the centres that are known
// besides, as crypto/tls would, at the
// first of times, and at the next one where only its validity was in the way.
func isPortal(chain, known []*x509.Certificate, roots *x509.CertPool, name string, times ...time.Time) error {
	if len(chain) == 0 {
		return errors.New("kiosk: the portal shows no certificate")
	}
	o := x509.VerifyOptions{Roots: roots, DNSName: name, Intermediates: x509.NewCertPool()}
	for _, c := range slices.Concat(chain[1:], known) {
		o.Intermediates.AddCert(c)
	}
	var err error
	for _, o.CurrentTime = range times {
		_, err = chain[0].Verify(o)
		var invalid x509.CertificateInvalidError
		if err == nil || !errors.As(err, &invalid) || invalid.Reason != x509.Expired {
			break
		}
	}
	if err != nil {
		return &tls.CertificateVerificationError{UnverifiedCertificates: chain, Err: err}
	}
	return nil
}
