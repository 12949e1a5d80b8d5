package flash

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
)

// Member says whether what is at the beginning of a device or partition of that
// size, or at its end, is part of a RAID array, an LVM group, a ZFS pool or a bcache set that
// is not in use now: the kernel then tells nothing of it. "" is none.
//
// The places are those of libblkid: LVM2's label in one of the first four sectors,
// md's superblock at its four places, ZFS's uberblocks at 128 KiB, bcache's at 4 KiB.
func Member(r io.ReaderAt, size int64) (string, error) {
	at := func(off int64, n int) ([]byte, error) {
		b := make([]byte, n)
		if off < 0 || off+int64(n) > size {
			return nil, nil
		}
		if _, err := r.ReadAt(b, off); err != nil {
			return nil, fmt.Errorf("flash: look for a RAID or LVM label at byte %d: %w", off, err)
		}
		return b, nil
	}
	const block = 4096
	first, err := at(0, 2*block)
	if err != nil {
		return "", err
	}
	md := func(b []byte) bool { return len(b) >= 4 && binary.LittleEndian.Uint32(b) == 0xa92b4efc }
	for sector := 0; sector < 4 && len(first) > 0; sector++ {
		if b := first[sector*512:]; bytes.HasPrefix(b, []byte("LABELONE")) && bytes.HasPrefix(b[24:], []byte("LVM2 001")) {
			return "LVM", nil
		}
	}
	if len(first) > 0 && (md(first) || md(first[block:])) { // versions 1.1 and 1.2
		return "RAID", nil
	}
	bcache := []byte{0xc6, 0x85, 0x73, 0xf6, 0x4e, 0x1a, 0x45, 0xca, 0x82, 0x65, 0xf5, 0x7f, 0x48, 0xba, 0x6d, 0x81}
	if len(first) > 0 && bytes.Equal(first[block+24:block+40], bcache) {
		return "bcache", nil
	}
	for _, off := range []int64{size&^(64<<10-1) - 64<<10, (size - 8<<10) &^ (4<<10 - 1)} { // versions 0.90 and 1.0
		b, err := at(off, block)
		if err != nil {
			return "", err
		}
		if md(b) {
			return "RAID", nil
		}
	}
	uber, err := at(128<<10, 128<<10)
	if err != nil {
		return "", err
	}
	for off := 0; off+8 <= len(uber); off += 1 << 10 {
		if binary.LittleEndian.Uint64(uber[off:]) == 0x00bab10c || binary.BigEndian.Uint64(uber[off:]) == 0x00bab10c {
			return "ZFS", nil
		}
	}
	return "", nil
}
