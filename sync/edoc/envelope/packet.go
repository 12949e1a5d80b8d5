package envelope

import (
	"errors"
	"fmt"

	"github.com/penjire/penjire/sync/edoc/dcbor"
)

// Packet is what comes back to the applicant, sealed to the document's
// AnswerTo.
type Packet struct {
	Container []byte // the answer: an e-document
	Seal      []byte // COSE_Sign1 for its paper copy (package seal); nil if none
}

type wirePacket struct {
	Container []byte `cbor:"1,keyasint"`
	Seal      []byte `cbor:"2,keyasint,omitempty"`
}

// Marshal returns the packet as deterministic CBOR.
func (p Packet) Marshal() ([]byte, error) {
	if len(p.Container) == 0 {
		return nil, errors.New("envelope: write packet: there is no container")
	}
	b, err := dcbor.Marshal(wirePacket(p))
	if err != nil {
		return nil, fmt.Errorf("envelope: write packet: %w", err)
	}
	return b, nil
}

// ParsePacket reads a packet. It does not look into what is in it.
func ParsePacket(b []byte) (Packet, error) {
	var w wirePacket
	if err := dcbor.Unmarshal(b, &w); err != nil {
		return Packet{}, fmt.Errorf("envelope: read packet: %w", err)
	}
	if len(w.Container) == 0 {
		return Packet{}, errors.New("envelope: read packet: there is no container")
	}
	return Packet(w), nil
}
