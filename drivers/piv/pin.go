package piv

import (
	"context"
	"errors"
	"fmt"

	"github.com/penjire/penjire/drivers/iso7816"
)

// PINs have 6 to 8 digits and travel padded with FF (SP 800-73-4 part 2, 2.4.3).
const (
	minPIN = 6
	maxPIN = 8
)

// ErrPINForm is a PIN that no card could take: it was not sent, and no try was
// used up.
var ErrPINForm = errors.New("a PIN has 6 to 8 digits")

// PINError is a PIN that the card did not take. Left is how many tries remain;
// Blocked means none, and that only the PUK opens the card again.
type PINError struct {
	Left    int
	Blocked bool
}

// Error implements error.
func (e *PINError) Error() string {
	if e.Blocked {
		return "PIN is blocked"
	}
	return fmt.Sprintf("wrong PIN, %d tries left", e.Left)
}

// VerifyPIN gives the card its PIN. A *PINError says that it was wrong or that
// it is blocked; ErrPINForm that it was not even sent. Any other error leaves
// open whether a try was used up.
func (c *Card) VerifyPIN(ctx context.Context, pin string) error {
	data, err := padPIN(pin)
	if err != nil {
		return fmt.Errorf("piv: verify PIN: %w", err)
	}
	defer clear(data)
	_, err = c.ch.Do(ctx, iso7816.Command{Ins: insVerify, P2: refPIN, Data: data})
	return pinError(err)
}

// Tries asks how many tries of the PIN are left, without using one up.
// -1 means that the PIN is verified already and the card does not say.
func (c *Card) Tries(ctx context.Context) (int, error) {
	_, err := c.ch.Do(ctx, iso7816.Command{Ins: insVerify, P2: refPIN})
	if err == nil {
		return -1, nil
	}
	if e, ok := errors.AsType[*PINError](pinError(err)); ok {
		return e.Left, nil
	}
	return 0, fmt.Errorf("piv: ask for PIN tries: %w", err)
}

// pinError turns the status words of VERIFY into a *PINError.
func pinError(err error) error {
	sw := iso7816.StatusOf(err)
	if n, ok := sw.TriesLeft(); ok {
		return fmt.Errorf("piv: verify PIN: %w", &PINError{Left: n, Blocked: n == 0})
	}
	if sw == iso7816.AuthBlocked {
		return fmt.Errorf("piv: verify PIN: %w", &PINError{Blocked: true})
	}
	if err != nil {
		return fmt.Errorf("piv: verify PIN: %w", err)
	}
	return nil
}

// padPIN returns pin as the card wants it. The error does not repeat pin.
func padPIN(pin string) ([]byte, error) {
	if len(pin) < minPIN || len(pin) > maxPIN {
		return nil, ErrPINForm
	}
	b := []byte{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}
	for i := range len(pin) {
		if pin[i] < '0' || pin[i] > '9' {
			clear(b)
			return nil, ErrPINForm
		}
		b[i] = pin[i]
	}
	return b, nil
}
