package main

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// diskFree returns how many bytes the portal may still write in dir.
func diskFree(dir string) (int64, error) {
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		return 0, fmt.Errorf("measure the disk of %s: %w", dir, err)
	}
	return int64(fs.Bavail) * int64(fs.Bsize), nil //nolint:unconvert // the sizes differ by processor
}
