// Package mrzreader drives readers of travel documents that type the
// machine-readable zone on a serial line: Access-IS, Desko, ARH and others, set
// to ASCII. The lines end in CR, LF or both, or follow each other without an end;
// STX may come before them and ETX after, and other control characters around.
//
// A zone is given only when it is whole and every check digit in it is right
// (package mrz); what was misread is dropped, and the person draws the document
// through again. Nothing is repaired here: a repaired zone may be another's.
//
// Most such readers are keyboards from the factory; package serialscan says why
// a keyboard cannot be used. Set them to RS-232 or to a virtual serial port.
//
// # Reference
//
// ICAO Doc 9303, parts 3 to 7 (what is read); the manufacturers' manuals (how it
// is sent), which agree as far as said above.
package mrzreader

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/link"
	"github.com/penjire/penjire/drivers/mrz"
	"github.com/penjire/penjire/drivers/scanline"
)

// Opts are settings. Zero values are the defaults.
type Opts struct {
	Gap time.Duration // longest pause inside a line; 0: 50 ms
	// Lines is the longest pause between the lines of one zone; 0: 250 ms.
	Lines time.Duration
	// Own says that the line is the reader's own (USB): where the line is open,
	// the reader is there. Otherwise its health is unknown until it has read.
	Own    bool
	Reopen time.Duration // between tries to open the port; 0: 300 ms
}

// Dev is a reader. It is safe for concurrent use.
type Dev struct{ *scanline.Dev }

var _ device.CodeScanner = (*Dev)(nil)

// New returns the reader on port. It does not wait for it.
func New(port link.Port, o Opts) (*Dev, error) {
	if o.Gap < 0 || o.Lines < 0 {
		return nil, fmt.Errorf("mrzreader: got pauses %v and %v, want neither negative", o.Gap, o.Lines)
	}
	if o.Gap == 0 {
		o.Gap = 50 * time.Millisecond
	}
	if o.Lines == 0 {
		o.Lines = 250 * time.Millisecond
	}
	t := &talk{lines: o.Lines, frame: scanline.Frame{Ends: []string{"\r", "\n", "\x03"}, Gap: o.Gap, Max: maxLine}}
	d, err := scanline.New("MRZ reader", port, t, scanline.Opts{Reopen: o.Reopen, Mute: !o.Own})
	if err != nil {
		return nil, err
	}
	return &Dev{d}, nil
}

// maxLine is room for the longest zone on one line, and what stands around it.
const maxLine = 90 + 16

// maxLines is the most lines a zone has.
const maxLines = 3

// talk is listening: such readers take no orders.
type talk struct {
	lines time.Duration
	frame scanline.Frame
}

// SetUp implements scanline.Talk.
func (t *talk) SetUp(context.Context, *scanline.Line) error { return nil }

// Check implements scanline.Talk.
func (t *talk) Check(context.Context, *scanline.Line) error { return nil }

// Read implements scanline.Talk.
func (t *talk) Read(ctx context.Context, l *scanline.Line) (device.Code, error) {
	if err := t.clear(ctx, l); err != nil {
		return device.Code{}, err
	}
	for {
		zone, err := t.zone(ctx, l)
		if err != nil {
			return device.Code{}, err
		}
		if zone != nil {
			return device.Code{Symbology: device.MRZ, Data: zone}, nil
		}
	}
}

// clear drops what comes until no line has come for as long as a zone allows:
// a zone that began before must not lend its second line to another.
func (t *talk) clear(ctx context.Context, l *scanline.Line) error {
	if err := t.frame.Clear(ctx, l); err != nil {
		return err
	}
	return l.Quiet(ctx, t.lines)
}

// zone gathers lines that follow closely until they are a zone. It returns nil
// when they are none.
func (t *talk) zone(ctx context.Context, l *scanline.Line) ([]byte, error) {
	var got []byte
	wait := 24 * time.Hour
	for n := 0; n < maxLines; {
		b, err := t.frame.Next(ctx, l, wait)
		switch {
		case errors.Is(err, scanline.ErrLost), errors.Is(err, device.ErrTimeout):
			clear(got)
			if n > 0 || errors.Is(err, scanline.ErrLost) {
				// What is left of it is no beginning.
				return nil, t.clear(ctx, l)
			}
			continue
		case err != nil:
			clear(got)
			return nil, err
		}
		wait = t.lines
		if b = bytes.TrimFunc(b, outside); len(b) == 0 {
			continue
		}
		got = append(append(got, b...), '\n')
		clear(b)
		n++
		if zone, ok := Zone(got); ok {
			clear(got)
			return zone, nil
		}
	}
	clear(got)
	return nil, t.clear(ctx, l)
}

// outside reports whether r stands around lines and not in them.
func outside(r rune) bool { return r <= ' ' || r == 0x7F }

// Zone returns the zone that b holds, its lines ended by LF; ok is false where
// b holds none that is whole and right.
func Zone(b []byte) (zone []byte, ok bool) {
	d, err := mrz.Parse(b, mrz.Opts{})
	if err != nil {
		return nil, false
	}
	for _, l := range d.Lines() {
		zone = append(append(zone, l.Reveal()...), '\n')
	}
	return zone, true
}
