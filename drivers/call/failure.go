package call

import (
	"errors"

	"github.com/penjire/penjire/drivers/device"
)

// failure is an error with its side effect, before it is told of which device.
type failure struct {
	effect device.SideEffect
	err    error
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// Failed returns err with its side effect noted.
func Failed(effect device.SideEffect, err error) error { return &failure{effect, err} }

// Told returns err as a *device.Error of dev; a side effect that is not noted in
// it is unknown. nil stays nil.
func Told(dev, op string, err error) error {
	if err == nil {
		return nil
	}
	effect := device.SideEffectUnknown
	if f, ok := errors.AsType[*failure](err); ok {
		effect = f.effect
	}
	return &device.Error{Dev: dev, Op: op, SideEffect: effect, Err: err}
}
