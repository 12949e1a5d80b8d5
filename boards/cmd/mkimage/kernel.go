package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/penjire/penjire/boards/board"
	"github.com/penjire/penjire/boards/image/devicetree"
	"github.com/penjire/penjire/boards/image/recipe"
)

// prepare makes what U-Boot starts of what Debian's package has: device trees with the
// board's overlays, and the kernel compressed, which takes a third of the room.
func (b *builder) prepare(ctx context.Context) error {
	if b.board.Boot != recipe.UBoot {
		return nil
	}
	about, err := b.about()
	if err != nil {
		return err
	}
	i, err := board.Parse(about)
	if err != nil {
		return err
	}
	if b.kernel[i.Image.DeviceTree] == nil {
		return fmt.Errorf("the kernel has no device tree %q, which is the board's; of its trees only those like %s are taken", i.Image.DeviceTree, b.board.Trees)
	}
	for _, name := range slices.Sorted(maps.Keys(b.kernel)) {
		if !strings.HasSuffix(name, ".dtb") {
			continue
		}
		if b.kernel[name], err = devicetree.Apply(ctx, name, b.kernel[name], i.Image.Overlays); err != nil {
			return err
		}
		b.say("  %s: overlays %q", name, i.Image.Overlays)
	}
	b.kernel["vmlinuz"], err = compressed(b.kernel["vmlinuz"])
	return err
}

// compressed returns the kernel as U-Boot's booti decompresses it, if it has room for it.
func compressed(kernel []byte) ([]byte, error) {
	// Linux, Documentation/arch/arm64/booting.rst: image_size is what the kernel takes of
	// memory from its beginning.
	if len(kernel) < 64 || string(kernel[56:60]) != "ARM\x64" {
		return nil, errors.New("the kernel is no Image of arm64")
	}
	size := int64(binary.LittleEndian.Uint64(kernel[16:]))
	if most := int64(recipe.KernelRoom); size < int64(len(kernel)) || size > most {
		return nil, fmt.Errorf("the kernel takes %.1f MiB of memory in %.1f MiB, and U-Boot has %d MiB for it: move its addresses (boards/image/recipe/uboot.go)",
			mib(size), mib(int64(len(kernel))), most>>20)
	}
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := z.Write(kernel); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
