package kiosk

import (
	"errors"
	"fmt"

	"github.com/penjire/penjire/drivers/registry"
	"github.com/penjire/penjire/firmware/cashbook"
)

// openBooks gives every acceptor of money its book. An acceptor whose book cannot be
// opened takes nothing; a bill that a power cut left open is settled as soon as the
// acceptor is there, though no one can pay yet.
func (k *Kiosk) openBooks() {
	for _, r := range k.loaded {
		if r.State != registry.Loaded {
			continue
		}
		b, err := cashbook.For(r.Device, k.s.State, r.Want.Name)
		switch {
		case err != nil:
			k.log.Error("a device takes no money: its book cannot be used", "device", r.Want.Name, "err", err)
		case b != nil:
			k.books = append(k.books, b)
			if n := len(b.Ambiguous()); n > 0 {
				k.log.Warn("a person has to decide about bills", "device", r.Want.Name, "bills", n)
			}
		}
	}
}

// closeBooks closes them, once the acceptors have been halted.
func (k *Kiosk) closeBooks() error {
	var errs []error
	for _, b := range k.books {
		if err := b.Close(); err != nil {
			errs = append(errs, fmt.Errorf("kiosk: close a cash book: %w", err))
		}
	}
	k.books = nil
	return errors.Join(errs...)
}
