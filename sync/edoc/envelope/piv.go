package envelope

import (
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"

	"filippo.io/age"
	"golang.org/x/crypto/chacha20poly1305"

	"github.com/penjire/penjire/sync/edoc/bech32"
)

// A card's slot 9D holds a P-256 key that multiplies points and signs nothing.
// age has no recipient for it, so this is one of our own, in age's manner:
//
//	-> piv-p256 TAG EPHEMERAL
//	BODY
//
// TAG is the first 4 bytes of the SHA-256 of the recipient's compressed point,
// EPHEMERAL a fresh compressed point, BODY the file key sealed by
// ChaCha20-Poly1305 under HKDF-SHA256(secret: x of the product, salt: EPHEMERAL
// ‖ recipient, info: pivInfo), with a nonce of zeros since the key is used once.
const (
	pivHRP    = "agepiv"
	pivStanza = "piv-p256"
	pivInfo   = "penjire.tm/envelope/v1/piv-p256"
)

var b64 = base64.RawStdEncoding.Strict()

// PIVRecipient returns the recipient of a P-256 key as text: "agepiv1…", Bech32
// of the compressed point.
func PIVRecipient(pub *ecdh.PublicKey) (string, error) {
	point, err := compress(pub)
	if err != nil {
		return "", fmt.Errorf("envelope: make a recipient: %w", err)
	}
	return bech32.Encode(pivHRP, point), nil
}

// pivRecipient implements age.Recipient.
type pivRecipient struct {
	pub   *ecdh.PublicKey
	point []byte // compressed
}

func parsePIVRecipient(s string) (*pivRecipient, error) {
	point, err := bech32.Decode(pivHRP, s)
	if err != nil {
		return nil, err
	}
	pub, err := decompress(point)
	if err != nil {
		return nil, err
	}
	return &pivRecipient{pub, point}, nil
}

// Wrap implements age.Recipient.
func (r *pivRecipient) Wrap(fileKey []byte) ([]*age.Stanza, error) {
	eph, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("envelope: make an ephemeral key: %w", err)
	}
	shared, err := eph.ECDH(r.pub)
	if err != nil {
		return nil, fmt.Errorf("envelope: agree on a key: %w", err)
	}
	ephPoint, err := compress(eph.PublicKey())
	if err != nil {
		return nil, fmt.Errorf("envelope: make an ephemeral key: %w", err)
	}
	aead, err := pivAEAD(shared, ephPoint, r.point)
	if err != nil {
		return nil, err
	}
	return []*age.Stanza{{
		Type: pivStanza,
		Args: []string{pivTag(r.point), b64.EncodeToString(ephPoint)},
		Body: aead.Seal(nil, make([]byte, chacha20poly1305.NonceSize), fileKey, nil),
	}}, nil
}

// PIVIdentity opens what was sealed to the key of a card's slot 9D.
type PIVIdentity struct {
	// ECDH has the card multiply: peer is an uncompressed P-256 point (65
	// bytes), the result the x coordinate (32 bytes). It is called once for
	// each stanza that is for Pub; the card wants its PIN before.
	ECDH func(peer []byte) ([]byte, error)
	Pub  *ecdh.PublicKey
}

// NewPIVIdentity returns the identity of a P-256 key at hand: for cards that
// are specimens.
func NewPIVIdentity(key *ecdh.PrivateKey) *PIVIdentity {
	return &PIVIdentity{Pub: key.PublicKey(), ECDH: func(peer []byte) ([]byte, error) {
		pub, err := ecdh.P256().NewPublicKey(peer)
		if err != nil {
			return nil, err
		}
		return key.ECDH(pub)
	}}
}

// Unwrap implements age.Identity. An error of the card ends it.
func (i *PIVIdentity) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	point, err := compress(i.Pub)
	if err != nil {
		return nil, fmt.Errorf("envelope: card key: %w", err)
	}
	tag := pivTag(point)
	for _, s := range stanzas {
		if s.Type != pivStanza || len(s.Args) != 2 || s.Args[0] != tag {
			continue
		}
		ephPoint, err := b64.DecodeString(s.Args[1])
		if err != nil {
			return nil, errors.New("envelope: a stanza for a card is malformed")
		}
		eph, err := decompress(ephPoint)
		if err != nil {
			return nil, fmt.Errorf("envelope: a stanza for a card: %w", err)
		}
		if len(s.Body) != 16+chacha20poly1305.Overhead {
			return nil, errors.New("envelope: a stanza for a card has a body of the wrong length")
		}
		shared, err := i.ECDH(eph.Bytes())
		if err != nil {
			return nil, fmt.Errorf("envelope: have the card agree on a key: %w", err)
		}
		aead, err := pivAEAD(shared, ephPoint, point)
		if err != nil {
			return nil, err
		}
		key, err := aead.Open(nil, make([]byte, chacha20poly1305.NonceSize), s.Body, nil)
		if err != nil {
			continue // the tag is short: it may be another card's
		}
		return key, nil
	}
	return nil, age.ErrIncorrectIdentity
}

func pivTag(point []byte) string {
	sum := sha256.Sum256(point)
	return b64.EncodeToString(sum[:4])
}

func pivAEAD(shared, eph, recipient []byte) (interface {
	Seal(dst, nonce, plain, extra []byte) []byte
	Open(dst, nonce, sealed, extra []byte) ([]byte, error)
}, error,
) {
	salt := append(append([]byte{}, eph...), recipient...)
	key, err := hkdf.Key(sha256.New, shared, salt, pivInfo, chacha20poly1305.KeySize)
	if err != nil {
		return nil, fmt.Errorf("envelope: derive a key: %w", err)
	}
	aead, err := chacha20poly1305.New(key)
	if err != nil {
		return nil, fmt.Errorf("envelope: derive a key: %w", err)
	}
	return aead, nil
}
