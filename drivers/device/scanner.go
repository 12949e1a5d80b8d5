package device

import (
	"context"
	"image"
)

// Symbology is a kind of code, in XFS4IoT's words.
type Symbology string

// The symbologies we ask for.
const (
	QRCode     Symbology = "qrCode"
	DataMatrix Symbology = "dataMatrix"
	PDF417     Symbology = "pdf417"
	Aztec      Symbology = "aztec"
	Code128    Symbology = "code128"
	MRZ        Symbology = "mrz"   // the lines of a travel document
	AnyCode    Symbology = "other" // the scanner does not say which
)

// Code is what a scanner read. Data may be personal: it is never logged.
type Code struct {
	Symbology Symbology
	Data      []byte
}

// CodeScanner reads printed codes and machine-readable zones.
//
// Contract: it reads only between the call of Scan and its return; what is held
// before it otherwise is thrown away and never given to a later call, which may be
// another citizen's. A damaged reading is dropped, and the scanner reads on.
type CodeScanner interface {
	Watcher
	// Scan blocks until a code was read or ctx ends.
	Scan(ctx context.Context) (Code, error)
}

// ImageScanner takes pictures of sheets of paper: a camera or a sheet-fed scanner.
//
// Contract: Capture takes one picture of what lies there now; nothing of it stays
// in the device or on a disk.
type ImageScanner interface {
	Watcher
	// Capture takes a picture at dpi dots per inch, or at the nearest that there is;
	// 0: the device's own.
	Capture(ctx context.Context, dpi int) (image.Image, error)
}
