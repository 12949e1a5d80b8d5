package portal

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"

	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/specimen"
	"github.com/penjire/penjire/sync/edoc/trust"
)

// limited certifies citizen-1 once more, with limits.
func (w *world) limited(l trust.Limits) edoc.Signer {
	w.t.Helper()
	c, _ := w.Card("citizen-1")
	old := c.Slots[specimen.SlotSign].Cert
	value, id, err := trust.LimitsExtension(l)
	if err != nil {
		w.t.Fatal(err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		w.t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		RawSubject: old.RawSubject, KeyUsage: old.KeyUsage, NotBefore: old.NotBefore, NotAfter: old.NotAfter, BasicConstraintsValid: true,
		ExtraExtensions: []pkix.Extension{{Id: id, Critical: true, Value: value}},
	}, w.Citizens.Cert, key.Public(), w.Citizens.Key)
	if err != nil {
		w.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		w.t.Fatal(err)
	}
	return edoc.Signer{Key: key, Cert: cert}
}
