package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/penjire/penjire/drivers/plugged"
	"golang.org/x/sys/unix"
)

// gadget is a USB device that this machine is, plugged into itself (kernel,
// Documentation/usb/gadget_configfs.rst).
type gadget struct {
	port string // of the hub it hangs on, in sysfs; "": not looked for yet
}

// newGadget makes one with one function and plugs it in.
func newGadget(name, udc, product, function string, attrs map[string]string) (*gadget, error) {
	dir := filepath.Join("/sys/kernel/config/usb_gadget", name)
	at := func(p ...string) string { return filepath.Join(append([]string{dir}, p...)...) }
	var errs []error
	mkdir := func(p string) { errs = append(errs, os.MkdirAll(p, 0o755)) }
	write := func(p, s string) { errs = append(errs, os.WriteFile(p, []byte(s), 0)) }
	mkdir(dir)
	write(at("idVendor"), "0x0525")
	write(at("idProduct"), product)
	mkdir(at("strings/0x409"))
	write(at("strings/0x409/manufacturer"), "Penjire")
	write(at("strings/0x409/product"), name)
	mkdir(at("configs/c.1"))
	mkdir(at("functions", function))
	for k, v := range attrs {
		write(at("functions", function, k), v)
	}
	errs = append(errs, os.Symlink(at("functions", function), at("configs/c.1", function)))
	write(at("UDC"), udc)
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("make gadget %s: %w", name, err)
	}
	return new(gadget), nil
}

// at finds the port of the hub that the gadget hangs on.
func (g *gadget) at(d plugged.Device) (err error) {
	g.port, err = filepath.EvalSymlinks(filepath.Join("/sys/bus/usb/devices", d.Socket, "port"))
	return err
}

// unplug has the hub disconnect its port. (The gadget itself could leave, which is
// nearer to a cable, but the kernel's dummy_hcd and f_printer do not survive it.)
func (g *gadget) unplug() error { return g.disable("1") }
func (g *gadget) replug() error { return g.disable("0") }

func (g *gadget) disable(is string) error {
	return os.WriteFile(filepath.Join(g.port, "disable"), []byte(is), 0)
}

// far is the far end of a gadget's line: a device file of this machine's. It serves
// an emulated device, anew after each unplugging.
type far struct {
	path string
	raw  bool // it is a terminal

	mu   sync.Mutex
	file *os.File
}

// serve serves dev for as long as the machine runs.
func (f *far) serve(dev interface{ Serve(io.ReadWriter) }) {
	go func() {
		for {
			if file, err := f.open(); err == nil {
				dev.Serve(file)
				f.cut()
			}
			time.Sleep(20 * time.Millisecond) // it may be unplugged
		}
	}()
}

// cut ends what is being served.
func (f *far) cut() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.file != nil {
		_ = f.file.Close() // it is closed already when its device has left
		f.file = nil
	}
}

func (f *far) open() (*os.File, error) {
	fd, err := unix.Open(f.path, unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	if f.raw {
		t, err := unix.IoctlGetTermios(fd, unix.TCGETS)
		if err == nil {
			t.Iflag, t.Oflag, t.Lflag = 0, 0, 0
			err = unix.IoctlSetTermios(fd, unix.TCSETS, t)
		}
		if err != nil {
			return nil, errors.Join(err, unix.Close(fd))
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.file = os.NewFile(uintptr(fd), f.path)
	return f.file, nil
}
