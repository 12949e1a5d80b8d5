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

// CardMedia is where the card of a motor reader is, in the words of XFS4IoT
// (CardReader.Status, media).
type CardMedia string

// The media states.
const (
	MediaPresent    CardMedia = "present"    // inside, where it is read
	MediaNotPresent CardMedia = "notPresent" // none
	MediaEntering   CardMedia = "entering"   // at the gate: a hand can take it
	MediaJammed     CardMedia = "jammed"
	MediaUnknown    CardMedia = "unknown" // never taken for notPresent
)

// Position is where a motor reader can bring a card (XFS4IoT CardReader.Move).
type Position string

// The positions.
const (
	ToTransport Position = "transport" // inside, held and read
	ToExit      Position = "exit"      // held at the gate: can be taken, and can be drawn back
	ToOut       Position = "out"       // pushed out of the gate for good; not a word of XFS4IoT
	ToRetainBin Position = "retainBin" // captured
)

// CardMover is a card reader with a motor.
//
// Contract: a card is read while it is inside; when it leaves there, its
// generation ends. Move returns when the card has arrived, or with an error
// whose SideEffect says whether it may have moved; a move is never repeated by
// itself. Without a card it fails with ErrNoMedia. Media is unknown until the
// reader has said where the card is, and again when it stops answering.
type CardMover interface {
	CardReader
	// Media says where the card is.
	Media() CardMedia
	// Move brings the card to a position. Errors: ErrMediaJam, ErrNoMedia,
	// ErrBinFull, ErrMediaGone when a hand was quicker.
	Move(ctx context.Context, to Position) error
	// Accept opens or shuts the gate for cards that are pushed in.
	Accept(ctx context.Context, open bool) error
}
