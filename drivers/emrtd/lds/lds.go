// Package lds takes the files of a passport's chip apart: the list of what there
// is, the machine-readable zone, the face, the details, and what the chip can
// do. It reads no chip and checks no signature.
//
// Whatever is about a person comes in types that do not print themselves, and no
// error holds anything that was read.
//
// # Reference
//
// ICAO Doc 9303-10 (logical data structure), ISO/IEC 19794-5 (face image data)
// and Doc 9303-11, 9.2 (SecurityInfos).
package lds

import (
	"fmt"
	"slices"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/iso7816"
)

// Group is a data group, 1 to 16.
type Group int

// The groups that are read here. DG3 and DG4 are fingerprints and irises: they
// take Extended Access Control, and a kiosk never asks for them.
const (
	DG1  Group = 1  // machine-readable zone
	DG2  Group = 2  // face
	DG11 Group = 11 // additional details of the person
	DG14 Group = 14 // keys for Chip Authentication
	DG15 Group = 15 // key for Active Authentication
)

// String returns «DG1».
func (g Group) String() string { return fmt.Sprintf("DG%d", int(g)) }

// tags are the outermost tags of DG1 … DG16 (9303-10, 4.6.1, table 38).
var tags = [...]uint32{
	0x61, 0x75, 0x63, 0x76, 0x65, 0x66, 0x67, 0x68,
	0x69, 0x6A, 0x6B, 0x6C, 0x6D, 0x6E, 0x6F, 0x70,
}

// Tag returns the outermost tag of g's file, 0 for a group that does not exist.
func (g Group) Tag() uint32 {
	if g < 1 || int(g) > len(tags) {
		return 0
	}
	return tags[g-1]
}

// File is a file's identifier on the chip.
type File uint16

// The files (9303-10, 3.11 and 4.6).
const (
	CardAccess File = 0x011C // in the master file, read before anything else
	COM        File = 0x011E
	SOD        File = 0x011D
)

// File returns the identifier of g's file.
func (g Group) File() File { return File(0x0100 + int(g)) }

// String returns the file's name in Doc 9303.
func (f File) String() string {
	switch f {
	case CardAccess:
		return "EF.CardAccess"
	case COM:
		return "EF.COM"
	case SOD:
		return "EF.SOD"
	}
	if g := Group(f - 0x0100); g.Tag() != 0 {
		return "EF." + g.String()
	}
	return fmt.Sprintf("EF.%04X", uint16(f))
}

// Common is EF.COM: which groups there are. It is not signed; what counts is
// the list in EF.SOD.
type Common struct {
	Version string // of the LDS: "0107"
	Groups  []Group
}

// ParseCommon parses EF.COM.
func ParseCommon(b []byte) (Common, error) {
	var c Common
	body, err := Only(b, 0x60)
	if err != nil {
		return c, fmt.Errorf("lds: parse EF.COM: %w", err)
	}
	v, err := iso7816.FindTLV(body, 0x5F01)
	if err != nil {
		return c, fmt.Errorf("lds: parse EF.COM: %w", err)
	}
	if len(v) != 4 || slices.ContainsFunc(v, func(x byte) bool { return x < '0' || x > '9' }) {
		return c, fmt.Errorf("lds: parse EF.COM: version is not four digits: %w", device.ErrProtocol)
	}
	c.Version = string(v)
	list, err := iso7816.FindTLV(body, 0x5C)
	if err != nil {
		return c, fmt.Errorf("lds: parse EF.COM: %w", err)
	}
	for _, x := range list {
		i := slices.Index(tags[:], uint32(x))
		if i < 0 || slices.Contains(c.Groups, Group(i+1)) {
			return c, fmt.Errorf("lds: parse EF.COM: tag %02X is no data group, or twice: %w", x, device.ErrProtocol)
		}
		c.Groups = append(c.Groups, Group(i+1))
	}
	return c, nil
}

// Only returns the value of the one data object in b, which must have that tag.
func Only(b []byte, tag uint32) ([]byte, error) {
	t, rest, err := iso7816.NextTLV(b)
	if err != nil {
		return nil, err
	}
	if t.Tag != tag || len(rest) > 0 {
		return nil, fmt.Errorf("got tag %X with %d bytes after it, want %X alone: %w", t.Tag, len(rest), tag, device.ErrProtocol)
	}
	return t.Value, nil
}
