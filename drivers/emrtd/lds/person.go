package lds

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/iso7816"
	"github.com/penjire/penjire/drivers/mrz"
	"github.com/penjire/penjire/sync/citizen"
)

// ParseZone parses DG1, the machine-readable zone as the issuer signed it. now
// tells the centuries of its years.
func ParseZone(b []byte, now time.Time) (*mrz.Document, error) {
	body, err := Only(b, DG1.Tag())
	if err != nil {
		return nil, fmt.Errorf("lds: parse DG1: %w", err)
	}
	zone, err := Only(body, 0x5F1F)
	if err != nil {
		return nil, fmt.Errorf("lds: parse DG1: %w", err)
	}
	d, err := mrz.Parse(zone, mrz.Opts{Now: now})
	if err != nil {
		return nil, fmt.Errorf("lds: parse DG1: %w: %w", device.ErrProtocol, err)
	}
	return d, nil
}

// Face is the picture of DG2 as it is on the chip. It is not decoded: a decoder
// for JPEG 2000 is a large thing to put in reach of a stranger's card.
type Face struct {
	Type string       // "image/jpeg", "image/jp2" or "image/j2c" (a bare codestream)
	Data citizen.Text // the bytes
}

// Sizes in ISO/IEC 19794-5:2005, 5.4 to 5.7.
const (
	faceHeader  = 14 // FAC\0, version, length, number of faces
	faceInfo    = 20
	facePoint   = 8
	imageInfo   = 12
	pointsField = 4 // where faceInfo has the number of points
)

// ParseFace parses DG2 and returns its first face.
func ParseFace(b []byte) (Face, error) {
	fail := func(what string) (Face, error) {
		return Face{}, fmt.Errorf("lds: parse DG2: %s: %w", what, device.ErrProtocol)
	}
	body, err := Only(b, DG2.Tag())
	if err != nil {
		return Face{}, fmt.Errorf("lds: parse DG2: %w", err)
	}
	for _, tag := range []uint32{0x7F61, 0x7F60} {
		if body, err = iso7816.FindTLV(body, tag); err != nil {
			return Face{}, fmt.Errorf("lds: parse DG2: %w", err)
		}
	}
	record, err := iso7816.FindTLV(body, 0x5F2E)
	if err != nil {
		return fail("no biometric data block in the clear")
	}
	if len(record) < faceHeader || !bytes.HasPrefix(record, []byte("FAC\x00010\x00")) {
		return fail("not a face record of ISO/IEC 19794-5")
	}
	record = record[faceHeader:]
	if len(record) < faceInfo {
		return fail("face is cut off")
	}
	size := int(record[0])<<24 | int(record[1])<<16 | int(record[2])<<8 | int(record[3])
	points := int(record[pointsField])<<8 | int(record[pointsField+1])
	start := faceInfo + points*facePoint + imageInfo
	if size > len(record) || size < start {
		return fail("face says a length that it has not")
	}
	image := record[start:size]
	for _, k := range []struct{ magic, kind string }{
		{"\xFF\xD8\xFF", "image/jpeg"},
		{"\x00\x00\x00\x0CjP  \r\n\x87\n", "image/jp2"},
		{"\xFF\x4F\xFF\x51", "image/j2c"},
	} {
		if bytes.HasPrefix(image, []byte(k.magic)) {
			return Face{k.kind, citizen.NewText(string(image))}, nil
		}
	}
	return fail("picture is neither JPEG nor JPEG 2000")
}

// Details is DG11: what the zone has no room for, in the issuer's own letters.
// Every part may be missing.
type Details struct {
	Name           citizen.Text // whole name; << parts surname from given names, < is a space
	PersonalNumber citizen.Text
	Birth          citizen.Text // YYYYMMDD
	BirthPlace     citizen.Text // parts set off by <
	Address        citizen.Text // likewise
}

// ParseDetails parses DG11. Parts that it does not know are passed over.
func ParseDetails(b []byte) (Details, error) {
	var d Details
	body, err := Only(b, DG11.Tag())
	if err != nil {
		return d, fmt.Errorf("lds: parse DG11: %w", err)
	}
	for len(body) > 0 {
		var t iso7816.TLV
		if t, body, err = iso7816.NextTLV(body); err != nil {
			return d, fmt.Errorf("lds: parse DG11: %w", err)
		}
		var to *citizen.Text
		switch t.Tag {
		case 0x5F0E:
			to = &d.Name
		case 0x5F10:
			to = &d.PersonalNumber
		case 0x5F11:
			to = &d.BirthPlace
		case 0x5F42:
			to = &d.Address
		case 0x5F2B:
			to = &d.Birth
			if len(t.Value) == 4 { // older chips pack the digits
				t.Value = []byte(hex.EncodeToString(t.Value))
			}
			if len(t.Value) != 8 || strings.Trim(string(t.Value), "0123456789") != "" {
				return d, fmt.Errorf("lds: parse DG11: date of birth is not eight digits: %w", device.ErrProtocol)
			}
		default:
			continue
		}
		if !utf8.Valid(t.Value) {
			return d, fmt.Errorf("lds: parse DG11: %X is not UTF-8: %w", t.Tag, device.ErrProtocol)
		}
		*to = citizen.NewText(string(t.Value))
	}
	return d, nil
}
