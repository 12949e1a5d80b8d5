package storage

import (
	"os"
	"path/filepath"
	"strings"
)

// Disks returns the media of the machine by name, without what only a mounted file
// system tells. What is made of memory or of other devices is none. sys is where
// sysfs is mounted.
func Disks(sys string) []Medium {
	entries, err := os.ReadDir(filepath.Join(sys, "block"))
	if err != nil {
		return nil // a machine without media
	}
	var out []Medium
	for _, e := range entries {
		disk, err := filepath.EvalSymlinks(filepath.Join(sys, "block", e.Name()))
		if err != nil || strings.Contains(e.Name(), "boot") { // an eMMC's small extra parts
			continue
		}
		if _, err := os.Stat(filepath.Join(disk, "device")); err != nil {
			continue
		}
		out = append(out, describe(disk))
	}
	return out
}
