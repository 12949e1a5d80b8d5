package wire

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"time"

	"github.com/veraison/go-cose"
)

// The contexts of the two signed objects. They are the external_aad of the
// COSE signature, so that one can never pass for another (WIRE-SIG-2).
const (
	contextBatch  = "penjire receipt 1"
	contextBeacon = "penjire beacon 1"
)

// Time is the portal's time, as it signs it in a beacon for one kiosk.
type Time struct {
	Kiosk     string   `cbor:"1,keyasint"`
	Epoch     [16]byte `cbor:"2,keyasint"`
	At        int64    `cbor:"3,keyasint"`
	Confirmer string   `cbor:"4,keyasint"`
}

// When returns At as a time.
func (t Time) When() time.Time { return time.Unix(t.At, 0).UTC() }

func (t Time) check() error {
	if t.Epoch == ([16]byte{}) || t.At <= 0 {
		return fmt.Errorf("time %d: %w", t.At, ErrValue)
	}
	if err := checkName("kiosk", t.Kiosk, 1); err != nil {
		return err
	}
	return checkName("confirmer", t.Confirmer, 1)
}

// SignTime signs t with the portal's receipt key.
func SignTime(t Time, key crypto.Signer, cert *x509.Certificate) ([]byte, error) {
	if err := t.check(); err != nil {
		return nil, fmt.Errorf("wire: sign beacon: %w", err)
	}
	return sign("beacon", contextBeacon, t, key, cert)
}

// ParseTime verifies a beacon. Errors are those of ParseReceipt.
func ParseTime(b []byte, portals []*x509.Certificate) (Time, error) {
	var t Time
	if err := open("beacon", contextBeacon, b, portals, &t); err != nil {
		return Time{}, err
	}
	if err := t.check(); err != nil {
		return Time{}, fmt.Errorf("wire: parse beacon: %w", err)
	}
	return t, nil
}

// KeyID returns how a signed object names a certificate: the first 8 bytes of
// the SHA-256 of its DER. It only finds; the signature decides.
func KeyID(cert *x509.Certificate) []byte {
	h := sha256.Sum256(cert.Raw)
	return h[:8]
}

func sign(what, context string, v any, key crypto.Signer, cert *x509.Certificate) ([]byte, error) {
	payload, err := encMode.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("wire: sign %s: %w", what, err)
	}
	signer, err := cose.NewSigner(cose.AlgorithmES256, key)
	if err != nil {
		return nil, fmt.Errorf("wire: sign %s: %w", what, err)
	}
	m := cose.NewSign1Message()
	m.Headers.Protected = cose.ProtectedHeader{
		cose.HeaderLabelAlgorithm: cose.AlgorithmES256,
		cose.HeaderLabelKeyID:     KeyID(cert),
	}
	m.Payload = payload
	if err := m.Sign(rand.Reader, []byte(context), signer); err != nil {
		return nil, fmt.Errorf("wire: sign %s: %w", what, err)
	}
	b, err := m.MarshalCBOR()
	if err != nil {
		return nil, fmt.Errorf("wire: sign %s: %w", what, err)
	}
	return b, nil
}

// open verifies b and reads its payload into v. It takes only ES256 under a
// certificate of certs, named in the protected header, and only the one
// encoding of the object and of its payload.
func open(what, context string, b []byte, certs []*x509.Certificate, v any) error {
	var m cose.Sign1Message
	if err := m.UnmarshalCBOR(b); err != nil {
		return fmt.Errorf("wire: parse %s: %w: %v", what, ErrFormat, err)
	}
	if again, err := m.MarshalCBOR(); err != nil || !bytes.Equal(again, b) {
		return fmt.Errorf("wire: parse %s: %w: not the one encoding", what, ErrFormat)
	}
	if alg, err := m.Headers.Protected.Algorithm(); err != nil || alg != cose.AlgorithmES256 {
		return fmt.Errorf("wire: parse %s: %w: algorithm is not ES256", what, ErrFormat)
	}
	kid, _ := m.Headers.Protected[cose.HeaderLabelKeyID].([]byte)
	if len(m.Headers.Protected) != 2 || len(m.Headers.Unprotected) != 0 || len(kid) != 8 {
		return fmt.Errorf("wire: parse %s: %w: other headers than algorithm and key", what, ErrFormat)
	}
	verified := false
	for _, c := range certs {
		if !bytes.Equal(KeyID(c), kid) {
			continue
		}
		pub, ok := c.PublicKey.(*ecdsa.PublicKey)
		if !ok {
			return fmt.Errorf("wire: parse %s: %w: the key is not ECDSA", what, ErrSigned)
		}
		verifier, err := cose.NewVerifier(cose.AlgorithmES256, pub)
		if err != nil {
			return fmt.Errorf("wire: parse %s: %w: %v", what, ErrSigned, err)
		}
		if err := m.Verify([]byte(context), verifier); err != nil {
			return fmt.Errorf("wire: parse %s: %w: %v", what, ErrSigned, err)
		}
		verified = true
		break
	}
	if !verified {
		return fmt.Errorf("wire: parse %s: %w", what, ErrStranger)
	}
	if err := strict(m.Payload, v); err != nil {
		return fmt.Errorf("wire: parse %s: payload: %w", what, err)
	}
	return nil
}

// peek reads the payload of a signed object of our own into v, without verifying.
func peek(b []byte, v any) error {
	var m cose.Sign1Message
	if err := m.UnmarshalCBOR(b); err != nil {
		return fmt.Errorf("wire: read a signed object: %w: %v", ErrFormat, err)
	}
	if err := strict(m.Payload, v); err != nil {
		return fmt.Errorf("wire: read a signed object: %w", err)
	}
	return nil
}
