package cables

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/penjire/penjire/drivers/devicetest"
	"github.com/penjire/penjire/drivers/emulator/pn532emu"
	"github.com/penjire/penjire/firmware/e2e/virtual"
)

// debian is a kernel with USB: the one of powercut, for clouds, has none.
var debian = virtual.Debian{
	Package: "linux-image-amd64", Cache: "guest-kernel-usb",
	Modules: []string{
		"usb-common", "usbcore", "xhci-hcd", "xhci-pci", "udc-core", "dummy_hcd", "configfs", "libcomposite", "usb_f_printer", "u_serial", "usb_f_acm",
		"usblp", "cdc-acm", "usbserial", "ftdi_sio",
	},
}

// steps are what the guest must say is well, in this order.
var steps = []string{
	"usblp answers", "usblp is named by sysfs", "usblp stalls and ends", "usblp is open once", "usblp is unplugged",
	"escpos prints", "escpos is replugged", "escpos is unplugged in a job",
	"acm reader reads", "acm reader is replugged",
	"ftdi reader reads", "ftdi reader is replugged",
}

// socket is where the host's end of QEMU's serial adapter is: while something is
// connected, the adapter is plugged in (its chip is an FTDI's).
type socket struct {
	path string
	chip *pn532emu.Chip

	mu     sync.Mutex
	conn   net.Conn
	served sync.WaitGroup
}

func (s *socket) plug() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := net.Dial("unix", s.path)
	if err != nil {
		return err
	}
	s.conn = c
	s.served.Go(func() { s.chip.Serve(c) })
	return nil
}

func (s *socket) unplug() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn == nil {
		return nil
	}
	err := s.conn.Close()
	s.conn = nil
	return err
}

// TestCables boots a machine whose devices are emulated at the far ends of the
// kernel's own USB drivers: usblp and cdc_acm over dummy_hcd and gadgets, ftdi_sio
// over an adapter that QEMU emulates. PENJIRE_CABLES=1 asks for it.
func TestCables(t *testing.T) {
	if os.Getenv("PENJIRE_CABLES") == "" {
		t.Skip("LEFT OUT: cables in a virtual machine: make nightly has them, or PENJIRE_CABLES=1; the machine emulates every instruction and fetches a kernel of 70 MB")
	}
	const what = "cables in a virtual machine"
	if _, err := exec.LookPath("qemu-system-x86_64"); err != nil {
		devicetest.LeftOut(t, what, err.Error())
	}
	k, err := debian.Find()
	if err != nil {
		devicetest.LeftOut(t, what, err.Error())
	}
	dir, err := os.MkdirTemp("", "cables") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	initrd, nfc := filepath.Join(dir, "initrd"), &socket{path: filepath.Join(dir, "nfc"), chip: new(pn532emu.Chip)}
	if err := k.Pack("./guest", initrd); err != nil {
		t.Fatal(err)
	}
	nfc.chip.Insert(new(devicetest.Echo))
	do := func(what string) error {
		switch what {
		case "plug":
			return nfc.plug()
		case "unplug":
			return nfc.unplug()
		}
		return fmt.Errorf("the guest wants %q", what)
	}
	r, err := k.Run(initrd, do, "-chardev", "socket,id=nfc,path="+nfc.path+",server=on,wait=off", "-device", "qemu-xhci", "-device", "usb-serial,chardev=nfc")
	if err := nfc.unplug(); err != nil {
		t.Error(err)
	}
	nfc.served.Wait()
	if err != nil || !r.Ended {
		t.Fatalf("the machine ended: %t, %v\n%s", r.Ended, err, r.Said)
	}
	for _, s := range r.Missing(steps) {
		t.Errorf("the machine did not say that %q", s)
	}
	for _, w := range r.Well {
		t.Log(w)
	}
	if t.Failed() {
		t.Logf("%s", r.Said)
	}
}
