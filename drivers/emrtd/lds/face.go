package lds

import (
	"bytes"
	"fmt"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/iso7816"
	"github.com/penjire/penjire/sync/citizen"
)

// Face is the picture of DG2 as it is on the chip. It is not decoded: a decoder
// for JPEG 2000 is a large thing to put in reach of a stranger's card.
type Face struct {
	Type string       // "image/jpeg", "image/jp2" or "image/j2c" (a bare codestream)
	Data citizen.Text // the bytes
}

// kinds are the pictures that a passport may have, by their first bytes.
var kinds = []struct{ magic, kind string }{
	{"\xFF\xD8\xFF", "image/jpeg"},
	{"\x00\x00\x00\x0CjP  \r\n\x87\n", "image/jp2"},
	{"\xFF\x4F\xFF\x51", "image/j2c"},
}

// picture returns b as a Face, if it begins as one of kinds.
func picture(b []byte) (Face, bool) {
	for _, k := range kinds {
		if bytes.HasPrefix(b, []byte(k.magic)) {
			return Face{k.kind, citizen.NewText(string(b))}, true
		}
	}
	return Face{}, false
}

// Biometric data blocks in the clear: as bytes (ISO/IEC 19794-5), or as data
// objects, which issuers have been moving to since 2026 (ISO/IEC 39794-5).
const (
	tagBlock   = 0x5F2E
	tagObjects = 0x7F2E
)

// ParseFace parses DG2 and returns its first face.
func ParseFace(b []byte) (Face, error) {
	body, err := Only(b, DG2.Tag())
	if err != nil {
		return Face{}, fmt.Errorf("lds: parse DG2: %w", err)
	}
	for _, tag := range []uint32{0x7F61, 0x7F60} {
		if body, err = iso7816.FindTLV(body, tag); err != nil {
			return Face{}, fmt.Errorf("lds: parse DG2: %w", err)
		}
	}
	if record, err := iso7816.FindTLV(body, tagBlock); err == nil {
		return parseRecord(record)
	}
	if objects, err := iso7816.FindTLV(body, tagObjects); err == nil {
		if f, ok := search(objects, 0); ok {
			return f, nil
		}
		return badFace("no picture among its data objects")
	}
	return badFace("no biometric data block in the clear")
}

func badFace(what string) (Face, error) {
	return Face{}, fmt.Errorf("lds: parse DG2: %s: %w", what, device.ErrProtocol)
}

// Sizes in ISO/IEC 19794-5:2005, 5.4 to 5.7.
const (
	faceHeader  = 14 // FAC\0, version, length, number of faces
	faceInfo    = 20
	facePoint   = 8
	imageInfo   = 12
	pointsField = 4 // where faceInfo has the number of points
)

// parseRecord takes the first face out of a record of ISO/IEC 19794-5.
func parseRecord(record []byte) (Face, error) {
	if len(record) < faceHeader || !bytes.HasPrefix(record, []byte("FAC\x00010\x00")) {
		return badFace("not a face record of ISO/IEC 19794-5")
	}
	record = record[faceHeader:]
	if len(record) < faceInfo {
		return badFace("face is cut off")
	}
	size := int(record[0])<<24 | int(record[1])<<16 | int(record[2])<<8 | int(record[3])
	points := int(record[pointsField])<<8 | int(record[pointsField+1])
	start := faceInfo + points*facePoint + imageInfo
	if size < start || size > len(record) {
		return badFace("face says a length that it has not")
	}
	f, ok := picture(record[start:size])
	if !ok {
		return badFace("picture is neither JPEG nor JPEG 2000")
	}
	return f, nil
}

// deepest bounds how far data objects are looked into; ISO/IEC 39794-5 has the
// picture at the tenth level.
const deepest = 16

// search returns the first picture among data objects inside one another. Of the
// many objects of ISO/IEC 39794-5 nothing else is wanted here, and a picture
// tells what it is by itself.
func search(b []byte, depth int) (Face, bool) {
	for len(b) > 0 && depth < deepest {
		constructed := b[0]&0x20 != 0
		t, rest, err := iso7816.NextTLV(b)
		if err != nil {
			return Face{}, false
		}
		if !constructed {
			if f, ok := picture(t.Value); ok {
				return f, true
			}
		} else if f, ok := search(t.Value, depth+1); ok {
			return f, true
		}
		b = rest
	}
	return Face{}, false
}
