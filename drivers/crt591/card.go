package crt591

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/slot"
)

// Commands and their parameters (2.1.1).
const (
	cmInit   = 0x30
	cmStatus = 0x31
	cmMove   = 0x32
	cmEntry  = 0x33
	cmCPU    = 0x51
	cmRF     = 0x60

	pmLeaveCard   = 0x33 // of cmInit
	pmState       = 0x30 // of cmStatus
	pmHold        = 0x30 // of cmMove
	pmContacts    = 0x31
	pmAntenna     = 0x32
	pmBin         = 0x33
	pmOut         = 0x39
	pmOpen        = 0x30 // of cmEntry
	pmShut        = 0x31
	pmActivate    = 0x30 // of cmCPU and cmRF
	pmDeactivate  = 0x31
	pmChip        = 0x32
	pmT0          = 0x33 // of cmCPU
	pmT1          = 0x34
	pmWarm        = 0x38
	pmTypeA       = 0x34 // of cmRF
	pmTypeB       = 0x35
	vccISO        = 0x33 // 5 V by ISO/IEC 7816-3; the default, EMV, refuses other cards
	stNone        = '0'
	stGate        = '1'
	stInside      = '2'
	maxCommand    = 261 // bytes in a command APDU (3.2.4)
	activateLimit = 8 * time.Second
)

// chip is an activated card.
type chip struct {
	card     device.Card
	cm, apdu byte // what carries APDUs to it
}

// status asks where the card is.
func (u *unit) status(ctx context.Context) ([3]byte, error) {
	a, err := u.do(ctx, order{cm: cmStatus, pm: pmState, safe: true, timeout: quickTimeout})
	return a.st, err
}

// move moves the card. It is not safe: PM 31 takes a new card from the stacker
// when there is none inside.
func (u *unit) move(ctx context.Context, pm byte) ([3]byte, error) {
	a, err := u.do(ctx, order{cm: cmMove, pm: pm, timeout: moveTimeout})
	return a.st, err
}

// activate wakes the chip of the card inside: without contact, and else through
// its contacts.
func (u *unit) activate(ctx context.Context, o Opts) (*chip, error) {
	var err error
	if !o.NoAntenna {
		var c *chip
		if c, err = u.activateRF(ctx); err == nil || !errors.Is(err, device.ErrInvalidMedia) {
			return c, err
		}
	}
	if o.NoContacts {
		return nil, err
	}
	// There was a card inside a moment ago: none is taken from the stacker.
	if _, err := u.move(ctx, pmContacts); err != nil {
		return nil, err
	}
	return u.powerCPU(ctx, pmActivate)
}

// activateRF is 3.6.1: type A first, then type B.
func (u *unit) activateRF(ctx context.Context) (*chip, error) {
	a, err := u.do(ctx, order{cm: cmRF, pm: pmActivate, data: []byte("AB"), timeout: activateLimit})
	if err != nil {
		return nil, noChip(err)
	}
	c, err := parseRF(a.data)
	if err != nil {
		return nil, slot.Fail(unknown, err)
	}
	return c, nil
}

// noChip says of codes in answer to an activation that there is no chip.
func noChip(err error) error {
	if has(err, codeSilent, codeProtocol, codeInactive, codeComm, codeCommLate) {
		return slot.Fail(no, fmt.Errorf("%w: %w", err, device.ErrInvalidMedia))
	}
	return err
}

// parseRF reads the answer to RF activation: its protocol, then for types A and
// M ATQA[2], length and UID, SAK, and for A the ATS; for B the ATQB.
func parseRF(b []byte) (*chip, error) {
	bad := func(what string) (*chip, error) {
		return nil, fmt.Errorf("parse activation: %s: %w", what, device.ErrProtocol)
	}
	if len(b) < 1 {
		return bad("it is empty")
	}
	c := &chip{cm: cmRF, card: device.Card{Protocol: device.TCL, Longest: maxCommand}}
	switch b[0] {
	case 'A', 'M':
		if len(b) < 5 {
			return bad("it is cut off")
		}
		n := int(b[3])
		if n != 4 && n != 7 && n != 10 || len(b) < 4+n+1 {
			return bad("UID is cut off")
		}
		c.card.UID = bytes.Clone(b[4 : 4+n])
		ats := b[4+n+1:]
		if b[0] == 'M' {
			return c, nil // it takes no APDUs
		}
		if len(ats) == 0 {
			return bad("ATS is missing")
		}
		// A byte of parameters may follow.
		if k := int(ats[0]); k >= 1 && k <= len(ats) {
			ats = ats[:k]
		}
		c.card.ATS, c.apdu = bytes.Clone(ats), pmTypeA
	case 'B':
		if len(b) != 1+12 {
			return bad("ATQB is cut off")
		}
		// Type B has neither UID nor ATS: the ATQB begins with 50 and the PUPI.
		c.card.UID, c.card.ATS, c.apdu = bytes.Clone(b[2:6]), bytes.Clone(b[1:]), pmTypeB
	default:
		return bad("unknown protocol")
	}
	return c, nil
}

// powerCPU resets the chip through its contacts, cold or warm (3.2.1, 3.2.6).
func (u *unit) powerCPU(ctx context.Context, pm byte) (*chip, error) {
	var data []byte
	if pm == pmActivate {
		data = []byte{vccISO}
	}
	a, err := u.do(ctx, order{cm: cmCPU, pm: pm, data: data, timeout: activateLimit})
	if err != nil {
		return nil, noChip(err)
	}
	c, err := parseCPU(a.data)
	if err != nil {
		return nil, slot.Fail(unknown, err)
	}
	return c, nil
}

// parseCPU reads the answer to a reset: the protocol, which the unit has chosen,
// then the ATR.
func parseCPU(b []byte) (*chip, error) {
	if len(b) < 3 || len(b) > 1+33 {
		return nil, fmt.Errorf("parse reset: got %d bytes, want a type and an ATR: %w", len(b), device.ErrProtocol)
	}
	c := &chip{cm: cmCPU, card: device.Card{ATS: bytes.Clone(b[1:]), Longest: maxCommand}}
	switch b[0] {
	case '0':
		c.card.Protocol, c.apdu = device.T0, pmT0
	case '1':
		c.card.Protocol, c.apdu = device.T1, pmT1
	default:
		return nil, fmt.Errorf("parse reset: protocol %02X: %w", b[0], device.ErrProtocol)
	}
	return c, nil
}

// active asks whether the chip is still activated (3.2.3, 3.6.3): the same card
// drawn out and put back is not.
func (u *unit) active(ctx context.Context, c *chip) (bool, error) {
	a, err := u.do(ctx, order{cm: c.cm, pm: pmChip, safe: true, timeout: quickTimeout})
	if err != nil {
		return false, err
	}
	return len(a.data) > 0 && a.data[0] != '0', nil
}

// apdu sends one APDU to c and returns the card's response.
func (u *unit) apdu(ctx context.Context, timeout time.Duration, c *chip, apdu []byte) ([]byte, error) {
	if len(apdu) > maxCommand {
		return nil, slot.Fail(no, fmt.Errorf("command of %d bytes, at most %d: %w", len(apdu), maxCommand, device.ErrUnsupported))
	}
	a, err := u.do(ctx, order{cm: c.cm, pm: c.apdu, data: apdu, timeout: timeout})
	switch {
	case err == nil && len(a.data) < 2:
		return nil, slot.Fail(unknown, fmt.Errorf("response of %d bytes has no status: %w", len(a.data), device.ErrProtocol))
	case err == nil:
		return bytes.Clone(a.data), nil
	case !has(err, codeSilent, codeProtocol, codeComm, codeCommLate):
		return nil, err
	}
	// The reader did not hear the card. Whether it is there at all the sensors
	// know.
	st, serr := u.status(ctx)
	if serr == nil && st[0] != stInside {
		return nil, slot.Fail(unknown, fmt.Errorf("%w; %w", err, device.ErrMediaGone))
	}
	return nil, err
}

// rest puts the chip to sleep: before the card is moved, and so that nobody
// finds a PIN that was given.
func (u *unit) rest(ctx context.Context, c *chip) error {
	_, err := u.do(ctx, order{cm: c.cm, pm: pmDeactivate, safe: true, timeout: quickTimeout})
	return err
}
