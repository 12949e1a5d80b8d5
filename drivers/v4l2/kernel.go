package v4l2

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/penjire/penjire/drivers/device"
)

// Node is an open camera, as the kernel or an emulator gives it.
type Node interface {
	// Ioctl carries request out on arg, which has the size that request says.
	// Errors are unix.Errno.
	Ioctl(request uint32, arg []byte) error
	// Wait is Ioctl for a request that answers unix.EAGAIN until there is something:
	// it waits for it, until the deadline, or until Close.
	Wait(request uint32, arg []byte, deadline time.Time) error
	// Map maps length bytes of the camera's memory at offset; Unmap undoes it.
	Map(offset uint32, length int) ([]byte, error)
	Unmap([]byte) error
	Close() error
}

// Layout says where the kernel expects the fields of its structures: they differ
// with the size of pointers. On 32 bits it is the layout of kernels since 5.6,
// whose times have 64 bits.
type Layout struct {
	formatSize, formatAt int // struct v4l2_format, and its union
	bufferSize           int // struct v4l2_buffer
	memory, m, length    int // fields of it
}

// The two layouts that there are.
var (
	Layout32 = Layout{formatSize: 204, formatAt: 4, bufferSize: 80, memory: 60, m: 64, length: 68}
	Layout64 = Layout{formatSize: 208, formatAt: 8, bufferSize: 88, memory: 60, m: 64, length: 72}
)

// native is the layout of this machine.
func native() Layout {
	if bits.UintSize == 32 {
		return Layout32
	}
	return Layout64
}

// Sizes of structures that are the same everywhere.
const (
	capabilitySize = 104
	fmtdescSize    = 64
	frmsizeSize    = 44
	requestSize    = 20
)

// Directions of a request (asm-generic/ioctl.h; x86 and ARM alike).
const (
	dirWrite = 1
	dirRead  = 2
)

func request(dir, number uint32, size int) uint32 {
	return dir<<30 | uint32(size)<<16 | 'V'<<8 | number
}

// The requests (linux/videodev2.h).
func queryCap() uint32               { return request(dirRead, 0, capabilitySize) }
func enumFormat() uint32             { return request(dirRead|dirWrite, 2, fmtdescSize) }
func (l Layout) setFormat() uint32   { return request(dirRead|dirWrite, 5, l.formatSize) }
func requestBuffers() uint32         { return request(dirRead|dirWrite, 8, requestSize) }
func (l Layout) queryBuffer() uint32 { return request(dirRead|dirWrite, 9, l.bufferSize) }
func (l Layout) queue() uint32       { return request(dirRead|dirWrite, 15, l.bufferSize) }
func (l Layout) dequeue() uint32     { return request(dirRead|dirWrite, 17, l.bufferSize) }
func streamOn() uint32               { return request(dirWrite, 18, 4) }
func streamOff() uint32              { return request(dirWrite, 19, 4) }
func enumSizes() uint32              { return request(dirRead|dirWrite, 74, frmsizeSize) }

func put(b []byte, at int, v uint32) { binary.NativeEndian.PutUint32(b[at:], v) }
func get(b []byte, at int) uint32    { return binary.NativeEndian.Uint32(b[at:]) }

// meaning gives an error of the kernel its meaning for a device.
func meaning(err error) error {
	switch {
	case err == nil, errors.Is(err, device.ErrProtocol), errors.Is(err, device.ErrUnsupported):
		return err
	case errors.Is(err, unix.ENODEV), errors.Is(err, unix.ENXIO), errors.Is(err, unix.ENOENT), errors.Is(err, unix.EIO):
		return fmt.Errorf("%w: %w", device.ErrUnplugged, err)
	case errors.Is(err, unix.EBUSY):
		return fmt.Errorf("%w: %w", device.ErrBusy, err)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("%w: %w", device.ErrTimeout, err)
	case errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOTTY), errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM):
		return fmt.Errorf("%w: %w", device.ErrUnsupported, err)
	}
	return err
}
