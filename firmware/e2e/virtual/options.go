package virtual

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// Options are what a machine is made of. Zero values leave a part out.
type Options struct {
	Program    string   // "": qemu-system-x86_64
	Machine    string   // "": pc
	Accelerate []string // nil: TCG
	Memory     int      // MiB
	CPUs       int      // 0: 1
	Firmware   []string // arguments that name it; nil: QEMU's own

	Kernel, Initrd, Command string // started without a boot loader

	Disks   []*Disk
	Card    *Disk // in the machine's own reader of SD cards
	Mute    int   // serial ports before the one that is the console
	Display *Display
	// Lines are the far ends of the second and the following serial ports. They
	// end when the machine is off.
	Lines []func(io.ReadWriter)
	USB   []func(io.ReadWriter) // far ends of redirected USB devices
	More  []string              // further arguments

	Log io.Writer // everything that the console says; nil: nowhere
}

// Display is a screen of this many pixels.
type Display struct{ Width, Height int }

// arguments are QEMU's. Every wire is a pair of connected sockets, of which QEMU
// inherits one: nothing has a name that others could connect to.
func (m *Machine) arguments(o Options, w *wires) []string {
	accelerate := o.Accelerate
	if accelerate == nil {
		accelerate = emulate()
	}
	a := []string{"-nodefaults", "-machine", or(o.Machine, "pc"), "-m", strconv.Itoa(o.Memory), "-smp", strconv.Itoa(max(o.CPUs, 1)), "-display", "none", "-boot", "menu=off"}
	a = append(a, accelerate...)
	a = append(a, o.Firmware...)
	if o.Kernel != "" {
		a = append(a, "-kernel", o.Kernel, "-append", o.Command)
		if o.Initrd != "" {
			a = append(a, "-initrd", o.Initrd)
		}
	}
	wire := func(name string) string {
		return "socket,id=" + name + ",fd=" + strconv.Itoa(w.add())
	}
	a = append(a, "-chardev", wire("qmp"), "-mon", "chardev=qmp,mode=control")
	for range o.Mute {
		a = append(a, "-serial", "null")
	}
	a = append(a, "-chardev", wire("console"), "-serial", "chardev:console")
	if o.Card != nil {
		a = append(a, "-drive", fmt.Sprintf("if=sd,driver=nbd,server.type=fd,server.str=%d", w.add()))
	}
	for i := range o.Disks {
		a = append(a, "-blockdev", fmt.Sprintf("driver=nbd,node-name=disk%d,server.type=fd,server.str=%d", i, w.add()),
			"-device", fmt.Sprintf("virtio-blk-pci,drive=disk%d,serial=disk%d", i, i))
	}
	for i := range o.Lines {
		name := "line" + strconv.Itoa(i)
		a = append(a, "-chardev", wire(name), "-serial", "chardev:"+name)
	}
	if len(o.USB) > 0 {
		a = append(a, "-device", "qemu-xhci")
	}
	for i := range o.USB {
		name := "usb" + strconv.Itoa(i)
		a = append(a, "-chardev", wire(name), "-device", "usb-redir,chardev="+name)
	}
	if o.Display != nil {
		a = append(a, "-device", fmt.Sprintf("virtio-vga,xres=%d,yres=%d", o.Display.Width, o.Display.Height))
	}
	return append(a, o.More...)
}

func or(s, usual string) string {
	if s == "" {
		return usual
	}
	return s
}

// wires are pairs of connected sockets.
type wires struct {
	ours   []net.Conn
	theirs []*os.File
	err    error
}

// add makes one more, and returns the number under which QEMU will find it.
func (w *wires) add() int {
	number := 3 + len(w.theirs) // after the three that every program has
	if w.err != nil {
		return number
	}
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		w.err = err
		return number
	}
	theirs, near := os.NewFile(uintptr(fds[0]), "wire"), os.NewFile(uintptr(fds[1]), "wire")
	w.theirs = append(w.theirs, theirs)
	c, err := net.FileConn(near)
	if err := errors.Join(err, near.Close()); err != nil {
		w.err = err
		return number
	}
	w.ours = append(w.ours, c)
	return number
}

func (w *wires) closeTheirs() {
	for _, f := range w.theirs {
		_ = f.Close() // QEMU has it
	}
}

func (w *wires) close() {
	w.closeTheirs()
	for _, c := range w.ours {
		_ = c.Close() // nothing is at its other end
	}
}
