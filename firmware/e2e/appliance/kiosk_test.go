package appliance

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/penjire/penjire/boards/layout"
	"github.com/penjire/penjire/drivers/devicetest"
	"github.com/penjire/penjire/drivers/emulator/pn532emu"
	"github.com/penjire/penjire/drivers/emulator/printer"
	"github.com/penjire/penjire/firmware/demo"
	"github.com/penjire/penjire/firmware/e2e/virtual"
)

// Where things are for the machine.
const (
	portalAddress = "10.0.2.4"       // of the portal, on the port of HTTPS
	estAddress    = "10.0.2.5"       // of its EST, on the same port
	screens       = "127.0.0.1:7780" // of the daemon's pages
	diskSize      = 4 << 30          // of the medium: the image is smaller, and grows
	tty           = "/dev/ttyS3"     // where the test has a shell; the board's devices are on ttyS1 and ttyS2
	width, height = 1080, 1920
)

// kiosk is a machine with the image, what is connected to it, and the portal.
type kiosk struct {
	t       *testing.T
	dir     string
	world   *demo.World
	portal  *portal
	disk    *virtual.Disk
	more    *virtual.Disk // a second one; nil: none
	extra   []string      // further arguments of QEMU
	chip    *pn532emu.Chip
	printer *printer.Printer
	touch   *virtual.Touchscreen // nil: none
	shell   *virtual.Shell
	log     *os.File
	random  *rand.Rand

	m        *virtual.Machine // nil: switched off
	begun    time.Time        // when it was switched on
	citizens *citizens
	painted  time.Duration // after that a page was painted first
	mark     int           // what was said on the console before is not looked at again
	ways     string        // host:port by which the test reaches the screens
}

// findImage returns the file of the image, or leaves the test out.
func findImage(t *testing.T, name string) string {
	t.Helper()
	const what = "the image in a virtual machine"
	at := os.Getenv("PENJIRE_APPLIANCE")
	if at == "" {
		t.Skipf("LEFT OUT: %s: make nightly has it, or make image BOARD=vm and PENJIRE_APPLIANCE=1; it takes an hour and more", what)
	}
	if at == "1" {
		at = "../../../bin/image"
	}
	if strings.HasSuffix(at, ".img") {
		at = filepath.Dir(at)
	}
	at = filepath.Join(at, name)
	for _, p := range []string{"qemu-system-x86_64", "mke2fs"} {
		if _, err := exec.LookPath(p); err != nil {
			devicetest.LeftOut(t, what, err.Error())
		}
	}
	if _, err := os.Stat(at); err != nil {
		t.Fatalf("%v (make image BOARD=vm makes it)", err)
	}
	return at
}

// newKiosk makes a kiosk that is switched off: a medium with the image, and on its
// data partition what a kiosk of the demonstration world has.
func newKiosk(t *testing.T) *kiosk {
	t.Helper()
	img := findImage(t, "vm.img")
	dir := os.Getenv("PENJIRE_APPLIANCE_KEEP")
	if dir == "" {
		dir = t.TempDir()
	}
	k := &kiosk{
		t: t, dir: dir, chip: new(pn532emu.Chip), printer: printer.New(printer.Opts{}), touch: virtual.NewTouchscreen(), shell: virtual.NewShell(),
		random: rand.New(rand.NewPCG(number(t, "PENJIRE_SEED", 1), 0)),
	}
	base, err := os.Open(img)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = base.Close() })
	if k.disk, err = virtual.NewDisk(base, diskSize, filepath.Join(t.TempDir(), "disk")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = k.disk.Close() })
	if k.log, err = os.Create(filepath.Join(dir, "console.log")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = k.log.Close() })
	if k.world, err = demo.Open(filepath.Join(t.TempDir(), "world"), time.Now()); err != nil {
		t.Fatal(err)
	}
	k.portal = startPortal(t, k.world)
	return k
}

func number(t *testing.T, name string, usual uint64) uint64 {
	t.Helper()
	s := os.Getenv(name)
	if s == "" {
		return usual
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// settle gives the kiosk its settings and keys, as if it had enrolled: they are the
// content of its data partition.
func (k *kiosk) settle() {
	k.t.Helper()
	m := map[string]any{
		"kiosk": "K-000001", "board": "vm", "state": "state", "listen": screens,
		"place":    map[string]string{"tk": "Nusga obasy, telemerkez", "ru": "Село Нусга, телецентр", "en": "Nusga village, telecentre"},
		"portal":   map[string]string{"url": "wss://" + portalAddress + ":443/sync", "public_url": k.portal.web, "server_name": "portal.specimen"},
		"identity": map[string]string{"cert": "identity.crt", "key": "identity.key"},
		"signing":  map[string]string{"cert": "signing.crt", "key": "signing.key"},
		"roots":    "roots.pem", "trust": "trust.cbor", "catalogue": "catalogue.cbor",
	}
	b, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		k.t.Fatal(err)
	}
	if err := os.WriteFile(k.world.Settings(), b, 0o600); err != nil {
		k.t.Fatal(err)
	}
	root := k.t.TempDir()
	if err := os.CopyFS(filepath.Join(root, "kiosk"), os.DirFS(k.world.Kiosk())); err != nil {
		k.t.Fatal(err)
	}
	if err := filepath.WalkDir(filepath.Join(root, "kiosk"), func(p string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		mode := os.FileMode(0o600) // CopyFS gives everybody a look
		if d.IsDir() {
			mode = 0o700
		}
		return errors.Join(os.Chmod(p, mode), os.Lchown(p, daemonID, daemonID))
	}); err != nil {
		k.t.Fatalf("%v: a kiosk's files need root's rights", err)
	}
	k.partition(layout.Data, func(file string, size int64) *exec.Cmd {
		return exec.Command("mke2fs", "-q", "-t", "ext4", "-L", layout.DataLabel, "-E", "root_owner=0:0,resize=16777216", "-d", root, file, strconv.FormatInt(size>>10, 10)+"k")
	})
}

// partition makes a partition's file system anew.
func (k *kiosk) partition(name string, makes func(file string, size int64) *exec.Cmd) {
	k.t.Helper()
	l, err := layout.For("vm")
	if err != nil {
		k.t.Fatal(err)
	}
	p, file := l.Partition(name), filepath.Join(k.t.TempDir(), name)
	if out, err := makes(file, p.Size).CombinedOutput(); err != nil {
		k.t.Fatalf("make %s: %v: %s", name, err, out)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		k.t.Fatal(err)
	}
	if _, err := k.disk.WriteAt(b, p.Start); err != nil {
		k.t.Fatal(err)
	}
	if err := k.disk.Flush(); err != nil {
		k.t.Fatal(err)
	}
}

// daemonID is the number of user and group penjire in the image.
const daemonID = 800

// on switches the kiosk on.
func (k *kiosk) on(ctx context.Context) {
	k.t.Helper()
	vars := filepath.Join(k.dir, "vars.fd")
	if _, err := os.Stat(vars); err != nil {
		b, err := os.ReadFile("/usr/share/OVMF/OVMF_VARS_4M.fd")
		if err != nil {
			devicetest.LeftOut(k.t, "the image in a virtual machine", err.Error()+" (apt-get install ovmf)")
		}
		if err := os.WriteFile(vars, b, 0o600); err != nil {
			k.t.Fatal(err)
		}
	}
	self, err := os.Executable()
	if err != nil {
		k.t.Fatal(err)
	}
	way := freePort(k.t)
	k.ways = "127.0.0.1:" + way
	net := "user,id=net,restrict=on,guestfwd=tcp:" + portalAddress + ":443-cmd:" + self + " relay " + k.portal.sync +
		",guestfwd=tcp:" + estAddress + ":443-cmd:" + self + " relay " + k.portal.est +
		",hostfwd=tcp:127.0.0.1:" + way + "-:7999"
	disks := []*virtual.Disk{k.disk}
	if k.more != nil {
		disks = append(disks, k.more)
	}
	more := append(k.shell.Arguments(tty), k.extra...)
	if os.Getenv("PENJIRE_APPLIANCE_KEEP") != "" { // whoever looks on can ask QEMU
		more = append(more, "-monitor", "unix:"+filepath.Join(k.dir, "monitor")+",server=on,wait=off")
	}
	var usb []func(io.ReadWriter)
	if k.touch != nil {
		usb = append(usb, k.touch.Serve)
	}
	k.begun = time.Now()
	k.m, err = virtual.Start(ctx, virtual.Options{
		Machine: "q35", Memory: 1024, CPUs: 2,
		Firmware: []string{
			"-drive", "if=pflash,format=raw,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd",
			"-drive", "if=pflash,format=raw,file=" + vars,
		},
		Disks:   disks,
		Display: &virtual.Display{Width: width, Height: height},
		Lines:   []func(io.ReadWriter){k.chip.Serve, k.printer.Serve, k.shell.Serve},
		USB:     usb,
		Log:     k.log,
		More: append(more, "-netdev", net, "-device", "virtio-net-pci,netdev=net",
			"-device", "i6300esb", "-action", "watchdog=reset", "-device", "virtio-rng-pci"),
	})
	if err != nil {
		k.t.Fatal(err)
	}
	m := k.m
	k.t.Cleanup(func() { _ = m.Close() })
	k.mark = 0
}

// cut pulls the power.
func (k *kiosk) cut() {
	k.t.Helper()
	lost, err := k.m.Cut(k.random)
	if err != nil {
		k.t.Fatal(err)
	}
	k.m = nil
	k.t.Logf("power pulled: the disk lost %d blocks that it was not told to keep", lost)
}

// run has root in the machine execute a command.
func (k *kiosk) run(ctx context.Context, command string) string {
	k.t.Helper()
	out, err := k.shell.Run(ctx, command)
	if err != nil {
		k.t.Fatalf("%v; the console's end:\n%s", err, k.tail())
	}
	return out
}

// said waits for a line of the console that has all of these in it.
func (k *kiosk) said(ctx context.Context, parts ...string) virtual.Line {
	k.t.Helper()
	l, mark, err := k.m.Console.Await(ctx, k.mark, func(l virtual.Line) bool {
		for _, p := range parts {
			if !strings.Contains(l.Text, p) {
				return false
			}
		}
		return true
	})
	if err != nil {
		k.picture("failed")
		k.t.Fatalf("wait for %q: %v", parts, err)
	}
	k.mark = mark
	return l
}

func (k *kiosk) tail() string {
	var b strings.Builder
	lines := k.m.Console.Lines(0)
	for _, l := range lines[max(0, len(lines)-40):] {
		_, _ = fmt.Fprintf(&b, "%7.2f s  %s\n", l.At.Seconds(), l.Text)
	}
	return b.String()
}

// picture keeps what is on the screen.
func (k *kiosk) picture(name string) image.Image {
	k.t.Helper()
	ctx, stop := context.WithTimeout(context.WithoutCancel(k.t.Context()), time.Minute)
	defer stop()
	p, err := k.m.Screenshot(ctx, filepath.Join(k.dir, name+".png"))
	if err != nil {
		k.t.Fatalf("take a picture of the screen: %v", err)
	}
	return p
}

// shows waits until the screen is as want says, looking again and again.
func (k *kiosk) shows(ctx context.Context, name string, want func(image.Image) bool) time.Duration {
	k.t.Helper()
	begun := time.Now()
	for every := time.Tick(5 * time.Second); ; <-every { // a picture costs the machine time
		if want(k.picture(name)) {
			return time.Since(begun)
		}
		if ctx.Err() != nil {
			k.t.Fatalf("the screen does not become %s: %s; the console's end:\n%s", name, filepath.Join(k.dir, name+".png"), k.tail())
		}
	}
}

// share returns how much of a part of a picture, in per cent of it from the left and
// the top, is of a colour, nearly.
func share(p image.Image, part image.Rectangle, want color.RGBA) float64 {
	b := p.Bounds()
	near := func(a uint32, b uint8) bool { return max(int(a>>8), int(b))-min(int(a>>8), int(b)) <= 12 }
	n, all := 0, 0
	for y := b.Min.Y + part.Min.Y*b.Dy()/100; y < b.Min.Y+part.Max.Y*b.Dy()/100; y += 2 {
		for x := b.Min.X + part.Min.X*b.Dx()/100; x < b.Min.X+part.Max.X*b.Dx()/100; x += 2 {
			all++
			if r, g, b, _ := p.At(x, y).RGBA(); near(r, want.R) && near(g, want.G) && near(b, want.B) {
				n++
			}
		}
	}
	return float64(n) / float64(max(all, 1))
}

// portal is a portal on this computer.
type portal struct {
	sync, web, est string // where it serves
	program        string // portald
}

func startPortal(t *testing.T, w *demo.World) *portal {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "portald")
	build := exec.Command("go", "build", "-o", bin, "../../../sync/cmd/portald")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the portal: %v\n%s", err, out)
	}
	cmd := exec.CommandContext(t.Context(), bin, "-dir", w.Portal())
	var log bytes.Buffer
	cmd.Stderr = &log
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	var says struct{ Sync, Web, EST string }
	if err := json.NewDecoder(out).Decode(&says); err != nil {
		t.Fatalf("the portal: %v\n%s", err, log.Bytes())
	}
	return &portal{sync: says.Sync, web: says.Web, est: says.EST, program: bin}
}
