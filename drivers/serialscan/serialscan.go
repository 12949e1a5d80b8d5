// Package serialscan drives code scanners that type what they read on a serial
// line: a line of text for each code. Nearly all do, set so: Newland, Honeywell,
// Zebra, Datalogic, Opticon, Grow, on RS-232, on a microcontroller's UART, and
// on USB as a serial port (CDC).
//
// # Keyboards
//
// Out of the box most USB scanners are keyboards (HID). A kiosk cannot use one:
// it types into whatever page is open, for every citizen, also when nobody
// asked; it sends key positions, which a Turkmen or Russian layout turns into
// other letters; and nothing says when it was unplugged. Set the scanner to
// "USB CDC", "USB COM port emulation" or "USB virtual serial port" with the code
// in its manual, once: it keeps that. `penjire device ls` names what is plugged in
// and says so of scanners that are still keyboards (package quirk).
//
// # Reference
//
// ISO/IEC 15424 (AIM symbology identifiers: ]Q1, ]d2 …). Every manufacturer's
// own manual for suffix and trigger commands, for instance Honeywell, "Serial
// Trigger Mode" (SYN T CR, SYN U CR).
package serialscan

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/link"
	"github.com/penjire/penjire/drivers/scanline"
)

// Opts are settings. Zero values are the defaults.
type Opts struct {
	Suffix string        // what ends a reading: "cr", "lf", "crlf"; "": cr or lf
	Gap    time.Duration // longest pause inside a reading; 0: 50 ms
	Max    int           // longest reading in bytes; 0: 8192
	AIM    bool          // readings begin with an AIM identifier, and one without is damaged
	// Start makes the scanner read and Stop ends it; nil: it always reads, and
	// what nobody asked for is thrown away. Answer is what it answers to both, to
	// Start before anything it reads then; nil: nothing.
	Start, Stop, Answer []byte
	// Own says that the line is the scanner's own (USB): where the line is open,
	// the scanner is there. Otherwise its health is unknown until it has read.
	Own    bool
	Reopen time.Duration // between tries to open the port; 0: 300 ms
}

// answerTime is how long a scanner may take to answer Start.
const answerTime = 500 * time.Millisecond

// again is how often a scanner is told to go on: some give up after three
// seconds.
const again = 2 * time.Second

// Dev is a scanner. It is safe for concurrent use.
type Dev struct{ *scanline.Dev }

var _ device.CodeScanner = (*Dev)(nil)

// New returns the scanner on port. It does not wait for it.
func New(port link.Port, o Opts) (*Dev, error) {
	ends, ok := map[string][]string{"": {"\r", "\n"}, "cr": {"\r"}, "lf": {"\n"}, "crlf": {"\r\n"}}[o.Suffix]
	switch {
	case !ok:
		return nil, fmt.Errorf("serialscan: got suffix %q, want cr, lf or crlf", o.Suffix)
	case o.Gap < 0 || o.Max < 0:
		return nil, fmt.Errorf("serialscan: got gap %v and longest reading %d, want neither negative", o.Gap, o.Max)
	case len(o.Start) == 0 && len(o.Stop)+len(o.Answer) > 0:
		return nil, errors.New("serialscan: got a stop command or an answer without a start command")
	}
	if o.Gap == 0 {
		o.Gap = 50 * time.Millisecond
	}
	if o.Max == 0 {
		o.Max = 8192
	}
	t := &talk{o, scanline.Frame{Ends: ends, Gap: o.Gap, Max: o.Max, Answer: string(o.Answer)}}
	d, err := scanline.New("serial code scanner", port, t, scanline.Opts{Reopen: o.Reopen, Mute: !o.Own && len(o.Answer) == 0})
	if err != nil {
		return nil, err
	}
	return &Dev{d}, nil
}

// talk is the protocol, as far as there is one.
type talk struct {
	o     Opts
	frame scanline.Frame
}

// SetUp implements scanline.Talk. A scanner that answers is asked to.
func (t *talk) SetUp(ctx context.Context, l *scanline.Line) error {
	if len(t.o.Answer) > 0 {
		if err := t.start(ctx, l); err != nil {
			return err
		}
	}
	return t.stop(l)
}

// Check implements scanline.Talk. Asking would switch the light on.
func (t *talk) Check(context.Context, *scanline.Line) error { return nil }

// Read implements scanline.Talk.
func (t *talk) Read(ctx context.Context, l *scanline.Line) (c device.Code, err error) {
	if err := t.frame.Clear(ctx, l); err != nil {
		return device.Code{}, err
	}
	// Whatever happens, it must not go on reading.
	defer func() { err = errors.Join(err, t.stop(l)) }()
	if err := t.start(ctx, l); err != nil {
		return device.Code{}, err
	}
	for {
		b, err := t.frame.Next(ctx, l, again)
		if err == nil {
			if c, ok := t.parse(b); ok {
				return c, nil
			}
			clear(b)
		} else if !errors.Is(err, scanline.ErrLost) && !errors.Is(err, device.ErrTimeout) {
			return device.Code{}, err
		}
		// Scanners stop after each reading, good or bad, and after a while.
		if err := t.start(ctx, l); err != nil {
			return device.Code{}, err
		}
	}
}

// start makes the scanner read, and drops what comes before its answer.
func (t *talk) start(ctx context.Context, l *scanline.Line) error {
	if err := t.command(ctx, l, t.o.Start); err != nil {
		return fmt.Errorf("start: %w", err)
	}
	return nil
}

// stop makes it read no more, also after the caller's context has ended.
func (t *talk) stop(l *scanline.Line) error {
	if err := t.command(context.Background(), l, t.o.Stop); err != nil {
		return fmt.Errorf("stop: %w", err)
	}
	return nil
}

func (t *talk) command(ctx context.Context, l *scanline.Line, b []byte) error {
	if len(b) == 0 {
		return nil
	}
	if err := l.Write(b); err != nil {
		return err
	}
	end := time.Now().Add(answerTime)
	for got := []byte(nil); len(t.o.Answer) > 0; {
		b, err := l.Next(ctx, time.Until(end))
		if err != nil {
			return err
		}
		got = append(got, b...)
		if _, after, ok := bytes.Cut(got, t.o.Answer); ok {
			l.Unread(after)
			return nil
		}
		n := max(0, len(got)-len(t.o.Answer))
		clear(got[:n])
		got = got[n:]
	}
	return nil
}

// parse makes a code of one reading.
func (t *talk) parse(b []byte) (device.Code, bool) {
	sym := device.AnyCode
	if s, rest, ok := CutAIM(b); ok {
		sym, b = s, rest
	} else if t.o.AIM {
		return device.Code{}, false
	}
	if !scanline.Sound(b) {
		return device.Code{}, false
	}
	return device.Code{Symbology: sym, Data: b}, true
}
