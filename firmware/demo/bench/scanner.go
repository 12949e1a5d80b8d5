package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/emulator/codescanner"
	"github.com/penjire/penjire/drivers/emulator/printer"
	"github.com/penjire/penjire/drivers/emulator/pty"
)

// scanner is the code scanner, and what hands hold before it.
type scanner struct {
	*codescanner.Scanner
	line *pty.Port
}

// ScannerState is the code scanner.
type ScannerState struct {
	Link string `json:"link"`
	Lit  bool   `json:"lit"` // it has its light on: the kiosk waits for a code
}

// scannerOrder is the body of POST /api/scanner.
type scannerOrder struct {
	Link   string `json:"link"`   // plugged, unplugged
	Show   string `json:"show"`   // a code with this text is held before it
	Paper  *int   `json:"paper"`  // the code on the paper so many before the last is
	Damage bool   `json:"damage"` // what is read is damaged on its way
}

func (b *Bench) postScanner(_ context.Context, o scannerOrder) error {
	if o.Show != "" && o.Paper != nil {
		return badRequest{errors.New("want show or paper, not both")}
	}
	if o.Paper != nil && *o.Paper < 0 {
		return badRequest{fmt.Errorf("paper: got %d, want 0 or more", *o.Paper)}
	}
	if err := plug(b.hands.scanner.line, o.Link); err != nil {
		return asked(err)
	}
	text := o.Show
	if o.Paper != nil {
		p := b.paper(*o.Paper)
		if p == nil {
			return errors.New("there is no such paper")
		}
		var err error
		if text, err = codeOn(p); err != nil {
			return err
		}
	}
	switch c := (device.Code{Symbology: device.QRCode, Data: []byte(text)}); {
	case text == "":
	case o.Damage:
		b.hands.scanner.Damage(c)
	default:
		b.hands.scanner.Show(c)
	}
	return nil
}

// codeOn reads the QR code that is printed on a paper, as a scanner's optics do.
func codeOn(p *printer.Paper) (string, error) {
	var b bytes.Buffer
	err := p.WritePNG(&b)
	var img image.Image
	if err == nil {
		img, err = png.Decode(&b)
	}
	if err != nil {
		return "", fmt.Errorf("look at the paper: %w", err)
	}
	return read(img)
}

func read(img image.Image) (string, error) {
	bits, err := gozxing.NewBinaryBitmapFromImage(img)
	if err != nil {
		return "", fmt.Errorf("look at the paper: %w", err)
	}
	found, err := qrcode.NewQRCodeReader().Decode(bits, map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_TRY_HARDER: true})
	if err != nil {
		return "", fmt.Errorf("there is no code on this paper that can be read: %w", err)
	}
	return found.GetText(), nil
}
