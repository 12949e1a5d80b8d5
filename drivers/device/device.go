// Package device says what a kiosk's peripherals can do: one interface for each
// class, with its contract, the words for what state a device is in, and the
// errors that callers branch on. Drivers implement it; nothing here knows one.
//
// Words and states follow XFS4IoT (CEN CWA 17852), the field's standard.
package device

import (
	"context"
	"errors"
	"fmt"
	"image"

	"periph.io/x/conn/v3"
)

// Sentinel errors. A driver wraps them; callers use errors.Is.
var (
	ErrUnplugged   = errors.New("device is unplugged")
	ErrTimeout     = errors.New("device did not answer in time")
	ErrNoMedia     = errors.New("no card")        // XFS4IoT noMedia
	ErrMediaGone   = errors.New("card was taken") // during an exchange
	ErrProtocol    = errors.New("device answered outside its protocol")
	ErrNoPaper     = errors.New("no paper")   // XFS4IoT paperOut
	ErrCoverOpen   = errors.New("cover open") // XFS4IoT coverOpen
	ErrPaperJam    = errors.New("paper jam")  // XFS4IoT paperJammed
	ErrUnsupported = errors.New("not supported by this device")
)

// SideEffect says whether a failed operation may have done its work.
type SideEffect int

// The three answers. There is no good default: zero means the driver forgot.
const (
	SideEffectNo      SideEffect = 1 // nothing happened: may be tried again
	SideEffectYes     SideEffect = 2 // it happened
	SideEffectUnknown SideEffect = 3 // it may have happened: never tried again blindly
)

// String returns the word for s.
func (s SideEffect) String() string {
	switch s {
	case SideEffectNo:
		return "no side effect"
	case SideEffectYes:
		return "side effect"
	case SideEffectUnknown:
		return "side effect unknown"
	}
	return fmt.Sprintf("SideEffect(%d)", int(s))
}

// Error is a failed operation on a device.
type Error struct {
	Dev        string // String of the device
	Op         string // "print", "transmit" …
	SideEffect SideEffect
	Err        error
}

// Error implements error.
func (e *Error) Error() string {
	return fmt.Sprintf("%s on %s: %v (%s)", e.Op, e.Dev, e.Err, e.SideEffect)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Health is XFS4IoT's common device state.
type Health string

// The states of XFS4IoT's common.device that we use, in its spelling.
const (
	Online        Health = "online"
	Offline       Health = "offline"
	NoDevice      Health = "noDevice" // not there: unplugged
	HardwareError Health = "hardwareError"
	UserError     Health = "userError" // a person can mend it: cover, paper
	Busy          Health = "deviceBusy"
	Starting      Health = "starting"
	Unknown       Health = "unknown" // never shown as good
)

// Device is what every class shares. Halt (of conn.Resource) stops what the
// device is doing and makes pending calls return; it may be called twice.
type Device interface {
	conn.Resource
	Health() Health
}

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

// Paper is XFS4IoT's printer paper state.
type Paper string

// The paper states.
const (
	PaperFull    Paper = "full"
	PaperLow     Paper = "low"
	PaperOut     Paper = "out"
	PaperJammed  Paper = "jammed"
	PaperUnknown Paper = "unknown"
)

// Media is what a printer says of its paper and cover.
type Media struct {
	Paper Paper
	Cover Cover
}

// Cover says whether the cover is closed.
type Cover string

// The cover states.
const (
	CoverClosed  Cover = "closed"
	CoverOpen    Cover = "open"
	CoverUnknown Cover = "unknown"
)

// Outcome is what came of a print job.
type Outcome int

// The outcomes. Only Printed was confirmed by the printer.
const (
	Printed      Outcome = 1 // the printer answered after the last line
	NotPrinted   Outcome = 2 // nothing left the printer
	PrintUnknown Outcome = 3 // part or all may be out
)

// ReceiptPrinter prints on a roll.
//
// Contract: Print returns Printed only after the printer itself confirmed the
// end of the job; a successful write is not a print. With an error it returns
// NotPrinted or PrintUnknown, and the error is an *Error with the same meaning.
type ReceiptPrinter interface {
	Device
	// Width returns how many dots a line has, and DPI how many there are per inch.
	Width() int
	DPI() int
	// Print prints img (Width dots wide; dark pixels are ink) and cuts.
	Print(ctx context.Context, img image.Image) (Outcome, error)
	// Media asks for paper and cover. An unplugged printer gives unknown.
	Media(ctx context.Context) (Media, error)
	// Changes yields whenever Media or Health may have changed, until ctx ends.
	Changes(ctx context.Context) <-chan struct{}
}

// ErrHalted is what calls return after Halt.
var ErrHalted = errors.New("device was halted")

// Watcher is a device of any class that says when its Health may have changed.
// Changes yields until ctx ends, then is closed; notices are coalesced.
type Watcher interface {
	Device
	Changes(ctx context.Context) <-chan struct{}
}

// Cutter is a receipt printer that can cut off what hangs out without printing.
// Whoever finds a job of an earlier run in an unknown state calls it before the
// next print: the paper may hold the data of someone who has left.
type Cutter interface {
	ReceiptPrinter
	// Cut returns when the printer has confirmed the cut.
	Cut(ctx context.Context) error
}
