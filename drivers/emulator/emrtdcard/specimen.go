package emrtdcard

import (
	"bytes"
	"crypto/rand"
	"encoding/asn1"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"sync"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/penjire/penjire/drivers/emrtd/curve"
	"github.com/penjire/penjire/drivers/emrtd/lds"
	"github.com/penjire/penjire/drivers/emrtd/sm"
	"github.com/penjire/penjire/drivers/iso7816"
	"github.com/penjire/penjire/drivers/mrz"
)

// Zone is the specimen's zone: Doc 9303's Anna Maria Eriksson of Utopia, with a
// passport that is still in its time.
const Zone = "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<" +
	"L898902C36UTO7408122F3504152ZE184226B<<<<<16"

// CAN is the specimen's card access number.
const CAN = "123456"

// PACEBrainpool is how most passports of today are opened: generic mapping on
// brainpoolP256r1, AES-128.
var PACEBrainpool = Way(sm.AES128, 13)

// Way returns PACE with generic mapping on the curve with that number.
func Way(s sm.Suite, params int) PACE {
	return PACE{asn1.ObjectIdentifier{0, 4, 0, 127, 0, 7, 2, 2, 4, 2, int(s)}, s, params, false}
}

// WayIntegrated is Way with integrated mapping.
func WayIntegrated(s sm.Suite, params int) PACE {
	return PACE{asn1.ObjectIdentifier{0, 4, 0, 127, 0, 7, 2, 2, 4, 4, int(s)}, s, params, true}
}

// Specimen returns a passport with everything: PACE and BAC, Chip
// Authentication, DG1, DG2, DG11, DG14 and EF.SOD, signed by i.
func Specimen(i *Issuer, ways ...PACE) (Profile, error) {
	return SpecimenWith(i, Zone, sm.AES128, ways...)
}

// SpecimenWith is Specimen for another zone, and another suite for Chip
// Authentication.
func SpecimenWith(i *Issuer, zone string, chip sm.Suite, ways ...PACE) (Profile, error) {
	return specimen(i, zone, ways, func(p *Profile) error {
		p.ChipCurve, p.ChipSuite, p.ChipKeyID = curve.ByID(13), chip, 1
		if chip == sm.TDES {
			p.ChipKeyID = -1
		}
		var pub curve.Point
		var err error
		if p.ChipKey, pub, err = p.ChipCurve.NewKey(rand.Reader, p.ChipCurve.G); err != nil {
			return err
		}
		p.Files[lds.DG14.File()] = iso7816.AppendTLV(nil, 0x6E, securityInfos(*p, pub))
		return nil
	})
}

// SpecimenActive is Specimen with Active Authentication in place of Chip
// Authentication, as older passports have it.
func SpecimenActive(i *Issuer, k Kind, ways ...PACE) (Profile, error) {
	return specimen(i, Zone, ways, func(p *Profile) error {
		priv, err := newKey(k)
		if err != nil {
			return err
		}
		if priv.active == nil {
			return fmt.Errorf("keys of kind %d are not for Active Authentication", k)
		}
		p.active = priv.active
		p.Files[lds.DG15.File()] = iso7816.AppendTLV(nil, 0x6F, priv.spki)
		return nil
	})
}

// specimen makes a passport, to which proof adds what the chip proves itself
// with, and has it signed.
func specimen(i *Issuer, zone string, ways []PACE, proof func(p *Profile) error) (Profile, error) {
	fail := func(err error) (Profile, error) { return Profile{}, fmt.Errorf("emrtdcard: specimen: %w", err) }
	doc, err := mrz.Parse([]byte(zone), mrz.Opts{Now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		return fail(err)
	}
	face, err := portrait()
	if err != nil {
		return fail(err)
	}
	details := iso7816.AppendTLV(nil, 0x5C, []byte{0x5F, 0x0E, 0x5F, 0x2B, 0x5F, 0x11})
	details = iso7816.AppendTLV(details, 0x5F0E, []byte("ERIKSSON<<ANNA<MARIÄ"))
	details = iso7816.AppendTLV(details, 0x5F2B, []byte("19740812"))
	details = iso7816.AppendTLV(details, 0x5F11, []byte("ZENITH<UTOPIA"))
	p := Profile{Key: doc.Key().Reveal(), CAN: CAN, BAC: true, PACE: ways, Files: map[lds.File][]byte{
		lds.DG1.File():  iso7816.AppendTLV(nil, 0x61, iso7816.AppendTLV(nil, 0x5F1F, []byte(zone))),
		lds.DG2.File():  faceFile(face),
		lds.DG11.File(): iso7816.AppendTLV(nil, 0x6B, details),
	}}
	if err := proof(&p); err != nil {
		return fail(err)
	}
	var there []byte
	for g := lds.Group(1); g <= 16; g++ {
		if p.Files[g.File()] != nil {
			there = append(there, byte(g.Tag()))
		}
	}
	if p.Files[lds.SOD], err = i.SOD(p.Files); err != nil {
		return fail(err)
	}
	common := iso7816.AppendTLV(nil, 0x5F01, []byte("0107"))
	common = iso7816.AppendTLV(common, 0x5F36, []byte("040000"))
	p.Files[lds.COM] = iso7816.AppendTLV(nil, 0x60, iso7816.AppendTLV(common, 0x5C, there))
	return p, nil
}

// cardAccess is EF.CardAccess for ways.
func cardAccess(ways []PACE) []byte {
	return build(func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) { paceInfos(b, ways) })
	})
}

func paceInfos(b *cryptobyte.Builder, ways []PACE) {
	for _, w := range ways {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(w.OID)
			b.AddASN1Int64(2)
			b.AddASN1Int64(int64(w.Params))
		})
	}
}

// securityInfos is what DG14 holds: what EF.CardAccess has, and the chip's key.
func securityInfos(p Profile, pub curve.Point) []byte {
	arc := func(more ...int) asn1.ObjectIdentifier {
		return append(asn1.ObjectIdentifier{0, 4, 0, 127, 0, 7, 2, 2}, more...)
	}
	return build(func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) {
			paceInfos(b, p.PACE)
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1ObjectIdentifier(arc(3, 2, int(p.ChipSuite)))
				b.AddASN1Int64(1)
				if p.ChipKeyID >= 0 {
					b.AddASN1Int64(int64(p.ChipKeyID))
				}
			})
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1ObjectIdentifier(arc(1, 2))
				b.AddBytes(publicKey(p.ChipCurve, pub, true))
				if p.ChipKeyID >= 0 {
					b.AddASN1Int64(int64(p.ChipKeyID))
				}
			})
		})
	})
}

// portrait is a picture of nobody, in JPEG, as large as one on a chip.
var portrait = sync.OnceValues(func() ([]byte, error) {
	m := image.NewRGBA(image.Rect(0, 0, 240, 320))
	noise := uint32(1)
	for y := range 320 {
		for x := range 240 {
			noise = noise*1664525 + 1013904223
			grain := byte(noise >> 27)
			dx, dy := x-120, (y-150)*3/4
			c := color.RGBA{0xC8 + grain, 0xD4, 0xDC, 0xFF}
			if dx*dx+dy*dy < 70*70 {
				c = color.RGBA{0xB0, 0x8C + grain, 0x60 + grain, 0xFF}
			}
			m.SetRGBA(x, y, c)
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: 80}); err != nil {
		return nil, err
	}
	// The encoder leaves out the JFIF header that readers of passports look for.
	jfif := []byte("\xFF\xD8\xFF\xE0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00")
	return append(jfif, b.Bytes()[2:]...), nil
})

// faceFile is DG2 with one face in a record of ISO/IEC 19794-5.
func faceFile(picture []byte) []byte {
	info := make([]byte, 20+12)
	binary.BigEndian.PutUint32(info, uint32(len(info)+len(picture)))
	info[20] = 1 // full frontal
	binary.BigEndian.PutUint16(info[22:], 240)
	binary.BigEndian.PutUint16(info[24:], 320)
	info[26] = 1 // 24-bit RGB
	record := append([]byte("FAC\x00010\x00"), 0, 0, 0, 0, 0, 1)
	record = append(append(record, info...), picture...)
	binary.BigEndian.PutUint32(record[8:], uint32(len(record)))
	// As most passports have it; libmrtd counts on these very lengths.
	header := iso7816.AppendTLV(nil, 0x81, []byte{2})            // facial features
	header = iso7816.AppendTLV(header, 0x82, []byte{0})          // no subtype
	header = iso7816.AppendTLV(header, 0x87, []byte{0x01, 0x01}) // ISO/IEC JTC 1/SC 37
	header = iso7816.AppendTLV(header, 0x88, []byte{0x00, 0x08}) // face
	one := iso7816.AppendTLV(nil, 0xA1, header)
	one = iso7816.AppendTLV(one, 0x5F2E, record)
	all := iso7816.AppendTLV(nil, 0x02, []byte{1})
	all = iso7816.AppendTLV(all, 0x7F60, one)
	return iso7816.AppendTLV(nil, 0x75, iso7816.AppendTLV(nil, 0x7F61, all))
}
