// Package device says what a kiosk's peripherals can do: one interface for each
// class, with its contract, the words for what state a device is in, and the
// errors that callers branch on. Drivers implement it; nothing here knows one.
//
// Words and states follow XFS4IoT (CEN CWA 17852), the field's standard.
package device

import (
	"context"
	"errors"
	"fmt"

	"periph.io/x/conn/v3"
)

// Sentinel errors. A driver wraps them; callers use errors.Is.
var (
	ErrUnplugged   = errors.New("device is unplugged")
	ErrTimeout     = errors.New("device did not answer in time")
	ErrNoMedia     = errors.New("no card")        // XFS4IoT noMedia
	ErrMediaGone   = errors.New("card was taken") // during an exchange
	ErrProtocol    = errors.New("device answered outside its protocol")
	ErrNoPaper     = errors.New("no paper")   // XFS4IoT paperOut
	ErrCoverOpen   = errors.New("cover open") // XFS4IoT coverOpen
	ErrPaperJam    = errors.New("paper jam")  // XFS4IoT paperJammed
	ErrHot         = errors.New("too hot: it goes on when it has cooled")
	ErrUnsupported = errors.New("not supported by this device")
	ErrMediaJam    = errors.New("card is stuck")                      // XFS4IoT mediaJam
	ErrBusy        = errors.New("device is busy with something else") // XFS4IoT deviceBusy

	ErrInvalidMedia = errors.New("card cannot be used")            // XFS4IoT invalidMedia
	ErrBinFull      = errors.New("bin for captured cards is full") // XFS4IoT retainBinFull

	ErrClockStopped = errors.New("clock had stopped: its time means nothing")
)

// SideEffect says whether a failed operation may have done its work.
type SideEffect int

// The three answers. There is no good default: zero means the driver forgot.
const (
	SideEffectNo      SideEffect = 1 // nothing happened: may be tried again
	SideEffectYes     SideEffect = 2 // it happened
	SideEffectUnknown SideEffect = 3 // it may have happened: never tried again blindly
)

// String returns the word for s.
func (s SideEffect) String() string {
	switch s {
	case SideEffectNo:
		return "no side effect"
	case SideEffectYes:
		return "side effect"
	case SideEffectUnknown:
		return "side effect unknown"
	}
	return fmt.Sprintf("SideEffect(%d)", int(s))
}

// Error is a failed operation on a device.
type Error struct {
	Dev        string // String of the device
	Op         string // "print", "transmit" …
	SideEffect SideEffect
	Err        error
}

// Error implements error.
func (e *Error) Error() string {
	return fmt.Sprintf("%s on %s: %v (%s)", e.Op, e.Dev, e.Err, e.SideEffect)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Health is XFS4IoT's common device state.
type Health string

// The states of XFS4IoT's common.device that we use, in its spelling.
const (
	Online        Health = "online"
	Offline       Health = "offline"
	NoDevice      Health = "noDevice" // not there: unplugged
	HardwareError Health = "hardwareError"
	UserError     Health = "userError" // a person can mend it: cover, paper
	Busy          Health = "deviceBusy"
	Starting      Health = "starting"
	Unknown       Health = "unknown" // never shown as good
)

// Device is what every class shares. Halt (of conn.Resource) stops what the
// device is doing and makes pending calls return; it may be called twice.
type Device interface {
	conn.Resource
	Health() Health
}

// ErrHalted is what calls return after Halt.
var ErrHalted = errors.New("device was halted")

// Watcher is a device of any class that says when its Health may have changed.
// Changes yields until ctx ends, then is closed; notices are coalesced.
type Watcher interface {
	Device
	Changes(ctx context.Context) <-chan struct{}
}
