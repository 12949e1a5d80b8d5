// Command guest is the first and only program of a virtual machine with which the
// rig itself is tested (package virtual). It paints the screen, counts its starts
// on the disk, speaks with who is at the far end of the second serial port, and
// says what keys and pointers do.
package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"time"
	"unsafe"

	"github.com/penjire/penjire/firmware/e2e/virtual/inside"
	"golang.org/x/sys/unix"
)

func main() {
	inside.Say("fault what=%q", run()) // it goes on while all is well
	for {
		_ = unix.Pause() // until the power is cut: the first program must not end
	}
}

func run() error {
	if err := inside.Prepare(nil); err != nil {
		return err
	}
	inside.Say("started")
	if err := disk("/dev/vda"); err != nil {
		return err
	}
	if err := line("/dev/ttyS1"); err != nil {
		return err
	}
	if err := paint(); err != nil {
		return err
	}
	inside.Say("ready")
	for seen := map[string]bool{}; ; time.Sleep(20 * time.Millisecond) { // a new machine has nothing that tells of new devices
		inputs, err := filepath.Glob("/dev/input/event*")
		if err != nil {
			return err
		}
		for _, name := range inputs {
			if !seen[name] {
				if err := listen(name); err != nil {
					return err
				}
			}
			seen[name] = true
		}
	}
}

// disk counts the starts in two blocks, one of which it flushes, and says what is
// in them.
func disk(name string) error {
	fd, err := unix.Open(name, unix.O_RDWR|unix.O_DIRECT, 0)
	if err != nil {
		return fmt.Errorf("open the disk: %w", err)
	}
	memory, err := unix.Mmap(-1, 0, 8192, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE) // O_DIRECT wants whole pages
	if err != nil {
		return err
	}
	kept, unkept := memory[:4096], memory[4096:]
	if _, err := unix.Pread(fd, memory, 0); err != nil {
		return fmt.Errorf("read the disk: %w", err)
	}
	inside.Say("disk flushed=%d unflushed=%d", binary.BigEndian.Uint32(kept), binary.BigEndian.Uint32(unkept))
	for _, b := range [][]byte{kept, unkept} {
		binary.BigEndian.PutUint32(b, binary.BigEndian.Uint32(b)+1)
	}
	if _, err := unix.Pwrite(fd, kept, 0); err != nil {
		return fmt.Errorf("write the disk: %w", err)
	}
	if err := unix.Fsync(fd); err != nil {
		return fmt.Errorf("flush the disk: %w", err)
	}
	if _, err := unix.Pwrite(fd, unkept, 4096); err != nil {
		return fmt.Errorf("write the disk: %w", err)
	}
	return nil // it stays open: closing may flush
}

// line asks the far end of a serial port something.
func line(name string) error {
	fd, err := unix.Open(name, unix.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return err
	}
	if err := unix.IoctlSetTermios(fd, unix.TCSETS, &unix.Termios{
		Cflag: unix.B115200 | unix.CS8 | unix.CREAD | unix.CLOCAL, Ispeed: unix.B115200, Ospeed: unix.B115200,
		Cc: [19]uint8{unix.VMIN: 1},
	}); err != nil {
		return fmt.Errorf("set up %s: %w", name, err)
	}
	if _, err := unix.Write(fd, []byte("ping\n")); err != nil {
		return err
	}
	var said []byte
	for b := make([]byte, 1); ; {
		if n, err := unix.Read(fd, b); err != nil || n == 0 {
			return fmt.Errorf("read %s: %d, %w", name, n, err)
		}
		if b[0] == '\n' {
			inside.Say("line said=%s", said)
			return unix.Close(fd)
		}
		said = append(said, b[0])
	}
}

// paint makes the screen green.
func paint() error {
	f, err := os.OpenFile("/dev/tty1", os.O_RDWR, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString("\x1b[?25l\x1b[42m\x1b[2J")
	return err
}

// listen says what happens at an input device.
func listen(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	var called [64]byte
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, f.Fd(), eviocgname, uintptr(unsafe.Pointer(&called))); errno != 0 {
		return fmt.Errorf("ask for the name of %s: %w", name, errno)
	}
	inside.Say("device name=%s called=%q", filepath.Base(name), unix.ByteSliceToString(called[:]))
	go func() {
		for {
			var e struct {
				_     [2]uint64 // when
				Type  uint16
				Code  uint16
				Value int32
			}
			if _, err := f.Read(unsafe.Slice((*byte)(unsafe.Pointer(&e)), unsafe.Sizeof(e))); err != nil {
				inside.Say("fault what=%q", err)
				return
			}
			if e.Type != 0 { // not the end of a report
				inside.Say("input type=%d code=%d value=%d", e.Type, e.Code, e.Value)
			}
		}
	}()
	return nil
}

// eviocgname asks for the name of an input device: EVIOCGNAME(64) of linux/input.h.
const eviocgname = 0x80404506
