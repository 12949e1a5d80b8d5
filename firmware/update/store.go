package update

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/penjire/penjire/sync/durable"
	"github.com/penjire/penjire/sync/release"
)

// Files in the updater's folder.
const (
	stateFile  = "update.json"
	bundleFile = "bundle.raucb"
	baseFile   = "base.raucb" // the bundle that went well, of which the next may have parts
)

// store keeps the state, whole or not at all, and the bundle while it comes.
type store struct{ dir string }

// load returns the state that was kept, or a new one. One that cannot be read is put
// aside: what it knew of an update is lost, and the slot that runs is not.
func (d store) load() (State, error) {
	name := filepath.Join(d.dir, stateFile)
	b, err := os.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) {
		return New(), nil
	}
	if err != nil {
		return State{}, fmt.Errorf("update: read where the update stands: %w", err)
	}
	var s State
	if err := json.Unmarshal(b, &s); err != nil || s.Phase < release.Idle || s.Phase > release.Leaving {
		if err := os.Rename(name, name+".damaged"); err != nil {
			return State{}, fmt.Errorf("update: put a damaged state aside: %w", err)
		}
		return New(), nil
	}
	return s, nil
}

// save makes s durable.
func (d store) save(s State) error {
	b, err := json.Marshal(s)
	if err == nil {
		err = durable.WriteFile(filepath.Join(d.dir, stateFile), b, 0o600)
	}
	if err != nil {
		return fmt.Errorf("update: keep where the update stands: %w", err)
	}
	return nil
}

func (d store) bundle() string { return filepath.Join(d.dir, bundleFile) }

func (d store) base() string { return filepath.Join(d.dir, baseFile) }

// drop removes the bundle.
func (d store) drop() error { return remove(d.bundle()) }

// dropBase removes the bundle of before.
func (d store) dropBase() error { return remove(d.base()) }

func remove(name string) error {
	if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("update: remove a bundle: %w", err)
	}
	return nil
}

// keep makes the bundle the base, in place of the one before. Where it was done already
// there is no bundle, and nothing changes.
func (d store) keep() error {
	if err := durable.Rename(d.bundle(), d.base()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("update: keep the bundle that went well: %w", err)
	}
	return nil
}

// sizes returns how many bytes of a bundle there are, and how many the base has.
func (d store) sizes() (bundle, base int64) {
	size := func(name string) int64 {
		info, err := os.Stat(name)
		if err != nil {
			return 0
		}
		return info.Size()
	}
	return size(d.bundle()), size(d.base())
}

// open opens the bundle for writing behind the bytes that are right; there is nothing
// else in it.
func (d store) open(c *release.Content) (f *os.File, have int64, err error) {
	f, err = os.OpenFile(d.bundle(), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, 0, fmt.Errorf("update: open the bundle: %w", err)
	}
	if have, err = c.Good(f); err == nil {
		err = f.Truncate(have)
	}
	if err == nil {
		err = durable.SyncDir(d.dir)
	}
	if err != nil {
		return nil, 0, errors.Join(fmt.Errorf("update: look at what there is of the bundle: %w", err), f.Close())
	}
	return f, have, nil
}

// whole says whether the bundle is there and is the one described.
func (d store) whole(c *release.Content) error {
	f, err := os.Open(d.bundle())
	if err != nil {
		return fmt.Errorf("update: open the bundle: %w", err)
	}
	defer func() { _ = f.Close() }() // it was read only
	return c.Verify(f)
}
