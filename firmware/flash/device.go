package flash

import (
	"errors"
	"fmt"
	"io"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/penjire/penjire/boards/layout"
)

// Target is what an image is written to. Offsets and lengths are multiples of 4096.
type Target interface {
	io.ReaderAt
	io.WriterAt
	// Flush returns when all that was written is on the medium, and no later read is
	// answered from memory.
	Flush() error
	Size() int64
	Close() error
}

// target is a block device, or a file.
type target struct {
	f      *os.File
	size   int64
	block  bool
	direct bool // reads and writes go past the kernel's memory
}

// ErrBusy is returned for a device that somebody has open for himself: a file
// system, an array, another program like this one.
var ErrBusy = errors.New("the device is in use")

// OpenTarget opens the medium at path, for itself alone if it is a block device.
func OpenTarget(path string) (Target, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("flash: open the medium: %w", err)
	}
	t := &target{block: st.Mode()&os.ModeDevice != 0, direct: true}
	if !t.block && !st.Mode().IsRegular() {
		return nil, fmt.Errorf("flash: %s is neither a block device nor a file: %w", path, ErrNoMedium)
	}
	flags := os.O_RDWR
	if t.block {
		flags |= unix.O_EXCL // a mounted device, or one in an array, is refused by the kernel itself
	}
	t.f, err = os.OpenFile(path, flags|unix.O_DIRECT, 0)
	if errors.Is(err, unix.EINVAL) { // a file in memory, a file system that has no such thing
		t.direct = false
		t.f, err = os.OpenFile(path, flags, 0)
	}
	if errors.Is(err, unix.EBUSY) {
		return nil, fmt.Errorf("flash: %s: %w: %w", path, ErrBusy, err)
	}
	if err != nil {
		return nil, fmt.Errorf("flash: open the medium: %w", err)
	}
	if t.size, err = t.f.Seek(0, io.SeekEnd); err != nil {
		return nil, errors.Join(fmt.Errorf("flash: measure the medium: %w", err), t.f.Close())
	}
	t.size -= t.size % chunkUnit
	return t, nil
}

// ReadAt implements io.ReaderAt.
func (t *target) ReadAt(b []byte, off int64) (int, error) { return t.f.ReadAt(b, off) }

// WriteAt implements io.WriterAt.
func (t *target) WriteAt(b []byte, off int64) (int, error) { return t.f.WriteAt(b, off) }

// Size implements Target.
func (t *target) Size() int64 { return t.size }

// Flush implements Target.
func (t *target) Flush() error {
	if err := t.f.Sync(); err != nil {
		return err
	}
	if t.direct {
		return nil
	}
	fd := int(t.f.Fd())
	if t.block {
		return unix.IoctlSetInt(fd, unix.BLKFLSBUF, 0)
	}
	return unix.Fadvise(fd, 0, 0, unix.FADV_DONTNEED)
}

// Close implements Target. It has the kernel read the new partition table, if it can.
func (t *target) Close() error {
	if t.block {
		_ = unix.IoctlSetInt(int(t.f.Fd()), unix.BLKRRPART, 0) // whoever plugs it in next reads it anyhow
	}
	return t.f.Close()
}

// aligned returns memory that a device can be read into past the kernel's own.
func aligned(n int) []byte {
	b := make([]byte, n+layout.Sector*8)
	at := int(-uintptr(unsafe.Pointer(unsafe.SliceData(b))) % chunkUnit)
	return b[at : at+n : at+n]
}
