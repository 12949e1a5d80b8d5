// Package layout says where things are on a kiosk's medium and in its image: the
// partitions with their numbers, sizes and labels, the slots of an update, the
// paths that programs agree on, and what an image says about itself. It is data:
// it opens nothing, and it is one place for those who build an image, write it to
// a card, update it and start from it.
//
// # Reference
//
// UEFI 2.10 chapter 5 (GPT); RAUC, "Reference", system configuration file. The
// Raspberry Pi 3's boot ROM reads an MBR only, so the Pis have one: the slots are
// logical partitions, and data is primary and last on the medium, so that growing
// it changes one entry of the first sector and nothing else.
package layout

import (
	"fmt"
	"slices"
)

// Sector is the size of a sector in bytes; starts and sizes are multiples of
// [Align], which is no smaller than the erase blocks of usual cards.
const (
	Sector = 512
	Align  = 4 << 20
)

// Table is a kind of partition table.
type Table string

// The kinds there are.
const (
	GPT Table = "gpt"
	MBR Table = "mbr"
)

// DiskID is the signature of an MBR disk, and the beginning of the PARTUUIDs on it.
const DiskID uint32 = 0x504e4a52

// Format is what a partition holds.
type Format string

// The formats there are.
const (
	FAT      Format = "vfat"
	Ext4     Format = "ext4"
	Squashfs Format = "squashfs"
)

// Names of partitions: the GPT's labels, and how everybody calls them.
const (
	Loader = "loader" // boot loader: the EFI system partition, or the Pi's firmware with U-Boot
	Setup  = "set-up" // the set-up file, while a card is new
	BootA  = "boot-a" // kernel and initramfs of slot A; no boot loader reads compressed squashfs
	BootB  = "boot-b"
	RootA  = "root-a" // root file system of slot A, read-only
	RootB  = "root-b"
	Data   = "data" // what the kiosk keeps
)

// Labels of file systems.
const (
	SetupLabel = "PENJIRE-SET"
	DataLabel  = "penjire-data"
)

// Partition is one partition.
type Partition struct {
	Name    string // one of the names above
	Number  int    // in the partition table
	Start   int64  // in bytes from the beginning of the medium
	Size    int64  // in bytes; that of data is what an image has, before it is grown
	Format  Format
	Label   string // of the file system; "": none
	Logical bool   // inside the extended partition of an MBR
}

// Layout is how a medium is divided.
type Layout struct {
	Table      Table
	Partitions []Partition // by Start
	Extended   Partition   // of an MBR: around the logical ones; zero for a GPT
}

// sizes are those of the partitions in the order they have on the medium. Both
// roots together stay below 1.1 GiB: a card of 2 GB holds the image.
var sizes = []struct {
	name   string
	size   int64
	format Format
	label  string
	mbr    int // number in an MBR
}{
	{Loader, 32 << 20, FAT, "", 1},
	{Setup, 16 << 20, FAT, SetupLabel, 2},
	{BootA, 64 << 20, FAT, "", 5},
	{BootB, 64 << 20, FAT, "", 6},
	{RootA, 512 << 20, Squashfs, "", 7},
	{RootB, 512 << 20, Squashfs, "", 8},
	{Data, 8 << 20, Ext4, DataLabel, 4},
}

// tables says which partition table a board's medium has.
var tables = map[string]Table{
	"vm": GPT, "pc": GPT,
	"rpi3": MBR, "rpi4": MBR, "rpi5": MBR, "rpizero2w": MBR,
}

// extended is the number of the extended partition of an MBR.
const extended = 3

// For returns the layout of the medium of the board called name.
func For(name string) (Layout, error) {
	t, ok := tables[name]
	if !ok {
		return Layout{}, fmt.Errorf("layout: no image is made for board %q, only for %q", name, Boards())
	}
	return of(t), nil
}

func of(t Table) Layout {
	l := Layout{Table: t}
	at := int64(Align)
	for i, s := range sizes {
		p := Partition{Name: s.name, Number: i + 1, Size: s.size, Format: s.format, Label: s.label}
		if t == MBR {
			p.Number, p.Logical = s.mbr, s.mbr > 4
			if p.Logical {
				at += Align // room for the record that precedes it, and the next is aligned again
			}
		}
		p.Start = at
		at += s.size
		l.Partitions = append(l.Partitions, p)
		if p.Logical {
			if l.Extended.Number == 0 {
				l.Extended = Partition{Name: "extended", Number: extended, Start: p.Start - Align}
			}
			l.Extended.Size = at - l.Extended.Start
		}
	}
	return l
}

// Boards returns the boards that there are images for, sorted.
func Boards() []string {
	var out []string
	for b := range tables {
		out = append(out, b)
	}
	slices.Sort(out)
	return out
}

// Size returns how many bytes an image is long, the backup of a GPT included.
func (l Layout) Size() int64 {
	last := l.Partitions[len(l.Partitions)-1]
	if l.Table == MBR {
		return last.Start + last.Size
	}
	return last.Start + last.Size + Align
}

// Partition returns the partition called name. It panics if there is none: names
// are the constants of this package.
func (l Layout) Partition(name string) Partition {
	for _, p := range l.Partitions {
		if p.Name == name {
			return p
		}
	}
	panic("layout: no partition " + name)
}

// Identity returns how the kernel (root=…) and mount(8) find the partition called
// name: "PARTLABEL=root-a" or "PARTUUID=504e4a52-07".
func (l Layout) Identity(name string) string {
	p := l.Partition(name)
	if l.Table == MBR {
		return fmt.Sprintf("PARTUUID=%08x-%02x", DiskID, p.Number)
	}
	return "PARTLABEL=" + p.Name
}

// Device returns the path that udev gives the partition called name.
func (l Layout) Device(name string) string {
	p := l.Partition(name)
	if l.Table == MBR {
		return fmt.Sprintf("/dev/disk/by-partuuid/%08x-%02x", DiskID, p.Number)
	}
	return "/dev/disk/by-partlabel/" + p.Name
}
