package tpm

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// maxResponse is more than any answer of a TPM (TPM2_MAX_RESPONSE_SIZE is 4096).
const maxResponse = 8 << 10

// link carries commands to a TPM until a moment and no longer. It implements
// transport.TPM of go-tpm, whose own carriers wait for ever.
//
// The same code speaks to the kernel's character device and to a unix socket:
// both take a command in one write and say by poll(2) when the answer is there
// (tpm(4) since Linux 5.1).
type link struct {
	fd    int
	until time.Time
}

func dial(path string, until time.Time) (*link, error) {
	fi, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrGone, err)
	}
	l := &link{fd: -1, until: until}
	switch fi.Mode().Type() {
	case os.ModeSocket:
		if l.fd, err = unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0); err != nil {
			return nil, fmt.Errorf("open a socket: %w", err)
		}
		// A unix socket connects at once or not at all.
		err = unix.Connect(l.fd, &unix.SockaddrUnix{Name: path})
	case os.ModeDevice | os.ModeCharDevice:
		l.fd, err = unix.Open(path, unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	default:
		return nil, fmt.Errorf("%s is neither a device nor a socket: %w", path, ErrGone)
	}
	switch {
	case errors.Is(err, unix.EBUSY), errors.Is(err, unix.EAGAIN):
		l.close()
		return nil, fmt.Errorf("%s is in use by another program: %w: %w", path, ErrStalled, err)
	case err != nil:
		l.close()
		return nil, fmt.Errorf("open %s: %w: %w", path, ErrGone, err)
	}
	return l, nil
}

func (l *link) close() {
	if l.fd >= 0 {
		_ = unix.Close(l.fd) // nothing is buffered
	}
}

// Send implements transport.TPM.
func (l *link) Send(command []byte) ([]byte, error) {
	for len(command) > 0 {
		if err := l.wait(unix.POLLOUT); err != nil {
			return nil, err
		}
		n, err := unix.Write(l.fd, command)
		switch {
		case errors.Is(err, unix.EINTR), errors.Is(err, unix.EAGAIN):
			continue
		case err != nil:
			return nil, fmt.Errorf("send a command: %w: %w", ErrGone, err)
		}
		command = command[n:]
	}
	return l.receive()
}

// receive reads one response: its header says how long it is.
func (l *link) receive() ([]byte, error) {
	const header = 10
	buf := make([]byte, maxResponse)
	for n, want := 0, header; ; {
		if err := l.wait(unix.POLLIN); err != nil {
			return nil, err
		}
		m, err := unix.Read(l.fd, buf[n:])
		switch {
		case errors.Is(err, unix.EINTR), errors.Is(err, unix.EAGAIN):
			continue
		case err != nil:
			return nil, fmt.Errorf("receive an answer: %w: %w", ErrGone, err)
		case m == 0:
			return nil, fmt.Errorf("receive an answer: %w: it ended after %d bytes", ErrGone, n)
		}
		if n += m; n < header {
			continue
		}
		size := binary.BigEndian.Uint32(buf[2:6])
		if size < header || size > maxResponse {
			return nil, fmt.Errorf("receive an answer: it says it has %d bytes: %w", size, ErrNonsense)
		}
		if want = int(size); n > want {
			return nil, fmt.Errorf("receive an answer: %d bytes follow it: %w", n-want, ErrNonsense)
		}
		if n == want {
			return buf[:n], nil
		}
	}
}

// wait returns when the TPM can be written to or read from.
func (l *link) wait(events int16) error {
	for {
		left := time.Until(l.until)
		if left <= 0 {
			return fmt.Errorf("%w in time", ErrStalled)
		}
		fds := []unix.PollFd{{Fd: int32(l.fd), Events: events}}
		n, err := unix.Poll(fds, int(left.Milliseconds())+1)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return fmt.Errorf("wait for the TPM: %w: %w", ErrGone, err)
		case n > 0:
			return nil // also an error or the end: the next call says which
		}
	}
}
