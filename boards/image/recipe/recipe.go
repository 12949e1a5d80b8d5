// Package recipe holds what an image is made of besides Debian's packages: the
// lists of these, and the files, links, users and edits of the root file system.
// It is data and rules; building is in the packages below it and in
// boards/cmd/mkimage.
package recipe

import (
	"bufio"
	"bytes"
	"embed"
	"fmt"
	"maps"
	"slices"
	"strings"
)

//go:embed all:files packages
var data embed.FS

// Suite is Debian's release.
const Suite = "trixie"

// Board is what is particular to the image of one board.
type Board struct {
	Name      string
	Arch      string   // Debian's name of the processor's architecture, which is Go's too
	Packages  []string // lists of packages, in packages/NAME.list
	Loader    string   // list of packages that only files are taken from, in packages/NAME.loader
	Files     []string // folders of files; a later one wins
	Initramfs []string // folders of files that the initramfs is made with, likewise
	Boot      Boot     // the boot loader
	UBoot     string   // which of Debian's builds of U-Boot
	Trees     string   // of U-Boot: the device trees of the kernel's package that are taken: a pattern
	Cmdline   string   // of the kernel, besides root and slot
}

// Boot is a boot loader.
type Boot string

// The boot loaders there are, by RAUC's names.
const (
	GRUB  Boot = "grub"
	UBoot Boot = "uboot"
)

// quiet is what every kernel is told: a restart after a panic, no cursor and few
// words on a screen that citizens see. The root is read-only: nothing checks it, and
// penjire first checks what is kept. No huge pages: they gain a kiosk nothing, programs
// have more memory with them than they use, and the kernel keeps 44 MiB free to make
// them.
const quiet = "ro rootfstype=squashfs fsck.mode=skip transparent_hugepage=never panic=10 quiet loglevel=3 systemd.show_status=no vt.global_cursor_default=0 consoleblank=0"

// sealed is what a kernel is told besides, where a machine's firmware is not the
// tests': nobody gives systemd credentials and units from there.
const sealed = quiet + " systemd.import_credentials=no"

var boards = map[string]Board{
	"pc": {
		Name: "pc", Arch: "amd64", Packages: []string{"common", "amd64", "pc"}, Loader: "amd64", Files: []string{"common"},
		Initramfs: []string{"initramfs", "initramfs-pc"}, Boot: GRUB,
		Cmdline: sealed + " console=tty0",
	},
	"vm": {
		Name: "vm", Arch: "amd64", Packages: []string{"common", "amd64", "vm"}, Loader: "amd64", Files: []string{"common", "vm"},
		Initramfs: []string{"initramfs"}, Boot: GRUB,
		Cmdline: quiet + " mitigations=off console=tty0 console=ttyS0,115200",
	},
}

func init() {
	// The Pis have one software: what differs is the board's data, the device tree
	// that the firmware picks, and which U-Boot. The 512 MB of a Zero 2 W are little.
	for name, of := range map[string]struct{ uboot, trees string }{
		"rpi3": {"rpi_3", "bcm2837-rpi-[3c]*.dtb"}, "rpi4": {"rpi_4", "bcm2711-rpi-*.dtb"}, "rpizero2w": {"rpi_arm64", "bcm2837-rpi-zero-2-w.dtb"},
	} {
		boards[name] = Board{
			Name: name, Arch: "arm64", Packages: []string{"common", "arm64"}, Loader: "rpi", Files: []string{"common", "rpi"},
			Initramfs: []string{"initramfs", "initramfs-rpi"}, Boot: UBoot, UBoot: of.uboot, Trees: "usr/lib/linux-image-*/broadcom/" + of.trees,
			Cmdline: sealed + " console=tty0 console=ttyS1,115200",
		}
	}
	five := boards["rpi4"] // its kernel is newer: what holds its card and its sockets is not in Debian's own
	five.Name, five.UBoot, five.Packages, five.Cmdline = "rpi5", "rpi_arm64", []string{"common", "rpi5"}, sealed+" console=tty0 console=ttyAMA10,115200"
	five.Initramfs = []string{"initramfs", "initramfs-rpi5"}
	five.Trees = "usr/lib/modules/*/dtb/broadcom/bcm2712-*rpi-5-b.dtb"
	boards["rpi5"] = five
}

// For returns the board called name.
func For(name string) (Board, error) {
	b, ok := boards[name]
	if !ok {
		return Board{}, fmt.Errorf("recipe: no image is made for board %q yet, only for %q", name, slices.Sorted(maps.Keys(boards)))
	}
	return b, nil
}

// Names returns the packages that the image of b asks for, in the order of its lists:
// "name", or "name/suite" where it is not Debian's release that has it.
func (b Board) Names() ([]string, error) {
	var out []string
	for _, l := range b.Packages {
		names, err := list(l + ".list")
		if err != nil {
			return nil, err
		}
		out = append(out, names...)
	}
	return out, nil
}

// LoaderNames returns the packages that the boot loader's files are taken from.
func (b Board) LoaderNames() ([]string, error) { return list(b.Loader + ".loader") }

func list(file string) ([]string, error) {
	text, err := data.ReadFile("packages/" + file)
	if err != nil {
		return nil, fmt.Errorf("recipe: %w", err)
	}
	var out []string
	for s := bufio.NewScanner(bytes.NewReader(text)); s.Scan(); {
		if line := strings.TrimSpace(s.Text()); line != "" && line[0] != '#' {
			out = append(out, line)
		}
	}
	return out, nil
}

// Before returns files that must be there before packages are configured: what
// the initramfs is made with.
func (b Board) Before() (map[string][]byte, error) {
	out := map[string][]byte{}
	add := func(at string, body []byte) { out[at] = body }
	for _, folder := range b.Initramfs {
		if err := walk("files/"+folder, add); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Locked returns the list of the packages of b's image: all of them, or those that
// only the boot loader is taken from.
func (b Board) Locked(loader bool) ([]byte, error) {
	body, err := data.ReadFile("packages/" + b.LockName(loader))
	if err != nil {
		return nil, fmt.Errorf("recipe: %w (make image-lock makes it)", err)
	}
	return body, nil
}

// LockName is the name of the file that Locked reads.
func (b Board) LockName(loader bool) string {
	if loader {
		return b.Loader + "-loader.lock"
	}
	return b.Packages[len(b.Packages)-1] + ".lock"
}
