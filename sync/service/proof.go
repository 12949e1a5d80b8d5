package service

import (
	"errors"
	"fmt"
	"time"

	"github.com/penjire/penjire/sync/edoc/cms"
	"github.com/penjire/penjire/sync/edoc/dcbor"
	"github.com/penjire/penjire/sync/edoc/trust"
)

// KindProof is the kind of a proof as a signed object (package trust).
const KindProof = "decommissioned"

// Proof is what a kiosk signs with its own key, as the last thing it does with it,
// when it goes out of service: with this journal, with nothing unsent, and with the
// keys without which what it kept cannot be read about to be erased. It names no citizen.
//
// It proves that the kiosk's software did this, not that nobody copied the medium
// before. What a copy holds of requests is sealed to the portal.
type Proof struct {
	Kiosk  string
	At     time.Time // whole seconds, by the kiosk's clock
	Ticket [16]byte  // by which it was ordered
	Epoch  [16]byte  // of the outbox
	Size   int64     // of the journal: its last entry says «decommission»
	Root   [32]byte
	Keys   uint32 // how many keys it erases next; in tokens are none of them
}

type wireProof struct {
	Kiosk  string `cbor:"1,keyasint"`
	At     int64  `cbor:"2,keyasint"`
	Ticket []byte `cbor:"3,keyasint"`
	Epoch  []byte `cbor:"4,keyasint"`
	Size   int64  `cbor:"5,keyasint"`
	Root   []byte `cbor:"6,keyasint"`
	Keys   uint32 `cbor:"7,keyasint"`
}

func (p Proof) valid() error {
	switch {
	case !kiosks.MatchString(p.Kiosk):
		return errors.New("it names no kiosk")
	case p.At.Unix() <= 0 || p.Size < 1 || p.Keys < 1:
		return errors.New("it says no time, no journal or no key")
	}
	return nil
}

// Sign returns the proof as a signed object. s is the kiosk's.
func (p Proof) Sign(s cms.Signer) ([]byte, error) {
	if err := p.valid(); err != nil {
		return nil, fmt.Errorf("service: sign a proof: %w", err)
	}
	payload, err := dcbor.Marshal(wireProof{
		Kiosk: p.Kiosk, At: p.At.Unix(), Ticket: p.Ticket[:], Epoch: p.Epoch[:], Size: p.Size, Root: p.Root[:], Keys: p.Keys,
	})
	if err != nil {
		return nil, fmt.Errorf("service: sign a proof: %w", err)
	}
	return trust.SignObjectAt(KindProof, payload, s, p.At)
}

// OpenProof reads a signed proof: the kiosk that it names signed it, with a
// certificate that was in force then.
func OpenProof(signed []byte, b *trust.Bundle) (Proof, error) {
	payload, signer, err := trust.OpenDeviceObject(KindProof, signed, b)
	if err != nil {
		return Proof{}, fmt.Errorf("service: check a proof: %w", err)
	}
	p, err := parseProof(payload)
	if err == nil && trust.DeviceID(signer) != p.Kiosk {
		err = errors.New("another kiosk signed it than it names")
	}
	if err != nil {
		return Proof{}, fmt.Errorf("service: check a proof: %w", err)
	}
	return p, nil
}

func parseProof(payload []byte) (Proof, error) {
	var w wireProof
	if err := dcbor.Unmarshal(payload, &w); err != nil {
		return Proof{}, err
	}
	if len(w.Ticket) != 16 || len(w.Epoch) != 16 || len(w.Root) != 32 {
		return Proof{}, errors.New("a field has a wrong length")
	}
	p := Proof{
		Kiosk: w.Kiosk, At: time.Unix(w.At, 0).UTC(), Ticket: [16]byte(w.Ticket), Epoch: [16]byte(w.Epoch),
		Size: w.Size, Root: [32]byte(w.Root), Keys: w.Keys,
	}
	return p, p.valid()
}
