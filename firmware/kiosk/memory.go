package kiosk

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// letGo tells the kernel that the pages of a mapped file are not needed soon.
// Opening the outbox looks at every page of its file once; on a board of 1 GB
// they should not stay in memory for that. Nothing is lost by it: pages are
// read again when they are wanted, which is why this advice, and not a stronger
// one, is safe at any moment.
func letGo(path string) error {
	path, err := filepath.EvalSymlinks(path) // as the kernel calls it
	if err != nil {
		return fmt.Errorf("kiosk: look for %s: %w", path, err)
	}
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return fmt.Errorf("kiosk: look for the pages of %s: %w", path, err)
	}
	for line := range strings.Lines(string(maps)) {
		f := strings.Fields(line)
		if len(f) != 6 || f[5] != path {
			continue
		}
		from, to, _ := strings.Cut(f[0], "-")
		a, err := strconv.ParseUint(from, 16, 64)
		if err != nil {
			return fmt.Errorf("kiosk: look for the pages of %s: %w", path, err)
		}
		b, err := strconv.ParseUint(to, 16, 64)
		if err != nil {
			return fmt.Errorf("kiosk: look for the pages of %s: %w", path, err)
		}
		if _, _, no := unix.Syscall(unix.SYS_MADVISE, uintptr(a), uintptr(b-a), unix.MADV_PAGEOUT); no != 0 {
			return fmt.Errorf("kiosk: let the pages of %s go: %w", path, no)
		}
	}
	return nil
}
