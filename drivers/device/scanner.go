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
// Contract:
//   - It reads only between the call of Scan and its return; what is held before
//     it otherwise is thrown away and never given to a later call, which may be
//     another citizen's. Light and aimer are on only then, where they can be
//     switched.
//   - A damaged reading is dropped, and the scanner reads on; so is one whose
//     beginning came before the call. Of several codes one is given.
//   - Callers of Scan wait for one another. Each call ends when its ctx does.
//   - A scanner that is not there, or leaves, fails Scan with ErrUnplugged; one
//     that came back is used by the next call, within two seconds.
//   - Every error is an *Error without a side effect.
type CodeScanner interface {
	Watcher
	// Scan blocks until a code was read, ctx ends, or the scanner cannot read.
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
