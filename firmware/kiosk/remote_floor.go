package kiosk

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
)

// The highest version of settings from afar that was taken is kept in a file of its
// own: where the settings are damaged, no older ones come in their place.
const (
	floorFile = "settings.floor"
	floorKind = "settings-floor"
)

// openFloor reads the floor; k.remoting is held. One that is damaged is made anew from
// the settings.
func (k *Kiosk) openFloor() {
	v, err := readKept(filepath.Join(k.s.State, floorFile), floorKind)
	if errors.Is(err, os.ErrNotExist) {
		return
	}
	if err == nil {
		k.floor, err = strconv.ParseUint(v, 10, 64)
	}
	if err != nil {
		k.log.Warn("which settings were taken last is known from themselves alone", "err", err)
	}
}

// raiseFloor makes a version the floor, durably, before its settings are kept;
// k.remoting is held.
func (k *Kiosk) raiseFloor(version uint64) error {
	if err := writeKept(filepath.Join(k.s.State, floorFile), floorKind, strconv.FormatUint(version, 10)); err != nil {
		return err
	}
	k.floor = version
	return nil
}
