package link

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// USBLP is a port on a USB printer that the kernel's usblp has: /dev/usb/lp0, or
// better a link that names the socket. The line it opens is a [PrinterLine].
//
// The kernel takes 8 KiB at a time and sends them while the next Write waits.
// Flush cannot take them back, Close does.
type USBLP struct{ Path string }

// String implements Port.
func (u USBLP) String() string { return u.Path }

// PrinterLine is a line to a printer that says a little about itself apart from
// what is said on the line. Both calls end after five seconds, by the kernel's own
// limit, and fail with an error like Read's.
type PrinterLine interface {
	Line
	// Status asks for the port's state.
	Status() (PortStatus, error)
	// DeviceID returns the printer's IEEE 1284 id: see [ParseDeviceID].
	DeviceID() (string, error)
}

// PortStatus is what a printer says of itself below any printer language (USB
// Device Class Definition for Printing Devices 1.1, 4.2.2). Many cheap printers
// always say that all is well: bad news can be believed, good news cannot.
type PortStatus struct{ PaperOut, Selected, Fault bool }

// portStatus reads the byte of GET_PORT_STATUS. Its fault bit is inverted.
func portStatus(b byte) PortStatus {
	return PortStatus{PaperOut: b&0x20 != 0, Selected: b&0x10 != 0, Fault: b&0x08 == 0}
}

// Open implements Port. The kernel lets nobody else open the printer meanwhile.
func (u USBLP) Open(ctx context.Context) (Line, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("link: open %s: %w", u.Path, err)
	}
	l, err := u.open()
	if err != nil {
		return nil, fmt.Errorf("link: open %s: %w", u.Path, gone(err))
	}
	return l, nil
}

func (u USBLP) open() (*usblpLine, error) {
	path, err := filepath.EvalSymlinks(u.Path)
	if err != nil {
		return nil, err
	}
	d, err := openDescriptor(u.Path, path)
	if err != nil {
		return nil, err
	}
	l := &usblpLine{descriptor: d}
	// A file has no deadlines: a write to it would be no print and never end late.
	if err := l.SetReadDeadline(time.Time{}); err != nil {
		return nil, errors.Join(fmt.Errorf("not a printer: %w", err), l.Close())
	}
	if err := l.Flush(); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

type usblpLine struct{ *descriptor }

// idlePacket is how long to wait after a printer answered with nothing.
const idlePacket = 20 * time.Millisecond

// Read implements Line. Some printers send empty packets all the time, which the
// kernel passes on as the end of a file that has none: whether the printer is
// still there is then asked.
func (l *usblpLine) Read(p []byte) (int, error) {
	for {
		n, err := l.f.Read(p)
		if n > 0 || len(p) == 0 && err == nil {
			return n, nil
		}
		if errors.Is(err, io.EOF) {
			if _, gone := l.status(); !isGone(gone) {
				time.Sleep(idlePacket)
				continue
			}
		}
		return 0, fmt.Errorf("link: read %s: %w", l.name, gone(err))
	}
}

// isGone reports whether err, of an ioctl, says that the printer left. One that is
// there may fail to answer.
func isGone(err error) bool {
	return errors.Is(err, unix.ENODEV) || errors.Is(err, unix.EIO) || errors.Is(err, unix.ENXIO)
}

// Flush implements Line for what was received.
func (l *usblpLine) Flush() error {
	err := l.control(func(fd int) error {
		return drain(func(b []byte) (int, error) {
			n, err := unix.Read(fd, b)
			if n != 0 || err != nil {
				return n, err
			}
			if _, err := l.status(); isGone(err) {
				return 0, err
			}
			return 0, unix.EAGAIN // an empty packet
		})
	})
	if err != nil {
		return fmt.Errorf("link: flush %s: %w", l.name, gone(err))
	}
	return nil
}

// drain reads what there is and forgets it. A device that says more and more is
// not waited for.
func drain(read func([]byte) (int, error)) error {
	buf := make([]byte, 4096)
	for range 64 {
		n, err := read(buf)
		switch {
		case errors.Is(err, unix.EAGAIN):
			return nil
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return err
		case n <= 0:
			return io.EOF
		}
	}
	return nil
}

// The ioctls of linux/lp.h and drivers/usb/class/usblp.c.
const (
	lpGetStatus   = 0x060b
	lpGetDeviceID = 2<<30 | idSize<<16 | 'P'<<8 | 1 // _IOC(_IOC_READ, 'P', 1, idSize)
	idSize        = 1024
)

func (l *usblpLine) ask(request uintptr, answer unsafe.Pointer) error {
	return l.control(func(fd int) error {
		if _, _, e := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), request, uintptr(answer)); e != 0 {
			return e
		}
		return nil
	})
}

func (l *usblpLine) status() (byte, error) {
	var s int32
	err := l.ask(lpGetStatus, unsafe.Pointer(&s))
	return byte(s), err
}

// Status implements PrinterLine.
func (l *usblpLine) Status() (PortStatus, error) {
	b, err := l.status()
	if err != nil {
		return PortStatus{}, fmt.Errorf("link: ask %s for its state: %w", l.name, gone(err))
	}
	return portStatus(b), nil
}

// DeviceID implements PrinterLine.
func (l *usblpLine) DeviceID() (string, error) {
	buf := make([]byte, idSize)
	if err := l.ask(lpGetDeviceID, unsafe.Pointer(&buf[0])); err != nil {
		return "", fmt.Errorf("link: ask %s for its id: %w", l.name, gone(err))
	}
	// Two bytes of length come first, and count themselves; some printers swap them.
	n := int(binary.BigEndian.Uint16(buf))
	if n < 2 || n > len(buf) {
		n = int(binary.LittleEndian.Uint16(buf))
	}
	if n < 2 || n > len(buf) {
		return "", nil
	}
	return string(buf[2:n]), nil
}

// Close implements Line.
func (l *usblpLine) Close() error {
	l.once.Do(func() { l.err = l.f.Close() })
	return l.err
}
