package signing

import (
	"crypto"
	"encoding/pem"

	"github.com/penjire/penjire/sync/enrol"
)

// Request asks for the certificate of a kiosk's key in a chip: a certification
// request (PKCS #10) in PEM, signed with the key. What the certificate is good for is
// for the centre to say.
func Request(key crypto.Signer, kiosk string) ([]byte, error) {
	der, err := enrol.NewRequest(key, kiosk, false)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}), nil
}
