// Package ssi drives code scanners that speak Zebra's Simple Serial Interface:
// Zebra (Symbol, Motorola) engines, and others made alike, such as Grow's GM72.
//
// The scanner is put into host-trigger mode: light and aimer are on only while
// somebody calls Scan. Readings come in packets with a checksum; each is
// acknowledged, and a damaged one is asked for again.
//
// # Keyboards
//
// A scanner that is still a USB keyboard cannot be used; package serialscan says
// why and what to do. Scanners for SSI also need "SSI" (or "SSI over USB CDC")
// set as their host, with the code in their manual.
//
// # Reference
//
// Zebra, "Simple Serial Interface Programmer's Guide" (72E-40451): packet
// format, CMD_ACK, CMD_NAK, DECODE_DATA, START_SESSION, STOP_SESSION,
// FLUSH_QUEUE, PARAM_SEND, PARAM_REQUEST, REQUEST_REVISION, CAPABILITIES_REQUEST,
// BEEP, LED_ON, LED_OFF; "Transaction Examples" for what is acknowledged.
package ssi

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/link"
	"github.com/penjire/penjire/drivers/scanline"
)

// Opcodes.
const (
	OpRequestRevision     = 0xA3
	OpReplyRevision       = 0xA4
	OpParamSend           = 0xC6
	OpParamRequest        = 0xC7
	OpAck                 = 0xD0
	OpNak                 = 0xD1
	OpFlushQueue          = 0xD2
	OpCapabilitiesRequest = 0xD3
	OpCapabilitiesReply   = 0xD4
	OpStart               = 0xE4
	OpStop                = 0xE5
	OpBeep                = 0xE6
	OpLEDOn               = 0xE7
	OpLEDOff              = 0xE8
	OpDecodeData          = 0xF3
	OpEvent               = 0xF6
)

// Causes of a NAK.
const (
	NakResend     = 0x01
	NakBadContext = 0x02
	NakDenied     = 0x06
	NakCancel     = 0x0A
)

// Parameters, and the values we set.
const (
	ParamTrigger   = 0x8A
	TriggerHost    = 0x08
	ParamPacketed  = 0xEE // readings in DECODE_DATA
	ParamHandshake = 0x9F // commands are acknowledged
)

// noBeep is the beep code of a PARAM_SEND that makes no sound.
const noBeep = 0xFF

// params are the parameters that must stand for anything to work, in the form
// of PARAM_SEND and of the answer to PARAM_REQUEST.
var params = []byte{ParamTrigger, TriggerHost, ParamPacketed, 1, ParamHandshake, 1}

// Opts are settings. Zero values are the defaults.
type Opts struct {
	Max    int           // longest reading in bytes; 0: 8192
	Beep   bool          // beep after a reading that was taken
	Keep   bool          // set parameters permanently: once, by a technician; it wears the memory
	Reopen time.Duration // between tries to open the port; 0: 300 ms
	Check  time.Duration // between checks; 0: 1 s
}

// Dev is a scanner. It is safe for concurrent use.
type Dev struct {
	*scanline.Dev
	talk *talk
}

var _ device.CodeScanner = (*Dev)(nil)

// New returns the scanner on port. It does not wait for it.
func New(port link.Port, o Opts) (*Dev, error) {
	if o.Max < 0 {
		return nil, fmt.Errorf("ssi: got longest reading %d, want it not negative", o.Max)
	}
	if o.Max == 0 {
		o.Max = 8192
	}
	t := &talk{o: o, dec: Decoder{Source: FromDecoder}}
	d, err := scanline.New("SSI code scanner", port, t, scanline.Opts{Reopen: o.Reopen, Check: o.Check})
	if err != nil {
		return nil, err
	}
	return &Dev{d, t}, nil
}

// Revision is what the scanner says of itself: its software and hardware, words
// for people. It is empty until the scanner was set up.
func (d *Dev) Revision() string {
	d.talk.mu.Lock()
	defer d.talk.mu.Unlock()
	return d.talk.revision
}

// symbologies maps code types of DECODE_DATA that we tell apart.
var symbologies = map[byte]device.Symbology{
	0x03: device.Code128, 0x11: device.PDF417, 0x1B: device.DataMatrix, 0x1C: device.QRCode, 0x2D: device.Aztec,
}

// again is how often a session is started anew: the decoder ends one after 9.9 s
// at most, and says nothing.
const again = 2 * time.Second

// SetUp implements scanline.Talk.
func (t *talk) SetUp(ctx context.Context, l *scanline.Line) error {
	if err := t.wake(ctx, l); err != nil {
		return err
	}
	if err := t.order(ctx, l, OpStop, 0); err != nil {
		return err
	}
	var status byte
	if t.o.Keep {
		status = Permanent
	}
	if err := t.order(ctx, l, OpParamSend, status, append([]byte{noBeep}, params...)...); err != nil {
		return err
	}
	rev, err := t.ask(ctx, l, OpRequestRevision, OpReplyRevision)
	if err != nil {
		return err
	}
	t.mu.Lock()
	t.revision = printable(rev)
	t.mu.Unlock()
	// Not all decoders know this request; whoever does not has no beeper for us.
	can, err := t.ask(ctx, l, OpCapabilitiesRequest, OpCapabilitiesReply)
	t.beeps = err == nil && knows(can, OpBeep)
	return t.check(ctx, l)
}

// Check implements scanline.Talk.
func (t *talk) Check(ctx context.Context, l *scanline.Line) error {
	if err := t.wake(ctx, l); err != nil {
		return err
	}
	if err := t.check(ctx, l); err != nil {
		// It may have been without power, and reads whatever it sees now.
		return t.SetUp(ctx, l)
	}
	return nil
}

// check wants the parameters as they were set.
func (t *talk) check(ctx context.Context, l *scanline.Line) error {
	var ids []byte
	for i := 0; i < len(params); i += 2 {
		ids = append(ids, params[i])
	}
	got, err := t.ask(ctx, l, OpParamRequest, OpParamSend, ids...)
	if err != nil {
		return err
	}
	if len(got) < 1 || string(got[1:]) != string(params) {
		return fmt.Errorf("parameters are % X, want % X: %w", got, params, device.ErrProtocol)
	}
	return nil
}

// Read implements scanline.Talk.
func (t *talk) Read(ctx context.Context, l *scanline.Line) (c device.Code, err error) {
	if err := t.Check(ctx, l); err != nil {
		return device.Code{}, err
	}
	// What it has read before and not sent.
	if err := t.order(ctx, l, OpFlushQueue, 0); err != nil {
		return device.Code{}, err
	}
	if err := t.quiet(ctx, l); err != nil {
		return device.Code{}, err
	}
	defer func() {
		if e := t.stop(l); err == nil {
			err = e
		}
	}()
	for {
		err := t.order(ctx, l, OpStart, 0)
		if errors.Is(err, device.ErrUnsupported) {
			// Refused: it was without power meanwhile. The next time it is a fault.
			if err = t.SetUp(ctx, l); err == nil {
				err = t.order(ctx, l, OpStart, 0)
			}
		}
		if err != nil {
			return device.Code{}, err
		}
		c, ok, err := t.reading(ctx, l)
		if err != nil || ok {
			return c, err
		}
	}
}

// stop ends the session, and what it has read besides. It is also called after
// the caller's time is up, and then tries less.
func (t *talk) stop(l *scanline.Line) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*ackTime)
	defer cancel()
	t.dec.Reset()
	for _, op := range []byte{OpStop, OpFlushQueue} {
		if err := t.order(ctx, l, op, 0); err != nil {
			if ctx.Err() != nil {
				err = fmt.Errorf("stop: %w", device.ErrTimeout)
			}
			return err
		}
	}
	return nil
}

// printable keeps of b what a person can read.
func printable(b []byte) string {
	var out []byte
	for _, x := range b {
		if x >= 0x20 && x < 0x7F {
			out = append(out, x)
		}
	}
	return string(out)
}

// knows reports whether op is among the commands of CAPABILITIES_REPLY: baud
// rates (2), parity, handshaking and multi-packet options (3), then commands.
func knows(can []byte, op byte) bool {
	for i := 5; i < len(can); i++ {
		if can[i] == op {
			return true
		}
	}
	return false
}
