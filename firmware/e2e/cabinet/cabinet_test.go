package cabinet

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/penjire/penjire/drivers/devicetest"
	"github.com/penjire/penjire/firmware/e2e/virtual"
)

// debian is a kernel with gpio-sim, which Debian's stable ones do not have.
var debian = virtual.Debian{
	Package: "linux-image-amd64", Suite: "trixie-backports", Cache: "guest-kernel-sim",
	Modules: []string{
		"configfs", "gpio-sim", "watchdog", "softdog",
		"mc", "videodev", "videobuf2-common", "videobuf2-v4l2", "v4l2-tpg", "v4l2-dv-timings", "rc-core", "cec",
		"videobuf2-memops", "videobuf2-vmalloc", "videobuf2-dma-contig", "vivid",
	},
}

// tests are the packages whose tests the machine runs.
var tests = []string{
	"github.com/penjire/penjire/drivers/gpioline", "github.com/penjire/penjire/drivers/rtcdev",
	"github.com/penjire/penjire/drivers/watchdog", "github.com/penjire/penjire/drivers/v4l2",
}

// steps are what the guest must say is well.
var steps = []string{
	"gpioline TestKernelLines", "gpioline TestKernelChipIsRemoved", "rtcdev TestKernelClock", "watchdog TestKernelWatchdog",
	"v4l2 TestKernelCamera", "v4l2 TestKernelCameraIsRemoved",
	"watchdog keeps quiet while it is kicked", "watchdog is left alone",
}

// TestCabinet boots a machine with the kernel's simulated GPIO chip, clock, watchdog
// and camera. Its last step is a program that hangs: the watchdog must reset the
// machine. PENJIRE_CABINET=1 asks for it.
func TestCabinet(t *testing.T) {
	if os.Getenv("PENJIRE_CABINET") == "" {
		t.Skip("LEFT OUT: lines, clock, watchdog and camera in a virtual machine: make nightly has them, or PENJIRE_CABINET=1; the machine emulates every instruction and fetches a kernel of 120 MB")
	}
	const what = "lines, clock, watchdog and camera in a virtual machine"
	for _, p := range []string{"qemu-system-x86_64", "xz"} {
		if _, err := exec.LookPath(p); err != nil {
			devicetest.LeftOut(t, what, err.Error())
		}
	}
	k, err := debian.Find()
	if err != nil {
		devicetest.LeftOut(t, what, err.Error())
	}
	initrd := filepath.Join(t.TempDir(), "initrd")
	if err := k.Pack("./guest", initrd, tests...); err != nil {
		t.Fatal(err)
	}
	r, err := k.Run(initrd, func(what string) error { return fmt.Errorf("the guest wants %q", what) })
	if err != nil {
		t.Fatalf("%v\n%s", err, r.Said)
	}
	for _, s := range r.Missing(steps) {
		t.Errorf("the machine did not say that %q", s)
	}
	// The kernel says so when it resets the machine; without a reset the guest ends.
	if r.Ended || !bytes.Contains(r.Said, []byte("softdog: Initiating system reboot")) {
		t.Error("a program hung, and the watchdog did not reset the machine")
	}
	for _, w := range r.Well {
		t.Log(w)
	}
	if t.Failed() {
		t.Logf("%s", r.Said)
	}
}
