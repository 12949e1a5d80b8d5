package flash

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// straight says whether every chain of clusters of the FAT12 or FAT16 that b holds
// comes to an end. The library follows one that goes round until the memory is full.
// The fields are those of Microsoft's «FAT: General Overview of On-Disk Format», 1.03.
func straight(b []byte) error {
	if len(b) < 512 {
		return errors.New("it is shorter than a sector")
	}
	le := binary.LittleEndian
	sector, perCluster, reserved := int64(le.Uint16(b[11:])), int64(b[13]), int64(le.Uint16(b[14:]))
	tables, roots, total, perTable := int64(b[16]), int64(le.Uint16(b[17:])), int64(le.Uint16(b[19:])), int64(le.Uint16(b[22:]))
	if total == 0 {
		total = int64(le.Uint32(b[32:]))
	}
	if sector != 512 || perCluster == 0 || reserved == 0 || tables == 0 || roots == 0 || perTable == 0 || total*sector > int64(len(b)) {
		return errors.New("its first sector is not that of a small FAT")
	}
	first := reserved + tables*perTable + (roots*32+sector-1)/sector // of the clusters
	if first >= total {
		return errors.New("it has no room for files")
	}
	clusters := (total-first)/perCluster + 2
	bits, last := int64(16), 0xfff8
	if clusters-2 < 4085 {
		bits, last = 12, 0xff8
	}
	if (clusters*bits+7)/8 > perTable*sector {
		return errors.New("its table is too short")
	}
	table := b[reserved*sector:]
	next := func(c int) int {
		if bits == 16 {
			return int(le.Uint16(table[2*c:]))
		}
		v := int(table[c+c/2]) | int(table[c+c/2+1])<<8
		if c%2 == 1 {
			return v >> 4
		}
		return v & 0xfff
	}
	// A chain is followed until it ends or meets what was looked at: meeting itself
	// is going round.
	seen := make([]int, clusters)
	for start := 2; start < int(clusters); start++ {
		for c := start; c >= 2 && c < int(clusters) && c < last; c = next(c) {
			if seen[c] == start {
				return fmt.Errorf("the chain of cluster %d goes round", start)
			}
			if seen[c] != 0 {
				break
			}
			seen[c] = start
		}
	}
	return nil
}
