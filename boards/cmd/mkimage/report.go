package main

import (
	"os"
	"slices"
	"syscall"

	"github.com/penjire/penjire/boards/image/lock"
	"github.com/penjire/penjire/boards/image/spdx"
	"github.com/penjire/penjire/boards/layout"
)

// bill writes the bill of materials: Debian's packages, the boot loader's, and what
// our programs are built from.
func (b *builder) bill(all []lock.Package) error {
	var ps []spdx.Package
	for _, p := range slices.Concat(all, b.loaders) {
		ps = append(ps, spdx.Deb(p.Name, p.Version, p.Arch, p.SHA256))
	}
	for _, name := range programs {
		ms, err := spdx.Modules(b.file(name))
		if err != nil {
			return err
		}
		ps = append(ps, ms...)
	}
	body, err := spdx.Document("penjire-"+b.board.Name, b.release.Version, b.release.Build, ps)
	if err != nil {
		return err
	}
	return os.WriteFile(b.name(".spdx.json"), body, 0o644)
}

// What the image and the bundle may be (issue 6).
const (
	mostWritten = 1229 << 20
	mostBundle  = 450 << 20
)

// sizes says how large everything is.
func (b *builder) sizes() error {
	for _, f := range []struct {
		name string
		most int64
	}{{b.name(".img"), mostWritten}, {b.name(".raucb"), mostBundle}} {
		info, err := os.Stat(f.name)
		if err != nil {
			return err
		}
		written := info.Size()
		if s, ok := info.Sys().(*syscall.Stat_t); ok {
			written = s.Blocks * layout.Sector
		}
		b.say("%s: %.1f MiB, of which %.1f MiB are written; at most %d MiB", f.name, mib(info.Size()), mib(written), f.most>>20)
	}
	return nil
}
