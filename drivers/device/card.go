package device

import "context"

// Card is one card in the field or slot of a reader.
type Card struct {
	Gen uint64 // differs from one insertion to the next, the same card included
	UID []byte // as the reader gives it; not an identity and may be random
	ATS []byte // or ATR; empty for a card without APDUs
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
