package pn532

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/slot"
)

// target is an activated card.
type target struct {
	tg  byte
	uid []byte
	ats []byte // empty: no ISO 14443-4, no APDUs
}

// find looks once for a type A card and activates it. nil means none.
func (c *chip) find(ctx context.Context) (*target, error) {
	r, err := c.command(ctx, commandTimeout, cmdInListPassive, 0x01, 0x00)
	if err != nil {
		return nil, fmt.Errorf("look for a card: %w", err)
	}
	t, err := parseTarget(r)
	if err != nil {
		return nil, fmt.Errorf("look for a card: %w", err)
	}
	return t, nil
}

// parseTarget reads the response to InListPassiveTarget for type A: NbTg, Tg,
// SENS_RES[2], SEL_RES, length and UID, then, for ISO 14443-4 cards (SEL_RES bit
// 6), the ATS, whose first byte is its length with itself.
func parseTarget(r []byte) (*target, error) {
	bad := func(what string) (*target, error) {
		return nil, fmt.Errorf("parse target: %s: %w", what, device.ErrProtocol)
	}
	if len(r) < 1 {
		return bad("it is empty")
	}
	if r[0] == 0 {
		return nil, nil
	}
	if r[0] != 1 || len(r) < 6 {
		return bad("it is cut off, or not one card")
	}
	n := int(r[5])
	if n != 4 && n != 7 && n != 10 || len(r) < 6+n {
		return bad("UID is cut off")
	}
	t := &target{tg: r[1], uid: bytes.Clone(r[6 : 6+n])}
	if r[4]&0x20 == 0 {
		return t, nil
	}
	ats := r[6+n:]
	if len(ats) < 1 || int(ats[0]) > len(ats) || ats[0] < 1 {
		return bad("ATS is cut off")
	}
	t.ats = bytes.Clone(ats[:ats[0]])
	return t, nil
}

// present reports whether t is still there.
func (c *chip) present(ctx context.Context, t *target) (bool, error) {
	if len(t.ats) == 0 {
		// Such a card answers only to being found again.
		if _, err := c.command(ctx, commandTimeout, cmdInRelease, 0x00); err != nil {
			return false, fmt.Errorf("release card: %w", err)
		}
		again, err := c.find(ctx)
		if err != nil || again == nil {
			return false, err
		}
		return bytes.Equal(again.uid, t.uid), nil
	}
	// Diagnose 6: the chip sends R(NACK) and wants an answer (7.2.1).
	r, err := c.command(ctx, commandTimeout, cmdDiagnose, 0x06)
	if err != nil {
		return false, fmt.Errorf("check that the card is there: %w", err)
	}
	return len(r) == 1 && r[0] == 0, nil
}

// Status byte of InDataExchange: the low six bits are the error, bit 6 says
// that more follows.
const (
	statusMask = 0x3F
	statusMore = 0x40
)

// maxExchange is what one InDataExchange carries beside command and target.
const maxExchange = MaxData - 2

// maxResponse bounds what a card may send in pieces.
const maxResponse = 64 << 10

// exchange sends one APDU to t and returns the response APDU.
func (c *chip) exchange(ctx context.Context, timeout time.Duration, t *target, apdu []byte) ([]byte, error) {
	whole := len(apdu) <= maxExchange
	for len(apdu) > maxExchange {
		if _, _, err := c.piece(ctx, timeout, t.tg|statusMore, apdu[:maxExchange]); err != nil {
			return nil, slot.Fail(device.SideEffectUnknown, err)
		}
		apdu = apdu[maxExchange:]
	}
	out, more, err := c.piece(ctx, timeout, t.tg, apdu)
	if err != nil && !whole {
		// The card holds the beginning of a command: it has to be reset.
		return nil, slot.Fail(device.SideEffectUnknown, err)
	}
	for more && err == nil {
		var part []byte
		part, more, err = c.piece(ctx, timeout, t.tg, nil)
		if out = append(out, part...); len(out) > maxResponse {
			return nil, slot.Fail(device.SideEffectUnknown, fmt.Errorf("response is over %d bytes: %w", maxResponse, device.ErrProtocol))
		}
	}
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (c *chip) piece(ctx context.Context, timeout time.Duration, tg byte, data []byte) (out []byte, more bool, err error) {
	params := append([]byte{tg}, data...)
	defer clear(params) // it may carry a PIN
	r, err := c.command(ctx, timeout, cmdInDataExchange, params...)
	if err != nil {
		return nil, false, err
	}
	if len(r) < 1 {
		return nil, false, slot.Fail(device.SideEffectUnknown, fmt.Errorf("response has no status: %w", device.ErrProtocol))
	}
	if err := statusError(r[0] & statusMask); err != nil {
		return nil, false, err
	}
	return r[1:], r[0]&statusMore != 0, nil
}

// statuses are the errors of table 17 of the user manual that a card causes.
var statuses = map[byte]string{
	0x01: "time-out", 0x02: "CRC error", 0x03: "parity error", 0x05: "framing error",
	0x06: "collision", 0x07: "buffer too small", 0x09: "buffer overflow", 0x0A: "field not switched on in time",
	0x0B: "RF protocol error", 0x0D: "overheated", 0x0E: "internal buffer overflow", 0x10: "invalid parameter",
	0x12: "command not supported by target", 0x13: "ISO-DEP format error", 0x14: "authentication error",
	0x23: "UID check byte wrong", 0x25: "invalid device state", 0x26: "operation not allowed",
	0x27: "command not acceptable now", 0x29: "released by its initiator", 0x2A: "card exchanged for another",
	0x2B: "card disappeared", 0x2C: "NFCID3 mismatch", 0x2D: "over-current", 0x2E: "NAD missing",
}

// statusError gives a status its meaning. After every one of them the card is
// lost to this activation; whether it went away or only misbehaved shows in the
// error that is wrapped.
func statusError(s byte) error {
	if s == 0 {
		return nil
	}
	meaning, effect := device.ErrProtocol, device.SideEffectUnknown
	switch s {
	case 0x01, 0x0A, 0x29, 0x2A, 0x2B:
		meaning = device.ErrMediaGone
	case 0x25, 0x27: // no card activated: nothing was sent to one
		meaning, effect = device.ErrMediaGone, device.SideEffectNo
	}
	what, ok := statuses[s]
	if !ok {
		what = "unknown status"
	}
	return slot.Fail(effect, fmt.Errorf("status %02X, %s: %w: %w", s, what, slot.ErrCardLost, meaning))
}
