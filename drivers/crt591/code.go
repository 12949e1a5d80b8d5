package crt591

import (
	"errors"
	"fmt"
	"slices"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/slot"
)

// ErrMechanism is a reader that a technician has to look at: sensor, motor,
// magnet, contacts.
var ErrMechanism = errors.New("mechanism is broken")

// Code is a unit's error code, two characters (2.2).
type Code string

// Codes that the driver itself branches on.
const (
	codeJam      Code = "10"
	codeByHand   Code = "16"
	codeByHand2  Code = "45"
	codeSilent   Code = "63"
	codeProtocol Code = "64"
	codeInactive Code = "65"
	codeComm     Code = "67"
	codeCommLate Code = "68"
	codeNoEMV    Code = "69"
	codeNoStack  Code = "A0"
	codeNotReset Code = "B0"
)

// meaning is what a code means: in English, for who branches, and for what the
// unit may have done.
type meaning struct {
	text   string
	err    error
	effect device.SideEffect
}

const (
	no      = device.SideEffectNo
	unknown = device.SideEffectUnknown
)

// codes are all there are in 2.2, with those that 3.2 adds and that other
// drivers of the family know.
var codes = map[Code]meaning{
	"00":         {"undefined command", device.ErrUnsupported, no},
	"01":         {"wrong parameter", device.ErrUnsupported, no},
	"02":         {"wrong order of commands", device.ErrProtocol, no},
	"03":         {"hardware does not support it", device.ErrUnsupported, no},
	"04":         {"wrong data", device.ErrProtocol, no},
	"05":         {"contacts were not released", ErrMechanism, unknown},
	codeJam:      {"card jam", device.ErrMediaJam, unknown},
	"12":         {"sensor error", ErrMechanism, unknown},
	"13":         {"card is too long", device.ErrInvalidMedia, unknown},
	"14":         {"card is too short", device.ErrInvalidMedia, unknown},
	codeByHand:   {"card was moved by hand", device.ErrMediaGone, unknown},
	"40":         {"card cannot be recycled", device.ErrMediaJam, unknown},
	"41":         {"magnet of the contacts", ErrMechanism, unknown},
	"42":         {"card does not reach the contacts", device.ErrMediaJam, unknown},
	"43":         {"card does not reach the contacts", device.ErrMediaJam, unknown},
	codeByHand2:  {"card was moved by hand", device.ErrMediaGone, unknown},
	"50":         {"counter of captured cards is over", device.ErrBinFull, unknown},
	"51":         {"motor error", ErrMechanism, unknown},
	"60":         {"short circuit at the contacts", device.ErrInvalidMedia, unknown},
	"61":         {"card cannot be activated", device.ErrInvalidMedia, unknown},
	"62":         {"card does not support it", device.ErrUnsupported, no},
	codeSilent:   {"card does not answer", device.ErrTimeout, unknown},
	codeProtocol: {"card breaks its protocol", device.ErrProtocol, unknown},
	codeInactive: {"card is not activated", device.ErrMediaGone, no},
	"66":         {"card does not support it now", device.ErrUnsupported, no},
	codeComm:     {"card is not understood", device.ErrProtocol, unknown},
	codeCommLate: {"card answers too late", device.ErrTimeout, unknown},
	codeNoEMV:    {"card is not of EMV", device.ErrInvalidMedia, unknown},
	codeNoStack:  {"stacker is empty", device.ErrNoMedia, no},
	"A1":         {"bin is full", device.ErrBinFull, no},
	codeNotReset: {"unit has lost power and was not initialized", device.ErrMediaGone, no},
}

// Error implements error.
func (c Code) Error() string {
	if m, ok := codes[c]; ok {
		return fmt.Sprintf("unit answers %q, %s", string(c), m.text)
	}
	return fmt.Sprintf("unit answers %q", string(c))
}

// err returns the error of a command that was answered with c.
func (c Code) err() error {
	m, ok := codes[c]
	if !ok {
		m = meaning{err: device.ErrProtocol, effect: unknown}
	}
	if c == codeInactive || c == codeNotReset {
		return slot.Fail(m.effect, fmt.Errorf("%w: %w: %w", c, slot.ErrCardLost, m.err))
	}
	return slot.Fail(m.effect, fmt.Errorf("%w: %w", c, m.err))
}

// has reports whether err is an answer with one of cs.
func has(err error, cs ...Code) bool {
	got, ok := errors.AsType[Code](err)
	if !ok {
		return false
	}
	return slices.Contains(cs, got)
}
