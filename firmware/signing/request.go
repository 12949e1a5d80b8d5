package signing

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"

	"github.com/penjire/penjire/sync/edoc/trust"
)

// Request asks for the certificate of a kiosk's key: a certification request
// (PKCS #10) in PEM, signed with the key. What the certificate is good for is
// for the centre to say.
func Request(key crypto.Signer, kiosk string) ([]byte, error) {
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{
		Country: []string{"TM"}, CommonName: "Kiosk " + kiosk, OrganizationalUnit: []string{trust.UnitKiosk}, SerialNumber: kiosk,
	}}, key)
	if err != nil {
		return nil, fmt.Errorf("signing: ask for a certificate: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}), nil
}
