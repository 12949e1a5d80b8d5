package virtual_test

import (
	"bufio"
	"context"
	"fmt"
	"image"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/penjire/penjire/drivers/devicetest"
	"github.com/penjire/penjire/firmware/e2e/virtual"
)

// cloud is a small kernel with a keyboard, a pointer and a disk.
var cloud = virtual.Debian{
	Package: "linux-image-cloud-amd64", Cache: "guest-kernel",
	Modules: []string{"virtio_ring", "virtio", "virtio_pci_legacy_dev", "virtio_pci_modern_dev", "virtio_pci", "virtio_blk", "configfs", "evdev", "virtio_input"},
}

// usb is a kernel that knows touch screens, too.
var usb = virtual.Debian{
	Package: "linux-image-amd64", Cache: "guest-kernel-usb",
	Modules: []string{
		"virtio_ring", "virtio", "virtio_pci_legacy_dev", "virtio_pci_modern_dev", "virtio_pci", "virtio_blk", "configfs", "evdev",
		"usb-common", "usbcore", "xhci-hcd", "xhci-pci", "hid", "hid-multitouch", "usbhid",
	},
}

// patience is how long a machine may take that emulates every instruction on a busy
// computer.
const patience = 5 * time.Minute

// rig is a small machine that is switched on again and again with the same disk.
type rig struct {
	t       *testing.T
	options virtual.Options
}

func newRig(ctx context.Context, t *testing.T, debian virtual.Debian) *rig {
	t.Helper()
	const what = "a virtual machine's screen, keys, disk and lines"
	if _, err := exec.LookPath("qemu-system-x86_64"); err != nil {
		devicetest.LeftOut(t, what, err.Error())
	}
	k, err := debian.Find()
	if err != nil {
		devicetest.LeftOut(t, what, err.Error())
	}
	initrd := filepath.Join(t.TempDir(), "initrd")
	if err := k.Pack("./guest", initrd); err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, options: virtual.Options{
		Memory: 256, Kernel: k.Image, Initrd: initrd, Accelerate: virtual.Accelerate(ctx, k.Image),
		Command: "console=ttyS0 quiet loglevel=1 panic=-1 mitigations=off random.trust_cpu=on",
		Disks:   []*virtual.Disk{newDisk(t, nil, 1<<20)},
		Lines:   []func(io.ReadWriter){pong},
		More:    []string{"-vga", "std", "-device", "virtio-tablet-pci"},
	}}
	return r
}

func newDisk(t *testing.T, base io.ReaderAt, size int64) *virtual.Disk {
	t.Helper()
	d, err := virtual.NewDisk(base, size, filepath.Join(t.TempDir(), "disk"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// pong answers every line that comes in.
func pong(line io.ReadWriter) {
	for in := bufio.NewScanner(line); in.Scan(); {
		_, _ = fmt.Fprintf(line, "pong-%s\n", strings.TrimSpace(in.Text()))
	}
}

func (r *rig) start(ctx context.Context) *virtual.Machine {
	r.t.Helper()
	m, err := virtual.Start(ctx, r.options)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = m.Close() })
	return m
}

// event waits for the next event of that name.
func (r *rig) event(ctx context.Context, m *virtual.Machine, mark *int, name string) virtual.Event {
	r.t.Helper()
	e, next, err := m.Console.AwaitEvent(ctx, *mark, name, "fault")
	if err != nil {
		r.t.Fatal(err)
	}
	if e.Name == "fault" {
		r.t.Fatalf("the guest: %s", e.Rest)
	}
	*mark = next
	return e
}

// TestMachine has a machine started, seen, touched, reset and cut off.
func TestMachine(t *testing.T) {
	if testing.Short() {
		t.Skip("a machine that emulates every instruction is not quick")
	}
	ctx, stop := context.WithTimeout(t.Context(), patience)
	defer stop()
	r := newRig(ctx, t, cloud)
	m, mark := r.start(ctx), 0
	r.disk(ctx, m, &mark, 0, 0)
	if got := r.event(ctx, m, &mark, "line").Values["said"]; got != "pong-ping" {
		t.Errorf("the far end of the line said %q, want pong-ping", got)
	}
	t.Logf("%q: ready %v after power-on", r.options.Accelerate, r.event(ctx, m, &mark, "ready").At)
	for called := ""; !strings.Contains(called, "Tablet"); {
		called = r.event(ctx, m, &mark, "device").Rest // the keyboard is there from the beginning
	}

	shot := filepath.Join(t.TempDir(), "screen.png")
	green := func() bool {
		p, err := m.Screenshot(ctx, shot)
		if err != nil {
			t.Fatal(err)
		}
		return share(p, 0, 0xa8, 0) > 0.9
	}
	for !green() { // the console paints when it has time
		if ctx.Err() != nil {
			t.Fatalf("the screen did not become green: %s", shot)
		}
	}
	if err := m.Press(ctx, "a"); err != nil {
		t.Fatal(err)
	}
	r.input(ctx, m, &mark, "1 30 1", "1 30 0") // KEY_A
	if err := m.Click(ctx, 0.25, 0.75); err != nil {
		t.Fatal(err)
	}
	r.input(ctx, m, &mark, "3 0 8191", "3 1 24575", "1 272 1", "1 272 0") // ABS_X, ABS_Y, BTN_LEFT

	// A reset leaves the disk what it was given, flushed or not.
	if err := m.Reset(ctx); err != nil {
		t.Fatal(err)
	}
	r.disk(ctx, m, &mark, 1, 1)
	r.event(ctx, m, &mark, "ready")
	if !slices.Contains(m.Events(), "RESET") {
		t.Errorf("QEMU's events %q have no RESET", m.Events())
	}
	// A cut takes what came after the last flush, which the second start made.
	lost, err := m.Cut(nil)
	if err != nil || lost != 1 {
		t.Fatalf("Cut = %d, %v, want 1 lost block", lost, err)
	}
	m, mark = r.start(ctx), 0
	r.disk(ctx, m, &mark, 2, 1)
	if _, _, err := m.Console.AwaitEvent(canceled(ctx), mark, "never"); err == nil {
		t.Error("AwaitEvent of what is never said = nil, want an error")
	}
}

func canceled(ctx context.Context) context.Context {
	ctx, stop := context.WithCancel(ctx)
	stop()
	return ctx
}

// disk wants to be told how often each counter was written.
func (r *rig) disk(ctx context.Context, m *virtual.Machine, mark *int, flushed, unflushed int) {
	r.t.Helper()
	e := r.event(ctx, m, mark, "disk")
	if got, want := e.Rest, fmt.Sprintf("flushed=%d unflushed=%d", flushed, unflushed); got != want {
		r.t.Errorf("the disk has %s, want %s", got, want)
	}
}

// input wants to be told of these events, in this order: type, code and value.
func (r *rig) input(ctx context.Context, m *virtual.Machine, mark *int, want ...string) {
	r.t.Helper()
	for _, w := range want {
		for {
			v := r.event(ctx, m, mark, "input").Values
			if got := v["type"] + " " + v["code"] + " " + v["value"]; got == w {
				break
			} else if ctx.Err() != nil {
				r.t.Fatalf("input %s, want %s", got, w)
			}
		}
	}
}

// share returns how much of a picture is of a colour.
func share(p image.Image, red, green, blue uint32) float64 {
	b, n := p.Bounds(), 0
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			if r, g, b, _ := p.At(x, y).RGBA(); r>>8 == red && g>>8 == green && b>>8 == blue {
				n++
			}
		}
	}
	return float64(n) / float64(b.Dx()*b.Dy())
}

// TestTouchscreen has a finger on a touch screen, as the kernel's own driver sees it.
func TestTouchscreen(t *testing.T) {
	if os.Getenv("PENJIRE_APPLIANCE") == "" {
		t.Skip("LEFT OUT: a touch screen in a virtual machine: make nightly has it, or PENJIRE_APPLIANCE=1; it fetches a kernel of 70 MB")
	}
	ctx, stop := context.WithTimeout(t.Context(), patience)
	defer stop()
	r := newRig(ctx, t, usb)
	screen := virtual.NewTouchscreen()
	r.options.USB = []func(io.ReadWriter){screen.Serve}
	m, mark := r.start(ctx), 0
	for called := ""; !strings.Contains(called, "Penjire touch"); {
		called = r.event(ctx, m, &mark, "device").Rest
	}
	if err := screen.Touch(0.25, 0.75); err != nil {
		t.Fatal(err)
	}
	// ABS_MT_POSITION_X and Y, BTN_TOUCH, and the finger's end.
	r.input(ctx, m, &mark, "3 53 8191", "3 54 24575", "1 330 1", "3 57 -1", "1 330 0")
}
