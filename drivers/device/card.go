package device

import (
	"context"
	"fmt"
)

// Card is one card in the field or slot of a reader.
type Card struct {
	Gen      uint64   // differs from one insertion to the next, the same card included
	UID      []byte   // as the reader gives it; not an identity and may be random; empty for contacts
	ATS      []byte   // with its length byte; or the ATR; empty for a card without APDUs
	Protocol Protocol // 0: the reader does not say
	Longest  int      // bytes in the longest command APDU the reader carries; 0: 261, the longest short one
}

// Protocol is what carries APDUs between reader and card.
type Protocol int

// The protocols. Only with T0 does a card ask for its answer with 61xx, and for
// another Le with 6Cxx, as part of the protocol itself (ISO/IEC 7816-3, 12.2).
const (
	T0  Protocol = 1 // contacts, byte by byte
	T1  Protocol = 2 // contacts, in blocks
	TCL Protocol = 3 // contactless, ISO/IEC 14443-4
)

// String returns the protocol's usual name.
func (p Protocol) String() string {
	switch p {
	case T0:
		return "T=0"
	case T1:
		return "T=1"
	case TCL:
		return "T=CL"
	}
	return fmt.Sprintf("Protocol(%d)", int(p))
}

// CardReader reads chip cards.
//
// Contract: Transmit sends exactly one command APDU and returns exactly one
// response APDU; it retries nothing by itself. When the card leaves, it fails
// with ErrMediaGone, and so does every later call with that Gen. Calls may come
// from several goroutines; one is served at a time.
type CardReader interface {
	Device
	// Wait blocks until the card in the reader differs from gen: nil when there
	// is none now, else the card. gen 0 means no card.
	Wait(ctx context.Context, gen uint64) (*Card, error)
	// Transmit exchanges one APDU with the card of generation gen.
	Transmit(ctx context.Context, gen uint64, apdu []byte) ([]byte, error)
}
