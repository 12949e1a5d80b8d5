package enrol

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	casn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/penjire/penjire/sync/edoc/trust"
)

// MaxRequest is how long a certification request may be, in bytes.
const MaxRequest = 16 << 10

var oidPolicies = asn1.ObjectIdentifier{2, 5, 29, 32}

// Request is a certification request (PKCS #10) whose signature is good: who made
// it has the key.
type Request struct {
	DER []byte
	Key *ecdsa.PublicKey
	// KeyID is the SHA-256 of the key's SubjectPublicKeyInfo.
	KeyID [32]byte
	// Kiosk is the serial number in its subject; "" leaves it to the portal.
	Kiosk string
	// Software says that the key lies in a file. That it does not is only a claim.
	Software bool
}

// NewRequest asks for the certificate of a kiosk's key. What it is good for is for
// the portal to say.
func NewRequest(key crypto.Signer, kiosk string, software bool) ([]byte, error) {
	t := &x509.CertificateRequest{Subject: pkix.Name{
		Country: []string{"TM"}, CommonName: "Kiosk " + kiosk, OrganizationalUnit: []string{trust.UnitKiosk}, SerialNumber: kiosk,
	}}
	if software {
		id, err := trust.PolicySoftwareKey().MarshalBinary()
		if err != nil {
			return nil, fmt.Errorf("enrol: ask for a certificate: %w", err)
		}
		value, err := asn1.Marshal([]struct{ ID asn1.RawValue }{{asn1.RawValue{Tag: asn1.TagOID, Bytes: id}}})
		if err != nil {
			return nil, fmt.Errorf("enrol: ask for a certificate: %w", err)
		}
		t.ExtraExtensions = []pkix.Extension{{Id: oidPolicies, Value: value}}
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, t, key)
	if err != nil {
		return nil, fmt.Errorf("enrol: ask for a certificate: %w", err)
	}
	return der, nil
}

// ErrKey says that the key is of a kind that no certificate is issued for.
var ErrKey = errors.New("want a key for ECDSA on P-256")

// ParseRequest reads a certification request and checks its signature.
func ParseRequest(der []byte) (Request, error) {
	if len(der) > MaxRequest {
		return Request{}, fmt.Errorf("enrol: read a request: %d bytes, want %d at most", len(der), MaxRequest)
	}
	c, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return Request{}, fmt.Errorf("enrol: read a request: %w", err)
	}
	key, ok := c.PublicKey.(*ecdsa.PublicKey)
	if !ok || key.Curve != elliptic.P256() {
		return Request{}, fmt.Errorf("enrol: read a request: %w", ErrKey)
	}
	if err := c.CheckSignature(); err != nil {
		return Request{}, fmt.Errorf("enrol: read a request: %w", err)
	}
	r := Request{DER: der, Key: key, KeyID: sha256.Sum256(c.RawSubjectPublicKeyInfo), Kiosk: c.Subject.SerialNumber}
	for _, e := range c.Extensions {
		if e.Id.Equal(oidPolicies) {
			policies, err := readPolicies(e.Value)
			if err != nil {
				return Request{}, fmt.Errorf("enrol: read a request: %w", err)
			}
			r.Software = slices.ContainsFunc(policies, trust.PolicySoftwareKey().Equal)
		}
	}
	return r, nil
}

// readPolicies reads CertificatePolicies (RFC 5280, section 4.2.1.4), without their
// qualifiers.
func readPolicies(der []byte) (out []x509.OID, err error) {
	in := cryptobyte.String(der)
	var list cryptobyte.String
	if !in.ReadASN1(&list, casn1.SEQUENCE) || !in.Empty() {
		return nil, errPolicies
	}
	for !list.Empty() {
		var one, oid cryptobyte.String
		var id x509.OID // ours has a longer arc than asn1.ObjectIdentifier holds
		if !list.ReadASN1(&one, casn1.SEQUENCE) || !one.ReadASN1(&oid, casn1.OBJECT_IDENTIFIER) || id.UnmarshalBinary(oid) != nil {
			return nil, errPolicies
		}
		out = append(out, id)
	}
	return out, nil
}

var errPolicies = errors.New("its certificate policies cannot be read")
