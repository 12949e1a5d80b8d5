package medium

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"os"

	"github.com/diskfs/go-diskfs/partition/gpt"

	"github.com/penjire/penjire/boards/layout"
)

// gptTable writes a GPT. Its identifiers are made from names, not drawn: two builds
// are equal, and no part of the kiosk tells one medium from another by them.
func gptTable(f *os.File, l layout.Layout) error {
	t := &gpt.Table{LogicalSectorSize: layout.Sector, PhysicalSectorSize: layout.Sector, ProtectiveMBR: true, GUID: guid("medium")}
	for _, p := range l.Partitions {
		kind := gpt.LinuxFilesystem
		switch p.Name {
		case layout.Loader:
			kind = gpt.EFISystemPartition
		case layout.Setup:
			kind = gpt.MicrosoftBasicData // so that every system shows it to the technician
		}
		t.Partitions = append(t.Partitions, &gpt.Partition{
			Index: p.Number, Start: uint64(p.Start / layout.Sector), End: uint64((p.Start+p.Size)/layout.Sector - 1), Size: uint64(p.Size),
			Type: kind, Name: p.Name, GUID: guid(p.Name),
		})
	}
	return t.Write(f, l.Size())
}

// guid makes a UUID of version 8 (RFC 9562) from a name.
func guid(name string) string {
	s := sha256.Sum256([]byte("penjire " + name))
	s[6], s[8] = s[6]&0x0f|0x80, s[8]&0x3f|0x80
	return fmt.Sprintf("%X-%X-%X-%X-%X", s[0:4], s[4:6], s[6:8], s[8:10], s[10:16])
}

// Types of partitions in an MBR.
const (
	mbrFAT      = 0x0c // with LBA; FAT16 and FAT32 alike
	mbrLinux    = 0x83
	mbrExtended = 0x0f
)

// mbrTable writes an MBR and, before each logical partition, the record that the
// extended one is chained of.
func mbrTable(f *os.File, l layout.Layout) error {
	var first record
	var logical []layout.Partition
	binary.LittleEndian.PutUint32(first[440:], layout.DiskID)
	for _, p := range l.Partitions {
		if p.Logical {
			logical = append(logical, p)
			continue
		}
		first.set(p.Number-1, mbrType(p), p.Start, p.Size)
	}
	if e := l.Extended; e.Number > 0 {
		first.set(e.Number-1, mbrExtended, e.Start, e.Size)
	}
	if err := first.write(f, 0); err != nil {
		return err
	}
	for i, p := range logical {
		var r record
		at := p.Start - layout.Align
		r.set(0, mbrType(p), p.Start-at, p.Size)
		if i+1 < len(logical) {
			next := logical[i+1]
			r.set(1, mbrExtended, next.Start-layout.Align-l.Extended.Start, next.Size+layout.Align)
		}
		if err := r.write(f, at); err != nil {
			return err
		}
	}
	return nil
}

func mbrType(p layout.Partition) byte {
	if p.Format == layout.FAT {
		return mbrFAT
	}
	return mbrLinux
}

// record is a sector with four entries.
type record [layout.Sector]byte

// set fills entry i; start and size are in bytes. Heads and cylinders say «beyond»:
// everybody has read sectors for thirty years.
func (r *record) set(i int, kind byte, start, size int64) {
	e := r[446+16*i:][:16]
	copy(e, []byte{0, 0xfe, 0xff, 0xff, kind, 0xfe, 0xff, 0xff})
	binary.LittleEndian.PutUint32(e[8:], uint32(start/layout.Sector))
	binary.LittleEndian.PutUint32(e[12:], uint32(size/layout.Sector))
}

func (r *record) write(f *os.File, at int64) error {
	r[510], r[511] = 0x55, 0xaa
	_, err := f.WriteAt(r[:], at)
	return err
}
