package journal

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"fmt"

	"golang.org/x/mod/sumdb/note"
)

// signer signs notes with a P-256 key. The key hash is, as C2SP signed-note
// says of ECDSA keys, the first four bytes of SHA-256 of the key's
// SubjectPublicKeyInfo.
type signer struct {
	verifier
	key crypto.Signer
}

type verifier struct {
	name string
	hash uint32
	pub  *ecdsa.PublicKey
}

// NewSigner returns a note signer that signs with the kiosk's ECDSA key, which
// may be in a chip. The name is the kiosk's, without space and plus.
func NewSigner(name string, key crypto.Signer) (note.Signer, error) {
	v, err := newVerifier(name, key.Public())
	if err != nil {
		return nil, err
	}
	return &signer{verifier: v, key: key}, nil
}

// NewVerifier returns the verifier of what NewSigner's signer signs.
func NewVerifier(name string, pub crypto.PublicKey) (note.Verifier, error) {
	v, err := newVerifier(name, pub)
	if err != nil {
		return nil, err
	}
	return &v, nil
}

func newVerifier(name string, pub crypto.PublicKey) (verifier, error) {
	k, ok := pub.(*ecdsa.PublicKey)
	if !ok {
		return verifier{}, fmt.Errorf("journal: note key %s is a %T, want *ecdsa.PublicKey", name, pub)
	}
	der, err := x509.MarshalPKIXPublicKey(k)
	if err != nil {
		return verifier{}, fmt.Errorf("journal: encode note key %s: %w", name, err)
	}
	sum := sha256.Sum256(der)
	return verifier{name: name, hash: binary.BigEndian.Uint32(sum[:4]), pub: k}, nil
}

// Name implements note.Verifier.
func (v *verifier) Name() string { return v.name }

// KeyHash implements note.Verifier.
func (v *verifier) KeyHash() uint32 { return v.hash }

// Verify implements note.Verifier.
func (v *verifier) Verify(msg, sig []byte) bool {
	d := sha256.Sum256(msg)
	return ecdsa.VerifyASN1(v.pub, d[:], sig)
}

// Sign implements note.Signer.
func (s *signer) Sign(msg []byte) ([]byte, error) {
	d := sha256.Sum256(msg)
	sig, err := s.key.Sign(rand.Reader, d[:], crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("journal: sign a note as %s: %w", s.name, err)
	}
	return sig, nil
}
