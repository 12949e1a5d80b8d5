package enrol

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// ReadFile reads a file that should be a set-up, for [ParseSetup]. Of one that is too
// long it returns a byte more than a set-up may have. It follows no link and opens
// nothing but a file: the medium may be anybody's. Errors wrap os.ErrNotExist where
// there is none.
func ReadFile(path string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("enrol: read the set-up: %w", err)
	}
	var b []byte
	st, err := f.Stat()
	if err == nil && !st.Mode().IsRegular() {
		err = errors.New("it is no file")
	}
	if err == nil {
		b, err = io.ReadAll(io.LimitReader(f, MaxSetup+1))
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("enrol: read the set-up: %w", err)
	}
	return b, nil
}
