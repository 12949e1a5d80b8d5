package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// flakey is a disk behind dm-flakey: whole until it is told to lose or to refuse
// what is written.
type flakey struct {
	path    string
	under   string
	sectors uint64
	control *os.File
}

// The ioctls of the device mapper (linux/dm-ioctl.h).
const (
	dmSize    = 312
	dmCreate  = 0xc138fd03
	dmSuspend = 0xc138fd06
	dmLoad    = 0xc138fd09

	dmSuspendFlag    = 1 << 1
	dmSkipLockFSFlag = 1 << 10
	dmNoFlushFlag    = 1 << 11
)

const forEver = 1 << 30 // seconds

func openFlakey(under string) (*flakey, error) {
	f := &flakey{path: "/dev/dm-0", under: under}
	d, err := os.Open(under)
	if err != nil {
		return nil, err
	}
	size, err := d.Seek(0, 2)
	if err := errors.Join(err, d.Close()); err != nil {
		return nil, err
	}
	f.sectors = uint64(size) / 512
	if f.control, err = os.OpenFile("/dev/mapper/control", os.O_RDWR, 0); err != nil {
		return nil, err
	}
	if err := f.call(dmCreate, 0, ""); err != nil {
		return nil, fmt.Errorf("make a device: %w", err)
	}
	if err := f.load(fmt.Sprintf("%s 0 %d 0", under, forEver)); err != nil {
		return nil, err
	}
	return f, f.call(dmSuspend, 0, "") // resumes
}

// become changes how the disk treats what is written from now on: "drop_writes"
// or "error_writes". What is not on the disk yet is written after that, or rather
// not.
func (f *flakey) become(what string) error {
	if err := f.load(fmt.Sprintf("%s 0 0 %d 1 %s", f.under, forEver, what)); err != nil {
		return err
	}
	if err := f.call(dmSuspend, dmSuspendFlag|dmSkipLockFSFlag|dmNoFlushFlag, ""); err != nil {
		return fmt.Errorf("suspend the disk: %w", err)
	}
	return f.call(dmSuspend, 0, "")
}

func (f *flakey) load(table string) error {
	if err := f.call(dmLoad, 0, table); err != nil {
		return fmt.Errorf("load table %q: %w", table, err)
	}
	return nil
}

// call makes one ioctl on the device, with one target of dm-flakey if there is a
// table.
func (f *flakey) call(req uintptr, flags uint32, table string) error {
	var b bytes.Buffer
	put := func(vs ...any) {
		for _, v := range vs {
			_ = binary.Write(&b, binary.LittleEndian, v) // to memory
		}
	}
	targets := uint32(0)
	spec := make([]byte, 0, 40)
	if table != "" {
		targets = 1
		params := append([]byte(table), 0)
		for len(params)%8 != 0 {
			params = append(params, 0)
		}
		spec = binary.LittleEndian.AppendUint64(spec, 0)
		spec = binary.LittleEndian.AppendUint64(spec, f.sectors)
		spec = binary.LittleEndian.AppendUint32(spec, 0)
		spec = binary.LittleEndian.AppendUint32(spec, uint32(40+len(params)))
		var kind [16]byte
		copy(kind[:], "flakey")
		spec = append(append(spec, kind[:]...), params...)
	}
	var name [128]byte
	copy(name[:], "disk")
	put([3]uint32{4, 0, 0}, uint32(dmSize+len(spec)), uint32(dmSize), targets, int32(0), flags, uint32(0), uint32(0), uint64(0), name, [136]byte{}, spec)
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, f.control.Fd(), req, uintptr(unsafe.Pointer(&b.Bytes()[0]))); errno != 0 {
		return errno
	}
	return nil
}
