package device

import (
	"context"
	"image"
)

// Align says where in its line something stands.
type Align int

// The places. Zero is the left edge.
const (
	AlignLeft   Align = 0
	AlignCentre Align = 1
	AlignRight  Align = 2
)

// Line is one line of a text job: letters, or a code, or a picture.
type Line struct {
	Text         string // at most Columns letters, half as many when Double
	Bold, Double bool   // Double: twice as wide and as high
	Align        Align
	QR           string      // instead of Text: printable ASCII, shown as a QR code
	Picture      image.Image // instead of both: Width dots wide
}

// TextPrinter is a receipt printer that also prints lines of text, with the
// letters it has or with drawn ones.
//
// Contract, beyond [ReceiptPrinter]: every letter comes out as it was given. One
// that the printer's code pages lack is drawn; one that cannot be drawn either
// fails the job before anything is printed. Nothing is replaced or left out.
type TextPrinter interface {
	ReceiptPrinter
	// Columns returns how many letters fit in a line.
	Columns() int
	// PrintText prints lines and cuts. It answers as Print does.
	PrintText(ctx context.Context, lines []Line) (Outcome, error)
}
