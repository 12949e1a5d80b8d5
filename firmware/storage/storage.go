// Package storage says how the medium under a folder is: what it is, how worn, how
// full, and whether the kernel met errors on it. It reads what the kernel knows
// (sysfs) and asks the medium nothing, so it cannot stall on one that dies.
//
// A medium that does not tell its wear is Unknown, never new: SD cards tell nothing,
// eMMC does (JESD84-B51, EXT_CSD registers 267 to 269).
package storage

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Unknown is a number that the medium does not tell.
const Unknown = -1

// Medium is what is known of one.
type Medium struct {
	Device string // mmcblk0; "" where the folder is on no block device
	Kind   string // SD, MMC, or what the disk calls itself; "" unknown
	Model  string // as the maker calls it
	Size   int64  // bytes of the whole medium
	Free   int64  // bytes that a file in the folder may still take
	Room   int64  // bytes of its file system

	// Worn is how much of the life that its maker promises is used, in percent, as a
	// multiple of ten; over 100 it is past it. Spent is how much of the spare blocks
	// is gone: 0 little, 80 or 90 percent.
	Worn, Spent int
	Written     int64 // bytes since the machine's start; Unknown
	// Errors is how often the kernel found the file system damaged or could not write
	// to it, ever; 0 also where the file system does not count.
	Errors   int64
	ReadOnly bool // the file system is mounted, or was made, read-only
}

// Look says how the medium under folder is. sys is where sysfs is mounted.
func Look(sys, folder string) (Medium, error) {
	m := Medium{Worn: Unknown, Spent: Unknown, Written: Unknown}
	var st unix.Stat_t
	if err := unix.Stat(folder, &st); err != nil {
		return m, fmt.Errorf("storage: look at %s: %w", folder, err)
	}
	var room unix.Statfs_t
	if err := unix.Statfs(folder, &room); err != nil {
		return m, fmt.Errorf("storage: look at %s: %w", folder, err)
	}
	m.Free = int64(room.Bavail) * int64(room.Bsize) //nolint:unconvert // the sizes differ by processor
	m.Room = int64(room.Blocks) * int64(room.Bsize) //nolint:unconvert // as above
	m.ReadOnly = room.Flags&unix.ST_RDONLY != 0
	return m, m.look(sys, uint64(st.Dev)) //nolint:unconvert // as above
}

// look fills in what sysfs knows of the block device with that number.
func (m *Medium) look(sys string, dev uint64) error {
	at := filepath.Join(sys, "dev", "block", fmt.Sprintf("%d:%d", unix.Major(dev), unix.Minor(dev)))
	part, err := filepath.EvalSymlinks(at)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // tmpfs, overlay, network: no medium of ours
	}
	if err != nil {
		return fmt.Errorf("storage: find the medium: %w", err)
	}
	name := filepath.Base(part)
	disk := underneath(part)
	if _, err := os.Stat(filepath.Join(disk, "partition")); err == nil {
		disk = filepath.Dir(disk)
	}
	d := describe(disk)
	m.Device, m.Size, m.Kind, m.Model, m.Worn, m.Spent, m.Written = d.Device, d.Size, d.Kind, d.Model, d.Worn, d.Spent, d.Written
	m.Errors = max(0, number(filepath.Join(sys, "fs", "ext4", name, "errors_count")))
	return nil
}

// describe reads what the kernel knows of the medium in that folder of sysfs.
func describe(disk string) Medium {
	m := Medium{Worn: Unknown, Spent: Unknown, Written: Unknown}
	m.Device = filepath.Base(disk)
	m.Size = max(0, number(filepath.Join(disk, "size"))) * 512
	m.Kind, m.Model = text(filepath.Join(disk, "device", "type")), text(filepath.Join(disk, "device", "name"))
	if m.Model == "" {
		m.Kind, m.Model = "", text(filepath.Join(disk, "device", "model")) // there type is a number of SCSI
	}
	m.Worn, m.Spent = wear(filepath.Join(disk, "device"))
	if f := strings.Fields(text(filepath.Join(disk, "stat"))); len(f) > 6 {
		if n, err := strconv.ParseInt(f[6], 10, 64); err == nil {
			m.Written = n * 512
		}
	}
	return m
}

// underneath follows mapped devices, verity and encryption, to what they stand on,
// where that is one device.
func underneath(dev string) string {
	for range 4 {
		below, err := os.ReadDir(filepath.Join(dev, "slaves"))
		if err != nil || len(below) != 1 {
			break
		}
		next, err := filepath.EvalSymlinks(filepath.Join(dev, "slaves", below[0].Name()))
		if err != nil {
			break
		}
		dev = next
	}
	return dev
}

// wear reads what an eMMC says of its life: the worse of its two kinds of cells, in
// steps of ten percent, 0x0B for past it; and of its spare blocks.
func wear(device string) (worn, spent int) {
	worn, spent = Unknown, Unknown
	for f := range strings.FieldsSeq(text(filepath.Join(device, "life_time"))) {
		if n, err := strconv.ParseUint(f, 0, 8); err == nil && n > 0 && n <= 0x0b {
			worn = max(worn, int(n)*10)
		}
	}
	switch text(filepath.Join(device, "pre_eol_info")) {
	case "0x01":
		spent = 0
	case "0x02":
		spent = 80
	case "0x03":
		spent = 90
	}
	return worn, spent
}

func text(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return "" // the medium has no such thing
	}
	return strings.TrimSpace(string(b))
}

func number(path string) int64 {
	n, err := strconv.ParseInt(text(path), 10, 64)
	if err != nil {
		return Unknown
	}
	return n
}
