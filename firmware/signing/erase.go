package signing

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/penjire/penjire/firmware/settings"
)

// ErrTokenKeeps is wrapped when a key is in a token: only its maker's tool erases it.
var ErrTokenKeeps = errors.New("the key is in a token, which only its maker's tool erases")

// Erasable is how many keys Erase can erase of those that the pairs name.
func Erasable(pairs ...settings.Pair) int {
	keys := map[settings.Pair]bool{}
	for _, p := range pairs {
		if p.Cert = ""; p.Key != "" || p.TPM.Device != "" {
			keys[p] = true
		}
	}
	return len(keys)
}

// Erase erases the keys that the pairs name, for ever, and says how many are gone.
// A key that was erased before counts again: whoever was interrupted erases again.
func (r *Keyring) Erase(ctx context.Context, pairs ...settings.Pair) (gone int, err error) {
	seen := map[settings.Pair]bool{}
	var errs []error
	for _, p := range pairs {
		if p.Cert = ""; seen[p] {
			continue
		}
		seen[p] = true
		switch {
		case p.Key != "":
			err = EraseFile(p.Key)
		case p.TPM.Device != "":
			err = r.tpm(p.TPM.Device).Erase(ctx, p.TPM.Handle)
		default:
			err = fmt.Errorf("signing: erase a key: %w", ErrTokenKeeps)
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		gone++
	}
	return gone, errors.Join(errs...)
}

// EraseFile overwrites a file where it stands, flushes that, and removes it; nil if
// it is not there. A medium that levels its wear may keep what was written before:
// that is why what a kiosk keeps is of no use without its keys, and why keys belong
// into a TPM where there is one.
func EraseFile(path string) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("signing: erase %s: %w", path, err)
		}
	}()
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err == nil {
		_, err = f.Write(make([]byte, info.Size()))
	}
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Remove(path); err != nil {
		return err
	}
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
