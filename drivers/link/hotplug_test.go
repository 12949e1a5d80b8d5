package link_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/devicetest"
	"github.com/penjire/penjire/drivers/link"
)

// uevents are messages as the kernel sent them, and what is none.
var uevents = map[string]link.Uevent{
	"add@/devices/pci0000:00/0000:00:14.0/usb1/1-1/1-1.2/1-1.2:1.0/ttyUSB0/tty/ttyUSB0\x00ACTION=add\x00DEVPATH=/devices/x\x00SUBSYSTEM=tty\x00MAJOR=188\x00MINOR=0\x00DEVNAME=ttyUSB0\x00SEQNUM=4217\x00": {
		Action: "add", Path: "/devices/pci0000:00/0000:00:14.0/usb1/1-1/1-1.2/1-1.2:1.0/ttyUSB0/tty/ttyUSB0", Subsystem: "tty", Node: "ttyUSB0",
	},
	"remove@/devices/platform/dummy_hcd.0/usb1/1-1/1-1:1.0/usbmisc/lp0\x00ACTION=remove\x00SUBSYSTEM=usbmisc\x00DEVNAME=usb/lp0\x00": {
		Action: "remove", Path: "/devices/platform/dummy_hcd.0/usb1/1-1/1-1:1.0/usbmisc/lp0", Subsystem: "usbmisc", Node: "usb/lp0",
	},
	"add@/module/usb_storage\x00ACTION=add\x00SUBSYSTEM=module\x00": {Action: "add", Path: "/module/usb_storage", Subsystem: "module"},
	"change@/x\x00":               {Action: "change", Path: "/x"},
	"libudev\x00\xfe\xed\xca\xfe": {},
	"add@/x":                      {}, // cut off
	"@/x\x00":                     {},
	"add@x\x00":                   {},
	"":                            {},
}

func TestParseUevent(t *testing.T) {
	for in, want := range uevents {
		got, err := link.ParseUevent([]byte(in))
		if got != want || (err != nil) != (want == link.Uevent{}) {
			t.Errorf("ParseUevent(%q) = %+v, %v, want %+v", in, got, err, want)
		}
	}
}

func FuzzParseUevent(f *testing.F) {
	for in := range uevents {
		f.Add([]byte(in))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		u, err := link.ParseUevent(in)
		if err == nil && !bytes.HasPrefix(in, []byte(u.Action+"@"+u.Path+"\x00")) {
			t.Errorf("ParseUevent(%q) = %+v, want what it begins with", in, u)
		}
	})
}

// announcer is a device that the kernel can be asked to announce again.
const announcer = "/sys/class/mem/null/uevent"

func announce(t *testing.T) {
	t.Helper()
	if err := os.WriteFile(announcer, []byte("add"), 0); err != nil {
		devicetest.LeftOut(t, "hot-plug by the kernel", fmt.Sprintf("%s cannot be written: %v", announcer, err))
	}
}

// TestKernelIsHeard has the kernel announce a device, as it does one that was
// plugged in.
func TestKernelIsHeard(t *testing.T) {
	h, err := link.Listen()
	if err != nil {
		t.Fatalf("Listen = %v, want nil", err)
	}
	defer func() { _ = h.Close() }()
	announce(t)
	for {
		u, err := h.Next()
		if err != nil {
			t.Fatalf("Next = %v, want nil", err)
		}
		if u == (link.Uevent{Action: "add", Path: "/devices/virtual/mem/null", Subsystem: "mem", Node: "null"}) {
			return
		}
	}
}

func TestCloseEndsNext(t *testing.T) {
	check := devicetest.Leaks(t)
	h, err := link.Listen()
	if err != nil {
		t.Fatal(err)
	}
	next := make(chan error, 1)
	go func() {
		for {
			if _, err := h.Next(); err != nil {
				next <- err
				return
			}
		}
	}()
	if err := h.Close(); err != nil {
		t.Errorf("Close = %v, want nil", err)
	}
	if err := <-next; !errors.Is(err, device.ErrUnplugged) {
		t.Errorf("Next = %v, want ErrUnplugged", err)
	}
	check()
}

// TestReopenIsWoken: a pause of an hour ends when something is plugged in, also
// when that was between two pauses; the tries that follow come often.
func TestReopenIsWoken(t *testing.T) {
	check := devicetest.Leaks(t)
	r := link.NewReopen(link.Serial{Path: "/dev/none"}, time.Hour)
	for range 3 {
		announce(t)
		r.Wait(t.Context())
		r.Wait(t.Context())
	}
	r.Close()
	check()
}

// TestHeardWithoutRights runs this test as a user without any, who must
// hear the kernel all the same.
func TestHeardWithoutRights(t *testing.T) {
	if os.Getenv("PENJIRE_HEAR") != "" {
		h, err := link.Listen()
		if err != nil {
			t.Fatalf("Listen = %v, want nil", err)
		}
		fmt.Println("listening")
		for {
			if u, err := h.Next(); err != nil || u.Node == "null" {
				fmt.Println("heard", u.Node, os.Getuid(), err)
				return
			}
		}
	}
	if os.Getuid() != 0 {
		devicetest.LeftOut(t, "hot-plug without rights", "only root can run a test as another user")
	}
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "hear") // that another user may enter, too
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := errors.Join(os.Chmod(dir, 0o755), os.WriteFile(dir+"/hear.test", self, 0o755)); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), dir+"/hear.test", "-test.run", "^TestHeardWithoutRights$")
	cmd.Env = append(os.Environ(), "PENJIRE_HEAR=1")
	cmd.Dir = dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var heard strings.Builder
	buf := make([]byte, 256)
	for asked := false; ; {
		n, err := out.Read(buf)
		heard.Write(buf[:n])
		if !asked && strings.Contains(heard.String(), "listening") {
			asked = true
			announce(t)
		}
		if err != nil {
			break
		}
	}
	if err := cmd.Wait(); err != nil || !strings.Contains(heard.String(), "heard null 65534 <nil>") {
		t.Errorf("as nobody: %v, %q, want the kernel to be heard", err, heard.String())
	}
}
