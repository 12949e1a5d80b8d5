package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"

	"github.com/penjire/penjire/boards/manifest"
)

// compared are the files that are built, and how two builds of one are compared.
var compared = []struct {
	ext   string
	equal func(o options, a, b string) error
}{
	{".img", options.equalImages},
	{".img.zst", func(_ options, a, b string) error { return equal(a, b, -1, nil) }},
	{".img.manifest", func(_ options, a, b string) error { return equalManifests(a, b) }},
	{".raucb", func(_ options, a, b string) error { return equalBundles(a, b) }},
	{".spdx.json", func(_ options, a, b string) error { return equal(a, b, -1, nil) }},
}

// compare says what in o.out is as in the folder o.against, and fails if anything is
// not. Of a manifest and of a bundle what is signed is compared: a signature has a
// random part, the bundle's besides the time, and in a bundle RAUC draws the salt of
// the table of hashes that follows the content.
func (o options) compare(context.Context) error {
	var faults []error
	for _, c := range compared {
		name := o.board.Name + c.ext
		err := c.equal(o, filepath.Join(o.out, name), filepath.Join(o.against, name))
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", name, err))
			continue
		}
		o.say("same: %s", name)
	}
	return errors.Join(faults...)
}

// equal wants the first n bytes of the files a and b to be the same; -1: all.
func equal(a, b string, n int64, place func(at int64) string) error {
	fa, err := os.Open(a)
	if err != nil {
		return err
	}
	defer func() { _ = fa.Close() }() // it was only read
	fb, err := os.Open(b)
	if err != nil {
		return err
	}
	defer func() { _ = fb.Close() }() // it was only read
	if n < 0 {
		ia, err := fa.Stat()
		if err != nil {
			return err
		}
		ib, err := fb.Stat()
		if err != nil {
			return err
		}
		if ia.Size() != ib.Size() {
			return fmt.Errorf("it has %d bytes, and %d in the other build", ia.Size(), ib.Size())
		}
		n = ia.Size()
	}
	ra, rb := bufio.NewReader(fa), bufio.NewReader(fb)
	pa, pb := make([]byte, 1<<20), make([]byte, 1<<20)
	for at := int64(0); at < n; {
		k := min(int64(len(pa)), n-at)
		if _, err := io.ReadFull(ra, pa[:k]); err != nil {
			return fmt.Errorf("read %s: %w", a, err)
		}
		if _, err := io.ReadFull(rb, pb[:k]); err != nil {
			return fmt.Errorf("read %s: %w", b, err)
		}
		if !bytes.Equal(pa[:k], pb[:k]) {
			for pa[0] == pb[0] {
				pa, pb, at = pa[1:], pb[1:], at+1
			}
			where := ""
			if place != nil {
				where = place(at)
			}
			return fmt.Errorf("it differs from byte %d on%s", at, where)
		}
		at += k
	}
	return nil
}

func (o options) equalImages(a, b string) error {
	return equal(a, b, -1, func(at int64) string {
		for _, p := range o.layout.Partitions {
			if at >= p.Start && at < p.Start+p.Size {
				return fmt.Sprintf(": byte %d of partition %s", at-p.Start, p.Name)
			}
		}
		return ": in the partition table"
	})
}

func equalManifests(a, b string) error {
	var all [2]manifest.Manifest
	for i, p := range []string{a, b} {
		text, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		f, err := manifest.Parse(text)
		if err != nil {
			return err
		}
		all[i] = f.Manifest
	}
	if !reflect.DeepEqual(all[0], all[1]) {
		return errors.New("what is signed differs")
	}
	return nil
}

// equalBundles compares what two bundles bring: a squashfs, which says itself how long
// it is (Documentation/filesystems/squashfs.rst: bytes_used, at byte 40).
func equalBundles(a, b string) error {
	var sizes [2]int64
	for i, p := range []string{a, b} {
		f, err := os.Open(p)
		if err != nil {
			return err
		}
		var head [48]byte
		_, err = io.ReadFull(f, head[:])
		if err := errors.Join(err, f.Close()); err != nil {
			return fmt.Errorf("read %s: %w", p, err)
		}
		if string(head[:4]) != "hsqs" {
			return fmt.Errorf("%s begins with no squashfs", p)
		}
		sizes[i] = int64(binary.LittleEndian.Uint64(head[40:]))
	}
	if sizes[0] != sizes[1] || sizes[0] <= 0 {
		return fmt.Errorf("its content has %d bytes, and %d in the other build", sizes[0], sizes[1])
	}
	return equal(a, b, sizes[0], func(int64) string { return ", in its content" })
}
