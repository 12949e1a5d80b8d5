package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/penjire/penjire/boards/image/medium"
	"github.com/penjire/penjire/boards/image/recipe"
	"github.com/penjire/penjire/boards/image/tree"
	"github.com/penjire/penjire/boards/layout"
)

// build makes everything.
func (o options) build(ctx context.Context) error {
	if err := errors.Join(os.MkdirAll(o.out, 0o755), os.MkdirAll(o.cache, 0o755)); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(o.out, "build")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(tmp) }()
	r, err := o.release(ctx)
	if err != nil {
		return err
	}
	keys, err := o.keys(&r)
	if err != nil {
		return err
	}
	o.say("%s %s for %s, %s", "image", r.Version, r.Board, map[bool]string{true: "a developer's: not for service", false: "signed for service"}[r.Developer])
	all, loader, err := o.packages(ctx)
	if err != nil {
		return err
	}
	base, err := o.base(ctx, all, time.Unix(0, 0))
	if err != nil {
		return err
	}
	if o.fresh {
		defer func() { _ = os.Remove(base) }() // it was for this build
	}
	b := builder{options: o, tmp: tmp, release: r, keys: keys, started: time.Now()}
	return b.all(ctx, base, all, loader)
}

// name is the beginning of the names of what is built.
func (b *builder) name(ext string) string { return filepath.Join(b.out, b.board.Name+ext) }

// root writes the root file system and what the boot loader loads.
func (b *builder) root(ctx context.Context, base string) (err error) {
	c, err := b.board.Root(b.layout)
	if err != nil {
		return err
	}
	c.Time = b.release.Build
	if err := b.buildPrograms(ctx, &c); err != nil {
		return err
	}
	if err := b.facts(&c); err != nil {
		return err
	}
	b.kernel = map[string][]byte{}
	keep := func(name string) func(string, []byte) error {
		return func(at string, body []byte) error {
			if b.kernel[name] != nil {
				return fmt.Errorf("there are two of %s", name)
			}
			b.kernel[name] = body
			return nil
		}
	}
	c.Take = map[string]func(string, []byte) error{
		"boot/vmlinuz-*": keep("vmlinuz"), "boot/initrd.img-*": keep("initrd.img"), "var/lib/dpkg/status": b.status,
		"usr/lib/modules/*/modules.dep": func(_ string, dep []byte) error { return recipe.CheckModules(dep) },
	}
	if b.board.Boot == recipe.UBoot {
		c.Take[b.board.Trees] = func(at string, body []byte) error {
			b.kernel["broadcom/"+path.Base(at)] = body
			return nil
		}
	}
	return b.squash(ctx, base, c)
}

// squash streams the base with its changes into a read-only file system.
func (b *builder) squash(ctx context.Context, base string, c tree.Changes) (err error) {
	in, err := os.Open(base)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "mksquashfs", "-", b.file("root"), "-tar", "-quiet", "-no-progress", "-noappend", "-comp", "zstd",
		"-Xcompression-level", strconv.Itoa(b.level), "-b", "256K", "-root-mode", "0755")
	// The root folder itself is not taken from the stream: it has this process's time,
	// which this brings back to the sources'.
	cmd.Env = append(environ("SOURCE_DATE_EPOCH"), "SOURCE_DATE_EPOCH="+strconv.FormatInt(c.Time.Unix(), 10))
	var out bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = r, &out, &out
	if err := cmd.Start(); err != nil {
		return errors.Join(fmt.Errorf("mksquashfs: %w", err), r.Close(), w.Close())
	}
	closed := r.Close() // it has its own; while this is open, its end would go unnoticed
	applied := errors.Join(closed, tree.Apply(w, in, c), w.Close())
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("mksquashfs: %w: %s", errors.Join(err, applied), strings.TrimSpace(out.String()))
	}
	return applied
}

// environ is this process's environment without what is named.
func environ(without ...string) []string {
	var out []string
next:
	for _, e := range os.Environ() {
		for _, n := range without {
			if strings.HasPrefix(e, n+"=") {
				continue next
			}
		}
		out = append(out, e)
	}
	return out
}

// parts writes the other partitions' file systems.
func (b *builder) parts() error {
	at := b.release.Build
	files, err := b.loaderFiles()
	if err != nil {
		return err
	}
	if err := b.rooms(files); err != nil {
		return err
	}
	l := b.layout
	boot := layout.Slots[0].Boot
	return errors.Join(
		medium.FAT(b.file("loader"), l.Partition(layout.Loader).Size, "LOADER", files, at),
		medium.FAT(b.file("set-up"), l.Partition(layout.Setup).Size, layout.SetupLabel, nil, at),
		medium.FAT(b.file("boot"), l.Partition(boot).Size, "", b.kernel, at),
		b.data(at),
	)
}

// data writes the data partition's file system.
func (b *builder) data(at time.Time) error {
	p := b.layout.Partition(layout.Data)
	if b.seed == "" {
		return medium.Ext4(b.file("data"), p.Size, p.Label, "", at)
	}
	folder := filepath.Join(b.tmp, "seed")
	if err := os.CopyFS(folder, os.DirFS(b.seed)); err != nil {
		return fmt.Errorf("copy %s: %w", b.seed, err)
	}
	err := filepath.WalkDir(filepath.Join(folder, filepath.Base(layout.KioskDir)), func(p string, e os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		mode := os.FileMode(0o600)
		if e.IsDir() {
			mode = 0o700
		}
		return errors.Join(os.Chmod(p, mode), own(p))
	})
	if err != nil {
		return fmt.Errorf("seed: %w", err)
	}
	return medium.Ext4(b.file("data"), p.Size, p.Label, folder, at)
}

// compose puts the medium together.
func (b *builder) compose() error {
	s := layout.Slots[0]
	return medium.Compose(b.name(".img"), b.layout, map[string]string{
		layout.Loader: b.file("loader"), layout.Setup: b.file("set-up"), s.Boot: b.file("boot"), s.Root: b.file("root"), layout.Data: b.file("data"),
	})
}

// readAll is for small streams.
func readAll(r io.Reader, limit int64) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(body)) > limit {
		err = fmt.Errorf("more than %d bytes", limit)
	}
	return body, err
}
