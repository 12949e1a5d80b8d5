package main

import (
	"os"
	"syscall"

	"github.com/penjire/penjire/boards/image/lock"
	"github.com/penjire/penjire/boards/layout"
)

// bill writes the bill of materials.
func (b *builder) bill(all []lock.Package) error { return nil }

// What the image and the bundle may be (issue 6).
const (
	mostWritten = 1229 << 20
	mostBundle  = 450 << 20
)

// sizes says how large everything is.
func (b *builder) sizes() error {
	for _, p := range []string{"root", "boot", "loader"} {
		if info, err := os.Stat(b.file(p)); err == nil {
			b.say("  %-8s %6.1f MiB", p, float64(info.Size())/(1<<20))
		}
	}
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
		b.say("%s: %.1f MiB, of which %.1f MiB are written; at most %d MiB", f.name, float64(info.Size())/(1<<20), float64(written)/(1<<20), f.most>>20)
	}
	return nil
}
