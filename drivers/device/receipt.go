package device

import (
	"context"
	"image"
)

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
	Exit  Exit       // "": nothing holds a paper there
	Bin   RetractBin // "": it has none, or does not tell of it
	Hot   bool       // the head: it prints on when it has cooled
}

// Exit is XFS4IoT's printer media state: what is in the output of a printer
// that holds a paper there until it is taken.
type Exit string

// The states of the output.
const (
	ExitUnknown    Exit = "unknown"
	ExitPresent    Exit = "present"    // inside, on its way
	ExitNotPresent Exit = "notPresent" // nothing
	ExitJammed     Exit = "jammed"
	ExitEntering   Exit = "entering"  // at the slot: someone can take it
	ExitRetracted  Exit = "retracted" // nothing: the last one was pulled back
)

// RetractBin is XFS4IoT's state of the bin for papers that were pulled back.
type RetractBin string

// The states of the bin.
const (
	BinUnknown RetractBin = "unknown"
	BinOK      RetractBin = "ok"
	BinFull    RetractBin = "full"
	BinHigh    RetractBin = "high" // nearly full
	BinMissing RetractBin = "missing"
)

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

// Presenter is a receipt printer that holds a cut paper in its output until it
// is taken. Media says whether one stands there.
type Presenter interface {
	ReceiptPrinter
	// Retract pulls the paper back into the printer's bin, so that it comes into
	// no stranger's hands; without a bin it is let go of. Without a paper it does
	// nothing.
	Retract(ctx context.Context) error
}

// Cutter is a receipt printer that can cut off what hangs out without printing.
// Whoever finds a job of an earlier run in an unknown state calls it before the
// next print: the paper may hold the data of someone who has left.
type Cutter interface {
	ReceiptPrinter
	// Cut returns when the printer has confirmed the cut.
	Cut(ctx context.Context) error
}
