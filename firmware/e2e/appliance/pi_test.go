package appliance

import (
	"context"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/penjire/penjire/boards/image/recipe"
	"github.com/penjire/penjire/boards/image/uboot"
	"github.com/penjire/penjire/boards/layout"
	"github.com/penjire/penjire/drivers/devicetest"
	"github.com/penjire/penjire/firmware/e2e/virtual"
)

// pi is a Raspberry Pi 3 as QEMU knows it: its processor, its two serial ports and
// its reader of cards. The Pi's own firmware is not there: QEMU starts U-Boot.
type pi struct {
	t     *testing.T
	card  *virtual.Disk
	uboot string
	tree  string // the device tree
	log   *os.File
	m     *virtual.Machine
	mark  int
}

// cardSize is that of the card: QEMU wants a power of two.
const cardSize = 2 << 30

func newPi(t *testing.T) *pi {
	t.Helper()
	img := findImage(t, "rpi3.img")
	for _, p := range []string{"qemu-system-aarch64", "mcopy"} {
		if _, err := exec.LookPath(p); err != nil {
			devicetest.LeftOut(t, "the image of a Raspberry Pi 3 in a virtual machine", err.Error())
		}
	}
	dir := t.TempDir()
	base, err := os.Open(img)
	if err != nil {
		t.Fatal(err)
	}
	p := &pi{t: t, uboot: filepath.Join(dir, "u-boot.bin")}
	if p.card, err = virtual.NewDisk(base, cardSize, filepath.Join(dir, "card")); err != nil {
		t.Fatal(err)
	}
	if p.log, err = os.Create(filepath.Join(dir, "console.log")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = errors.Join(p.card.Close(), base.Close(), p.log.Close()) })
	// The Pi's firmware gives U-Boot the device tree; here QEMU does.
	p.tree = filepath.Join(dir, "tree.dtb")
	fat := img + "@@" + strconv.FormatInt(p.loader().Start, 10)
	p.tool("mcopy", "-i", fat, "::u-boot.bin", p.uboot)
	p.tool("mcopy", "-i", fat, "::bcm2837-rpi-3-b.dtb", p.tree)
	return p
}

func (p *pi) loader() layout.Partition {
	p.t.Helper()
	l, err := layout.For("rpi3")
	if err != nil {
		p.t.Fatal(err)
	}
	return l.Partition(layout.Loader)
}

func (p *pi) tool(name string, args ...string) {
	p.t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		p.t.Fatalf("%s %q: %v: %s", name, args, err, out)
	}
}

// decide changes what U-Boot chooses the slot by, as RAUC does.
func (p *pi) decide(changes map[string]string) {
	p.t.Helper()
	dir, at := p.t.TempDir(), p.loader()
	b := make([]byte, at.Size)
	if _, err := p.card.ReadAt(b, at.Start); err != nil {
		p.t.Fatal(err)
	}
	fat, file := filepath.Join(dir, "fat"), filepath.Join(dir, "uboot.env")
	if err := os.WriteFile(fat, b, 0o600); err != nil {
		p.t.Fatal(err)
	}
	p.tool("mcopy", "-i", fat, "::uboot.env", file)
	env, err := os.ReadFile(file)
	if err != nil {
		p.t.Fatal(err)
	}
	vars := map[string]string{}
	for v := range strings.SplitSeq(string(env[4:]), "\x00") { // after its check sum
		if name, value, ok := strings.Cut(v, "="); ok {
			vars[name] = value
		}
	}
	for name := range vars {
		if _, ok := recipe.Environment()[name]; !ok {
			p.t.Errorf("U-Boot keeps %s, which it found out of this machine", name)
		}
	}
	maps.Copy(vars, changes)
	if env, err = uboot.Env(vars); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(file, env, 0o600); err != nil {
		p.t.Fatal(err)
	}
	p.tool("mcopy", "-o", "-i", fat, file, "::uboot.env")
	if b, err = os.ReadFile(fat); err != nil {
		p.t.Fatal(err)
	}
	if _, err := p.card.WriteAt(b, at.Start); err != nil {
		p.t.Fatal(err)
	}
	if err := p.card.Flush(); err != nil {
		p.t.Fatal(err)
	}
}

func (p *pi) on(ctx context.Context) {
	p.t.Helper()
	m, err := virtual.Start(ctx, virtual.Options{
		Program: "qemu-system-aarch64", Machine: "raspi3b", Accelerate: []string{"-accel", "tcg,thread=multi,tb-size=512"},
		Memory: 1024, CPUs: 4, Kernel: p.uboot, Card: p.card, Mute: 1, More: []string{"-dtb", p.tree}, Log: p.log,
	})
	if err != nil {
		p.t.Fatal(err)
	}
	p.m, p.mark = m, 0
	p.t.Cleanup(func() { _ = m.Close() })
}

func (p *pi) said(ctx context.Context, what string) string {
	p.t.Helper()
	l, mark, err := p.m.Console.Await(ctx, p.mark, func(l virtual.Line) bool { return strings.Contains(l.Text, what) })
	if err != nil {
		p.t.Fatalf("wait for %q: %v", what, err)
	}
	p.mark = mark
	p.t.Logf("%.1f s: %s", l.At.Seconds(), l.Text)
	return l.Text
}

// TestPi3 has U-Boot on a card with the image of a Raspberry Pi 3 start the kernel of
// slot A with the board's overlays in its device tree, and go through the tries of a
// slot B that has none until it is at A again.
func TestPi3(t *testing.T) {
	p := newPi(t)
	ctx, stop := context.WithTimeout(t.Context(), patience)
	defer stop()
	p.on(ctx)
	if s := p.said(ctx, "penjire: slot="); !strings.Contains(s, "slot=A ") {
		t.Errorf("a new image says %q, want slot A", s)
	}
	if s := p.said(ctx, "penjire: tree="); !strings.HasSuffix(s, "tree=broadcom/bcm2837-rpi-3-b.dtb from=slot overlays=i2c-rtc,ds3231") {
		t.Errorf("U-Boot says %q, want the slot's own tree with the board's clock in it", s)
	}
	p.said(ctx, "Starting kernel")
	if _, err := p.m.Cut(nil); err != nil {
		t.Fatal(err)
	}
	p.decide(map[string]string{"BOOT_ORDER": "B A", "BOOT_A_LEFT": "3", "BOOT_B_LEFT": "2"})
	p.on(ctx)
	for _, want := range []string{"slot=B order=B A a_left=3 b_left=1", "slot=B order=B A a_left=3 b_left=0", "slot=A order=B A a_left=2 b_left=0"} {
		if s := p.said(ctx, "penjire: slot="); !strings.Contains(s, want) {
			t.Errorf("U-Boot says %q, want %q", s, want)
		}
	}
	p.said(ctx, "Starting kernel")
	if _, err := p.m.Cut(nil); err != nil {
		t.Fatal(err)
	}
}
