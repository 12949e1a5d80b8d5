package v4l2

import (
	"errors"
	"os"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// file is a camera of the kernel's. It waits by poll(2) of its own: the runtime's
// poller takes a camera for broken, because one that takes no pictures yet polls as
// an error.
type file struct {
	fd, wake int // wake is an eventfd that ends a Wait

	mu     sync.RWMutex // held for reading while the descriptors are in use
	once   sync.Once
	closed chan struct{}
}

// openNode opens a camera of this machine.
func openNode(path string) (Node, error) {
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, errors.Join(err, unix.Close(fd))
	}
	return &file{fd: fd, wake: wake, closed: make(chan struct{})}, nil
}

// use does f with the descriptors open.
func (n *file) use(f func() error) error {
	n.mu.RLock()
	defer n.mu.RUnlock()
	select {
	case <-n.closed:
		return os.ErrClosed
	default:
		return f()
	}
}

func ioctl(fd int, request uint32, arg []byte) error {
	for {
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), uintptr(request), uintptr(unsafe.Pointer(unsafe.SliceData(arg))))
		switch errno {
		case 0:
			return nil
		case unix.EINTR:
		default:
			return errno
		}
	}
}

// Ioctl implements Node.
func (n *file) Ioctl(request uint32, arg []byte) error {
	return n.use(func() error { return ioctl(n.fd, request, arg) })
}

// Wait implements Node.
func (n *file) Wait(request uint32, arg []byte, deadline time.Time) error {
	return n.use(func() error {
		for {
			if err := ioctl(n.fd, request, arg); !errors.Is(err, unix.EAGAIN) {
				return err
			}
			if err := await(n.fd, n.wake, deadline); err != nil {
				return err
			}
		}
	})
}

// await waits until fd has something to read, wake has, or the deadline passes.
func await(fd, wake int, deadline time.Time) error {
	for {
		left := time.Until(deadline)
		if left <= 0 {
			return os.ErrDeadlineExceeded
		}
		fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}, {Fd: int32(wake), Events: unix.POLLIN}}
		_, err := unix.Poll(fds, int(min(left, time.Minute).Milliseconds())+1)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return err
		case fds[1].Revents != 0:
			return os.ErrClosed
		case fds[0].Revents&unix.POLLIN != 0:
			return nil
		case fds[0].Revents != 0:
			return unix.ENODEV // it polls as an error while it should take pictures
		}
	}
}

// Map implements Node.
func (n *file) Map(offset uint32, length int) (mem []byte, err error) {
	err = n.use(func() (err error) {
		mem, err = unix.Mmap(n.fd, int64(offset), length, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
		return err
	})
	return mem, err
}

// Unmap implements Node. The memory outlives the descriptor.
func (n *file) Unmap(mem []byte) error { return unix.Munmap(mem) }

// Close implements Node.
func (n *file) Close() error {
	err := os.ErrClosed
	n.once.Do(func() {
		close(n.closed)
		_, werr := unix.Write(n.wake, []byte{1, 0, 0, 0, 0, 0, 0, 1}) // not zero, whichever end comes first
		n.mu.Lock()
		defer n.mu.Unlock()
		err = errors.Join(werr, unix.Close(n.fd), unix.Close(n.wake))
	})
	return err
}
