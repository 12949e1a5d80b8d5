// Package medium puts an image of a whole medium together: the partition table and
// in each partition its file system. It needs neither root's rights nor a loop
// device: FAT is written by mtools and ext4 by mke2fs, both into plain files.
package medium

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/penjire/penjire/boards/layout"
)

// Compose writes the image at path: l's table, and in each partition the file
// named for it in parts. A partition without one stays empty, and takes no room
// where the file system that path is on knows holes.
func Compose(path string, l layout.Layout, parts map[string]string) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("medium: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := f.Truncate(l.Size()); err != nil {
		return fmt.Errorf("medium: %w", err)
	}
	for _, p := range l.Partitions {
		if from := parts[p.Name]; from != "" {
			if err := put(f, p, from); err != nil {
				return fmt.Errorf("medium: partition %s: %w", p.Name, err)
			}
		}
	}
	table := gptTable
	if l.Table == layout.MBR {
		table = mbrTable
	}
	if err := table(f, l); err != nil {
		return fmt.Errorf("medium: partition table: %w", err)
	}
	return nil
}

// put copies the file from into p, and skips what is zero.
func put(to *os.File, p layout.Partition, from string) (err error) {
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.Size() > p.Size {
		return fmt.Errorf("%d MiB do not fit into %d MiB", info.Size()>>20, p.Size>>20)
	}
	buf := make([]byte, 64<<10)
	for at := p.Start; ; {
		n, err := io.ReadFull(f, buf)
		if n > 0 && !zero(buf[:n]) {
			if _, err := to.WriteAt(buf[:n], at); err != nil {
				return err
			}
		}
		at += int64(n)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func zero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}
