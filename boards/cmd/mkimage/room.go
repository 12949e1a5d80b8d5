package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/penjire/penjire/boards/layout"
)

// margins are what partitions keep free in a new image. Their sizes never change on a
// medium that is in service, and kernels and browsers grow with every update.
var margins = map[string]int64{layout.Loader: 8 << 20, layout.BootA: 16 << 20, layout.RootA: 24 << 20}

// cluster is at least what a file takes of a FAT at a time.
const cluster = 4 << 10

// room wants a partition of that size to have its margin left.
func room(name string, size, used int64) error {
	if left := size - used; left < margins[name] {
		return fmt.Errorf("partition %s: %.1f of %.1f MiB are used; %.1f MiB are left, and %.1f MiB are to be, for what later updates bring: leave something out of it",
			name, mib(used), mib(size), mib(left), mib(margins[name]))
	}
	return nil
}

// rooms looks at the partitions that files are put into, and says how full they are.
func (b *builder) rooms(loader map[string][]byte) error {
	root, err := os.Stat(b.file("root"))
	if err != nil {
		return err
	}
	var faults []error
	for _, p := range []struct {
		name string
		used int64
	}{{layout.Loader, clusters(loader)}, {layout.BootA, clusters(b.kernel)}, {layout.RootA, root.Size()}} {
		size := b.layout.Partition(p.name).Size
		b.say("  %-8s %6.1f of %3.0f MiB", p.name, mib(p.used), mib(size))
		faults = append(faults, room(p.name, size, p.used))
	}
	return errors.Join(faults...)
}

// clusters returns what files take of a FAT.
func clusters(files map[string][]byte) (n int64) {
	for _, body := range files {
		n += (int64(len(body)) + cluster - 1) / cluster * cluster
	}
	return n
}

func mib(n int64) float64 { return float64(n) / (1 << 20) }
