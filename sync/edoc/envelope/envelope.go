// Package envelope seals what only its addressee may read: compressed with
// zstd, encrypted with age (C2SP age-encryption.org/v1).
package envelope

import (
	"crypto/ecdh"
	"errors"

	"filippo.io/age"
)

// ForCode, as the only recipient in a document's AnswerTo, says that the answer
// is sealed to the request's tracking code ([SealForCode]).
const ForCode = "agecode"

var errSoon = errors.New("envelope: not built yet")

// Seal compresses and encrypts plain to every recipient ("age1…", "agepiv1…").
func Seal(plain []byte, recipients ...string) ([]byte, error) { return nil, errSoon }

// Open decrypts with whichever identity fits and decompresses.
func Open(sealed []byte, ids ...age.Identity) ([]byte, error) { return nil, errSoon }

// SealForCode encrypts to a tracking code.
func SealForCode(plain []byte, code string) ([]byte, error) { return nil, errSoon }

// OpenWithCode opens what SealForCode sealed.
func OpenWithCode(sealed []byte, code string) ([]byte, error) { return nil, errSoon }

// PIVIdentity opens what was sealed to the key of a card's slot 9D.
type PIVIdentity struct {
	// ECDH has the card multiply: peer is an uncompressed P-256 point, the
	// result the 32-byte x coordinate.
	ECDH func(peer []byte) ([]byte, error)
	Pub  *ecdh.PublicKey
}

// Unwrap implements age.Identity.
func (i *PIVIdentity) Unwrap(stanzas []*age.Stanza) ([]byte, error) { return nil, errSoon }

// PIVRecipient returns the "agepiv1…" of a P-256 key.
func PIVRecipient(pub *ecdh.PublicKey) (string, error) { return "", errSoon }

// Packet is what comes back to the applicant.
type Packet struct {
	Container []byte // the answer, an e-document
	Seal      []byte // COSE_Sign1 for its paper copy; nil if none
}

// Marshal returns the packet as CBOR.
func (p Packet) Marshal() ([]byte, error) { return nil, errSoon }

// ParsePacket reads a packet.
func ParsePacket(b []byte) (Packet, error) { return Packet{}, errSoon }
