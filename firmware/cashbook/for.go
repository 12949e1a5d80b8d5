package cashbook

import (
	"errors"
	"path/filepath"

	"github.com/penjire/penjire/drivers/device"
)

// For opens the book of the device called name, in folder, and gives it to d. It
// returns nil where d is no acceptor of money. Without its book an acceptor takes
// nothing.
func For(d device.Device, folder, name string) (*Book, error) {
	a, ok := d.(device.Journaled)
	if !ok {
		return nil, nil
	}
	b, err := Open(filepath.Join(folder, "cash-"+name+".book"))
	if err != nil {
		return nil, err
	}
	if err := a.UseJournal(b); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}
