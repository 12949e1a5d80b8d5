package bench

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// lock takes the world in dir for this bench until the file is closed or the
// bench is gone, however it goes. A second bench in the folder would turn the
// first one's settings and devices over to itself.
func lock(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "bench.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	switch {
	case errors.Is(err, unix.EWOULDBLOCK):
		err = fmt.Errorf("bench: another bench is at work in %s (DIR=folder chooses another folder)", dir)
	case err != nil:
		err = fmt.Errorf("bench: lock %s: %w", dir, err)
	default:
		return f, nil
	}
	return nil, errors.Join(err, f.Close())
}
