package stick

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Errors of a stick that a person can do something about.
var (
	ErrFull     = errors.New("the stick is full")
	ErrGone     = errors.New("the stick was pulled out or does not answer")
	ErrReadOnly = errors.New("the stick is write-protected")
	ErrNoStick  = errors.New("no stick is mounted there")
	ErrNoFolder = errors.New("there is no such folder, or no right to use it")
	ErrUnlike   = errors.New("what can be read back is not what was written")
)

// unfinished ends the name of a file that is being written. No reader takes one.
const unfinished = ".unfinished"

// Folder is a folder on a stick.
type Folder struct {
	dir string
	dev uint64 // of the file system: another one there means that the stick is gone
}

// OpenFolder returns the folder dir. If not is given, dir has to be on another
// file system than not: a folder in which no stick is mounted is the machine's
// own disk. Errors wrap ErrNoFolder, ErrNoStick or ErrGone where that is why.
func OpenFolder(dir, not string) (*Folder, error) {
	if !filepath.IsAbs(dir) {
		return nil, fmt.Errorf("stick: open %q: the path does not begin with /: %w", dir, ErrNoFolder)
	}
	var st, own unix.Stat_t
	switch err := unix.Stat(dir, &st); {
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENOTDIR), errors.Is(err, unix.EACCES):
		return nil, fmt.Errorf("stick: open %s: %w: %w", dir, ErrNoFolder, err)
	case err != nil:
		return nil, fmt.Errorf("stick: open %s: %w", dir, fault(err))
	case st.Mode&unix.S_IFMT != unix.S_IFDIR:
		return nil, fmt.Errorf("stick: open %s: it is a file: %w", dir, ErrNoFolder)
	}
	if not != "" {
		if err := unix.Stat(not, &own); err == nil && own.Dev == st.Dev {
			return nil, fmt.Errorf("stick: open %s: it is on the machine's own disk: %w", dir, ErrNoStick)
		}
	}
	return &Folder{dir: dir, dev: uint64(st.Dev)}, nil //nolint:unconvert // the size differs by processor
}

// Path returns the folder's path.
func (f *Folder) Path() string { return f.dir }

// Has reports whether there is a file of that name.
func (f *Folder) Has(name string) bool {
	_, err := os.Lstat(filepath.Join(f.dir, name))
	return err == nil
}

// still checks that the same stick is there.
func (f *Folder) still() error {
	var st unix.Stat_t
	if err := unix.Stat(f.dir, &st); err != nil {
		return fault(err)
	}
	if uint64(st.Dev) != f.dev { //nolint:unconvert // the size differs by processor
		return ErrGone
	}
	return nil
}

// Put writes a file of those parts and returns nil when it stands on the stick
// whole under that name: it was flushed, renamed into its place, the folder was
// flushed, and what the medium gives back was compared with what was written. After
// an error no file of that name is there that was not there before, as far as the
// stick still obeys. It does not replace a file.
func (f *Folder) Put(ctx context.Context, name string, parts [][]byte) (err error) {
	path := filepath.Join(f.dir, name)
	part := path + unfinished
	defer func() {
		if err != nil {
			err = fmt.Errorf("stick: write %s: %w", name, fault(err))
		}
	}()
	if f.Has(name) {
		return os.ErrExist
	}
	if err := f.still(); err != nil {
		return err
	}
	sum, err := write(ctx, part, parts)
	if err == nil {
		err = f.still()
	}
	if err == nil {
		err = os.Rename(part, path)
	}
	if err != nil {
		_ = os.Remove(part) // a stick that is gone keeps it; no reader takes it
		_ = flushFolder(f.dir)
		return err
	}
	if err = flushFolder(f.dir); err == nil {
		err = compare(ctx, path, sum)
	}
	if err == nil {
		err = f.still()
	}
	if err != nil {
		_ = os.Remove(path)
		_ = flushFolder(f.dir)
	}
	return err
}

// write makes the file, flushed, and returns the digest of what it should hold.
func write(ctx context.Context, path string, parts [][]byte) (sum [32]byte, err error) {
	out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644) //nolint:gosec // a stick has no owners
	if err != nil {
		return sum, err
	}
	defer func() {
		if e := out.Close(); err == nil {
			err = e
		}
	}()
	h := sha256.New()
	for _, p := range parts {
		if err := ctx.Err(); err != nil {
			return sum, err
		}
		if _, err := out.Write(p); err != nil {
			return sum, err
		}
		_, _ = h.Write(p) // a digest takes everything
	}
	if err := out.Sync(); err != nil {
		return sum, err
	}
	return [32]byte(h.Sum(nil)), nil
}

// compare reads the file from the medium, as far as the kernel lets go of what it
// remembers, and compares it with what was written.
func compare(ctx context.Context, path string, want [32]byte) (err error) {
	in, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }() // it was only read
	// A kernel that keeps the pages all the same makes the comparison weaker, not wrong.
	_ = unix.Fadvise(int(in.Fd()), 0, 0, unix.FADV_DONTNEED)
	h := sha256.New()
	buf := make([]byte, 256<<10)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := in.Read(buf)
		_, _ = h.Write(buf[:n])
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
	}
	if !bytes.Equal(h.Sum(nil), want[:]) {
		return ErrUnlike
	}
	return nil
}

func flushFolder(dir string) (err error) {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer func() {
		if e := d.Close(); err == nil {
			err = e
		}
	}()
	if err := d.Sync(); err != nil && !errors.Is(err, unix.EINVAL) { // a file system that flushes no folders
		return err
	}
	return nil
}

// fault puts what the system says into what a person can do.
func fault(err error) error {
	for why, errs := range map[error][]error{
		ErrFull:     {unix.ENOSPC, unix.EDQUOT, unix.EFBIG},
		ErrGone:     {unix.EIO, unix.ENODEV, unix.ENXIO, unix.ENOTCONN, unix.ESTALE, unix.ENOENT, unix.ENOMEDIUM},
		ErrReadOnly: {unix.EROFS},
		ErrNoFolder: {unix.EACCES, unix.EPERM},
	} {
		for _, e := range errs {
			if errors.Is(err, e) {
				return fmt.Errorf("%w: %w", why, err)
			}
		}
	}
	return err
}

// Clean removes what exports that did not finish have left behind for that kiosk.
func (f *Folder) Clean(kiosk string) {
	left, err := filepath.Glob(filepath.Join(f.dir, "*"+Extension+unfinished))
	if err != nil {
		return // only for a pattern that is wrong
	}
	for _, p := range left {
		if strings.HasPrefix(filepath.Base(p), kiosk+"-") {
			_ = os.Remove(p) // it is in nobody's way but that of room
		}
	}
}
