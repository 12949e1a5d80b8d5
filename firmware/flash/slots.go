package flash

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/diskfs/go-diskfs/backend/file"
	"github.com/diskfs/go-diskfs/filesystem/squashfs"

	"github.com/penjire/penjire/boards/layout"
	"github.com/penjire/penjire/boards/manifest"
)

// slots says what is in each slot of a medium that can be read anywhere.
func (in *Inspection) slots(f *os.File) {
	for _, s := range layout.Slots {
		r, ok := find(in.layout, s.Root)
		if !ok {
			continue
		}
		h := SlotHas{Name: s.Name, State: Unread}
		for _, p := range in.Parts {
			if p.Name == s.Root {
				h.State = p.State
			}
			if p.Name == s.Root && p.Zero {
				h.State = Empty
			}
		}
		rel, err := releaseIn(f, r)
		if err == nil {
			h.Release = &rel
		}
		if boot, ok := find(in.layout, s.Boot); ok && h.Release != nil {
			if h.Trees, err = treesIn(f, boot); err != nil {
				h.Wrong = err.Error()
			}
		}
		in.Slots = append(in.Slots, h)
	}
}

// releaseIn reads the release file of the root file system in r.
func releaseIn(f *os.File, r manifest.Range) (rel layout.Release, err error) {
	defer func() { // the library was not written for foreign bytes
		if p := recover(); p != nil {
			err = fmt.Errorf("flash: read %s: %v", r.Name, p)
		}
	}()
	magic := make([]byte, 4)
	if _, err := f.ReadAt(magic, r.Start); err != nil || string(magic) != "hsqs" {
		return rel, fmt.Errorf("flash: read %s: it is no squashfs (%w)", r.Name, err)
	}
	sq, err := squashfs.Read(file.New(f, true), r.Size, r.Start, 0)
	if err != nil {
		return rel, fmt.Errorf("flash: read %s: %w", r.Name, err)
	}
	w, err := sq.OpenFile(strings.TrimPrefix(layout.ReleaseFile, "/"), os.O_RDONLY)
	if err != nil {
		return rel, fmt.Errorf("flash: read %s: %w", r.Name, err)
	}
	b, err := io.ReadAll(io.LimitReader(w, 64<<10))
	if err != nil {
		return rel, fmt.Errorf("flash: read %s: %w", r.Name, err)
	}
	return layout.ParseRelease(b)
}

// DataHas is how the data partition is.
type DataHas struct {
	State   string    `json:"state"`            // see below
	Bytes   int64     `json:"bytes,omitempty"`  // of its file system
	Grown   bool      `json:"grown,omitempty"`  // it is larger than in the image: a first boot was there
	Written time.Time `json:"written,omitzero"` // last
	Mounted time.Time `json:"mounted,omitzero"` // last
}

// The states of a data partition.
const (
	NoData    = "no file system"
	CleanData = "clean"
	OpenData  = "not closed: the power was cut, which its journal mends"
	FaultData = "with faults that the kernel has found: e2fsck"
)

// dataIn reads the superblock of ext4, of which b has the first 4096 bytes (kernel,
// Documentation/filesystems/ext4/super.rst).
func dataIn(b []byte, r manifest.Range) DataHas {
	const super = 1024
	le := binary.LittleEndian
	if len(b) < 2*super || le.Uint16(b[super+0x38:]) != 0xef53 || strings.TrimRight(string(b[super+0x78:super+0x88]), "\x00") != layout.DataLabel {
		return DataHas{State: NoData}
	}
	s := b[super:]
	d := DataHas{State: CleanData, Bytes: int64(le.Uint32(s[4:])) << (10 + le.Uint32(s[0x18:])&7)}
	d.Grown = d.Bytes > r.Size
	for off, t := range map[int]*time.Time{0x2c: &d.Mounted, 0x30: &d.Written} {
		if v := le.Uint32(s[off:]); v != 0 {
			*t = time.Unix(int64(v), 0).UTC()
		}
	}
	const recover, clean, faulty = 4, 1, 2
	switch state := le.Uint16(s[0x3a:]); {
	case state&faulty != 0:
		d.State = FaultData
	case state&clean == 0, le.Uint32(s[0x60:])&recover != 0:
		d.State = OpenData
	}
	return d
}
