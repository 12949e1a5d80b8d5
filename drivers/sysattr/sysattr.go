// Package sysattr reads and writes attributes of devices that the kernel shows as
// files with one value: those below /sys/class. The folder is always handed in, so
// that any folder on disk will do.
package sysattr

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/penjire/penjire/drivers/device"
)

// Read returns the value of the attribute at path. One that is not there gives an
// error that wraps [device.ErrUnplugged].
func Read(path string) (string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("sysattr: read: %w", gone(err))
	}
	return strings.TrimSpace(string(b)), nil
}

// Int returns the value of an attribute that is a whole number between lo and hi.
func Int(path string, lo, hi int) (int, error) {
	s, err := Read(path)
	if err != nil {
		return 0, err
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < lo || n > hi {
		return 0, fmt.Errorf("sysattr: read %s: got %q, want a whole number from %d to %d: %w", path, s, lo, hi, device.ErrProtocol)
	}
	return n, nil
}

// Write sets an attribute, which must be there.
func Write(path, v string) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("sysattr: write: %w", gone(err))
	}
	_, err = f.WriteString(v)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("sysattr: write: %w", gone(err))
	}
	return nil
}

// Find returns the folder in class whose attribute attr has the value want; where
// want is "", the first by name that has the attribute.
func Find(class, attr, want string) (string, error) {
	entries, err := os.ReadDir(class) // sorted
	if err != nil {
		return "", fmt.Errorf("sysattr: find: %w", gone(err))
	}
	for _, e := range entries {
		dir := filepath.Join(class, e.Name())
		if v, err := Read(filepath.Join(dir, attr)); err == nil && (want == "" || v == want) {
			return dir, nil
		}
	}
	return "", fmt.Errorf("sysattr: find a folder in %s with %s %q: %w", class, attr, want, device.ErrUnplugged)
}

// HealthOf is what the outcome of using an attribute says of its device.
func HealthOf(err error) device.Health {
	switch {
	case err == nil:
		return device.Online
	case errors.Is(err, device.ErrUnplugged):
		return device.NoDevice
	}
	return device.HardwareError
}

// gone gives the errors of a device that left their meaning.
func gone(err error) error {
	for _, e := range []error{fs.ErrNotExist, unix.ENODEV, unix.ENXIO} {
		if errors.Is(err, e) {
			return fmt.Errorf("%w: %w", device.ErrUnplugged, err)
		}
	}
	return err
}
