package keyfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
)

// ErrExposed is returned for a key file that others than its user can read or
// change.
var ErrExposed = errors.New("others can get at the key")

// Secret reads a file with a secret in one line, a PIN for instance, that others
// can neither read nor change. Whoever is done with it clears it.
func Secret(name string) ([]byte, error) {
	b, err := private(name)
	if err != nil {
		return nil, fmt.Errorf("keyfile: read a secret: %w", err)
	}
	return bytes.TrimRight(b, "\r\n"), nil
}

// maxKey is more than any key in PEM has.
const maxKey = 64 << 10

// private reads a file that must be nobody else's: a plain file of this user's
// or root's, with no permission for group or others.
func private(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	// The open file is looked at, not its name: nobody can exchange it between.
	fi, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !fi.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no plain file", name)
	}
	if m := fi.Mode().Perm(); m&0o077 != 0 {
		return nil, fmt.Errorf("%s has mode %#o: %w; hint: chmod 600 %s, and ask for a new key if anyone may have read it", name, m, ErrExposed, name)
	}
	if st, ok := fi.Sys().(*syscall.Stat_t); ok && st.Uid != 0 && int(st.Uid) != os.Geteuid() {
		return nil, fmt.Errorf("%s belongs to user %d, not to this one (%d): %w; hint: chown it", name, st.Uid, os.Geteuid(), ErrExposed)
	}
	b, err := io.ReadAll(io.LimitReader(f, maxKey+1))
	if err == nil && len(b) > maxKey {
		err = fmt.Errorf("%s is too long for a key", name)
	}
	return b, err
}
