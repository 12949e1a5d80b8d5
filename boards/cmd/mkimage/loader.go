package main

import (
	"archive/tar"
	"fmt"
	"os/exec"
	"path"
	"path/filepath"
	"strings"

	"github.com/penjire/penjire/boards/image/lock"
	"github.com/penjire/penjire/boards/image/recipe"
	"github.com/penjire/penjire/boards/image/uboot"
)

// loaderFiles returns what the boot loader's partition holds.
func (b *builder) loaderFiles() (map[string][]byte, error) {
	if b.board.Boot == recipe.UBoot {
		return b.uboot()
	}
	conf, err := b.board.LoaderFile(b.layout, "grub/grub.cfg")
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{"EFI/debian/grub.cfg": conf, "EFI/debian/grubenv": grubenv()}
	return files, b.takeFrom(b.loaders, map[string]string{
		"usr/lib/shim/shimx64.efi.signed":                   "EFI/BOOT/BOOTX64.EFI",
		"usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed": "EFI/BOOT/grubx64.efi",
	}, files)
}

// grubenv is the boot loader's memory before the first start: slot A is there.
func grubenv() []byte {
	text := "# GRUB Environment Block\nORDER=A B\nA_OK=1\nB_OK=0\nA_TRY=0\nB_TRY=0\n"
	return []byte(text + strings.Repeat("#", 1024-len(text)))
}

// uboot returns the Pi's first stages, U-Boot, the device trees that the first
// stages hand to it, and what U-Boot is to do.
func (b *builder) uboot() (map[string][]byte, error) {
	script, err := b.board.LoaderFile(b.layout, "uboot/boot.cmd")
	if err != nil {
		return nil, err
	}
	conf, err := b.board.LoaderFile(b.layout, "uboot/config.txt")
	if err != nil {
		return nil, err
	}
	// No prompt on the serial line, whatever is typed there.
	env, err := uboot.Env(recipe.Environment())
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{"config.txt": conf, "boot.scr": uboot.Script("penjire", string(script), b.release.Build), "uboot.env": env}
	for name, body := range b.kernel {
		if dtb, ok := strings.CutPrefix(name, "broadcom/"); ok {
			files[dtb] = body
		}
	}
	want := map[string]string{"usr/lib/u-boot/" + b.board.UBoot + "/u-boot.bin": "u-boot.bin"}
	for _, f := range []string{"bootcode.bin", "start.elf", "start4.elf", "fixup.dat", "fixup4.dat"} {
		want["usr/lib/raspi-firmware/"+f] = f
	}
	return files, b.takeFrom(b.loaders, want, files)
}

// takeFrom takes single files out of packages.
func (b *builder) takeFrom(ps []lock.Package, want map[string]string, to map[string][]byte) error {
	store := lock.Store(filepath.Join(b.cache, "packages"))
	left := len(want)
	for _, p := range ps {
		cmd := exec.Command("dpkg-deb", "--fsys-tarfile", store.File(p))
		out, err := cmd.StdoutPipe()
		if err != nil {
			return err
		}
		if err := cmd.Start(); err != nil {
			return fmt.Errorf("dpkg-deb: %w", err)
		}
		for tr := tar.NewReader(out); ; {
			h, err := tr.Next()
			if err != nil {
				break // the end; whatever else is wrong, dpkg-deb says
			}
			if name := want[strings.TrimPrefix(path.Clean("/"+h.Name), "/")]; name != "" && h.Typeflag == tar.TypeReg {
				if to[name], err = readAll(tr, 64<<20); err != nil {
					return fmt.Errorf("%s in %s: %w", h.Name, p.Name, err)
				}
				left--
			}
		}
		_, _ = readAll(out, 1<<40) // padding: a closed pipe would be an error of dpkg-deb's
		if err := cmd.Wait(); err != nil {
			return fmt.Errorf("dpkg-deb: open %s: %w", p.Name, err)
		}
	}
	if left > 0 {
		return fmt.Errorf("the packages lack %d of the files of the boot loader", left)
	}
	return nil
}
