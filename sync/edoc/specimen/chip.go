package specimen

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"fmt"

	"github.com/penjire/penjire/sync/edoc/trust"
)

// CertifyDevice certifies two keys of a kiosk that are in a chip, for signing and
// for TLS, and reissues the bundle. The identities have no Key.
func (w *World) CertifyDevice(id string, signing, tls crypto.PublicKey) (Device, error) {
	name := subject("SPECIMEN Kiosk " + id)
	name.OrganizationalUnit, name.SerialNumber = []string{trust.UnitKiosk}, id
	s, c := w.leaf(name, binding), w.leaf(name, x509.KeyUsageDigitalSignature)
	s.Policies = []x509.OID{trust.PolicyDevice()}
	c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	d := Device{ID: id}
	for _, k := range []struct {
		t   *x509.Certificate
		pub crypto.PublicKey
		to  *Identity
	}{{s, signing, &d.Signing}, {c, tls, &d.TLS}} {
		der, err := x509.CreateCertificate(rand.Reader, k.t, w.Infrastructure.Cert, k.pub, w.Infrastructure.Key)
		if err != nil {
			return Device{}, fmt.Errorf("specimen: certify a key of kiosk %s: %w", id, err)
		}
		if k.to.Cert, err = x509.ParseCertificate(der); err != nil {
			return Device{}, fmt.Errorf("specimen: certify a key of kiosk %s: %w", id, err)
		}
		k.to.Chain = append([]*x509.Certificate{w.Infrastructure.Cert}, w.Infrastructure.Chain...)
	}
	w.devices = append(w.devices, d)
	return d, w.Reissue()
}
