package slot

import (
	"errors"

	"github.com/penjire/penjire/drivers/device"
)

// ErrCardLost marks a failure after which the card has to be activated anew,
// whatever its side effect.
var ErrCardLost = errors.New("card is lost")

// failure is a failed command and whether it may have been carried out.
type failure struct {
	effect device.SideEffect
	err    error
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// Fail returns err with a note whether the command may have been carried out.
func Fail(effect device.SideEffect, err error) error { return &failure{effect, err} }

// EffectOf returns the side effect noted in err by Fail; one that is not noted
// is unknown.
func EffectOf(err error) device.SideEffect {
	if f, ok := errors.AsType[*failure](err); ok {
		return f.effect
	}
	return device.SideEffectUnknown
}

// Lost reports whether an exchange that failed with err leaves the card in
// doubt. It does not when the card never noticed.
func Lost(err error) bool {
	return err != nil && (EffectOf(err) != device.SideEffectNo || errors.Is(err, ErrCardLost) || errors.Is(err, device.ErrUnplugged))
}
