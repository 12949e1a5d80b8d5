package lds_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/emrtd/curve"
	"github.com/penjire/penjire/drivers/emrtd/lds"
	"github.com/penjire/penjire/drivers/emrtd/sm"
	"github.com/penjire/penjire/drivers/emulator/emrtdcard"
	"github.com/penjire/penjire/drivers/iso7816"
)

var now = time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatalf("decode %q: %v", s, err)
	}
	return b
}

// specimen is a card's files.
func specimen(t testing.TB, ways ...emrtdcard.PACE) *emrtdcard.Card {
	t.Helper()
	i, err := emrtdcard.NewIssuer(emrtdcard.IssuerOpts{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := emrtdcard.Specimen(i, ways...)
	if err != nil {
		t.Fatal(err)
	}
	return emrtdcard.New(p)
}

// TestCommon is EF.COM of Doc 9303-11, appendix D.4, and worse ones.
func TestCommon(t *testing.T) {
	got, err := lds.ParseCommon(unhex(t, "60145F0104303130365F36063034303030305C026175"))
	if err != nil || got.Version != "0106" || !slices.Equal(got.Groups, []lds.Group{lds.DG1, lds.DG2}) {
		t.Errorf("ParseCommon = %+v, %v, want 0106 with DG1 and DG2", got, err)
	}
	for name, bad := range map[string]string{
		"empty":            "",
		"another tag":      "61145F0104303130365F36063034303030305C026175",
		"bytes after it":   "60145F0104303130365F36063034303030305C02617500",
		"no version":       "600D5F36063034303030305C026175",
		"version in words": "60145F0104303130415F36063034303030305C026175",
		"no list":          "60105F0104303130365F3606303430303030",
		"no such group":    "60145F0104303130365F36063034303030305C026177",
		"a group twice":    "60145F0104303130365F36063034303030305C026161",
	} {
		if got, err := lds.ParseCommon(unhex(t, bad)); !errors.Is(err, device.ErrProtocol) {
			t.Errorf("%s: ParseCommon = %+v, %v, want ErrProtocol", name, got, err)
		}
	}
}

func TestNames(t *testing.T) {
	for f, want := range map[lds.File]string{
		lds.CardAccess: "EF.CardAccess", lds.COM: "EF.COM", lds.SOD: "EF.SOD", lds.DG11.File(): "EF.DG11", 0x3F00: "EF.3F00", 0x0111: "EF.0111",
	} {
		if got := f.String(); got != want {
			t.Errorf("String = %s, want %s", got, want)
		}
	}
	if lds.Group(0).Tag() != 0 || lds.Group(17).Tag() != 0 || lds.Group(16).Tag() != 0x70 {
		t.Error("tags of groups that do not exist")
	}
}

// TestSecurity is EF.CardAccess as in Doc 9303-11, appendix G.1, and of cards
// that offer more.
func TestSecurity(t *testing.T) {
	s, err := lds.ParseSecurity(unhex(t, "31143012060A04007F0007020204020202010202010D"))
	if err != nil || len(s.PACE) != 1 || s.PACE[0].Params != 13 || s.PACE[0].Suite != sm.AES128 || s.PACE[0].Mapping != lds.Generic || s.PACE[0].DH {
		t.Errorf("ParseSecurity = %+v, %v, want generic mapping with AES-128 on 13", s, err)
	}
	s, err = lds.ParseSecurity(unhex(t, "31283012060a04007f000702020402040201020201103012060a04007f00070202040604020102020110"))
	if err != nil || len(s.PACE) != 2 || s.PACE[1].Mapping != lds.ChipAuth || s.PACE[1].Suite != sm.AES256 {
		t.Errorf("ParseSecurity = %+v, %v, want chip authentication mapping with AES-256", s, err)
	}
	// Over a field, integrated mapping, something else, Active Authentication.
	s, err = lds.ParseSecurity(unhex(t, "3143"+
		"3012060A04007F00070202040102020102020100"+"3012060A04007F0007020204040202010202010D"+
		"3009060403020100020101"+"300E06066781080101050201010201ff"))
	if err != nil || len(s.PACE) != 2 || !s.PACE[0].DH || s.PACE[1].Mapping != lds.Integrated || s.OtherEntries != 1 || !s.ActiveAuth {
		t.Errorf("ParseSecurity = %+v, %v, want four entries understood", s, err)
	}
	for _, bad := range []string{"", "3000", "3103300100", "31023000", "31143012060A04007F0007020204020202010202010D00"} {
		if got, err := lds.ParseSecurity(unhex(t, bad)); !errors.Is(err, device.ErrProtocol) {
			t.Errorf("ParseSecurity(%s) = %+v, %v, want ErrProtocol", bad, got, err)
		}
	}
	got, err := lds.ParseDG14(specimen(t, emrtdcard.PACEBrainpool).File(lds.DG14.File()))
	if err != nil || len(got.Keys) != 1 || got.Keys[0].Curve != curve.ByID(13) || got.Keys[0].ID != 1 ||
		len(got.Protocols) != 1 || got.Protocols[0].Suite != sm.AES128 || got.Protocols[0].KeyID != 1 || len(got.PACE) != 1 {
		t.Errorf("ParseDG14 = %+v, %v, want one key, one protocol and PACE", got, err)
	}
}

func TestFace(t *testing.T) {
	dg2 := specimen(t).File(lds.DG2.File())
	f, err := lds.ParseFace(dg2)
	if err != nil || f.Type != "image/jpeg" || !bytes.HasSuffix(dg2, []byte(f.Data.Reveal())) {
		t.Fatalf("ParseFace = %+v, %v, want the JPEG at the end", f, err)
	}
	jpeg := f.Data.Reveal()
	for magic, want := range map[string]string{"\x00\x00\x00\x0CjP  \r\n\x87\n": "image/jp2", "\xFF\x4F\xFF\x51": "image/j2c"} {
		b := bytes.Replace(dg2, []byte(jpeg[:len(magic)]), []byte(magic), 1)
		if f, err := lds.ParseFace(b); err != nil || f.Type != want {
			t.Errorf("ParseFace = %+v, %v, want %s", f, err, want)
		}
	}
	for name, change := range map[string]func(b []byte) []byte{
		"cut off":          func(b []byte) []byte { return b[:len(b)-1] },
		"another format":   func(b []byte) []byte { return bytes.Replace(b, []byte("FAC"), []byte("FIR"), 1) },
		"a GIF":            func(b []byte) []byte { return bytes.Replace(b, []byte(jpeg[:4]), []byte("GIF8"), 1) },
		"DG1 in its place": func([]byte) []byte { return []byte{0x61, 0} },
		"too many points": func(b []byte) []byte {
			at := bytes.Index(b, []byte("FAC\x00")) + 14 + 4
			b[at], b[at+1] = 0xFF, 0xFF
			return b
		},
		"too long": func(b []byte) []byte {
			at := bytes.Index(b, []byte("FAC\x00")) + 14
			b[at] = 0x7F
			return b
		},
	} {
		if f, err := lds.ParseFace(change(bytes.Clone(dg2))); !errors.Is(err, device.ErrProtocol) {
			t.Errorf("%s: ParseFace = %+v, %v, want ErrProtocol", name, f, err)
		}
	}
}

// TestFaceInObjects: newer documents have the picture in data objects, with a
// good deal around it.
func TestFaceInObjects(t *testing.T) {
	wrap := func(b []byte, tags ...uint32) []byte {
		for _, tag := range tags {
			b = iso7816.AppendTLV(iso7816.AppendTLV(nil, 0x80, []byte{3}), tag, b)
		}
		return b
	}
	jpeg := []byte("\xFF\xD8\xFF\xE0 a picture")
	// DG2, template, one of it, objects; face data, blocks, a block, image, in two dimensions, its data.
	inside := wrap(iso7816.AppendTLV(nil, 0x80, jpeg), 0xA0, 0xA1, 0x30, 0xA1, 0x65, 0xA1)
	dg2 := func(inside []byte) []byte {
		one := append(iso7816.AppendTLV(nil, 0xA1, nil), iso7816.AppendTLV(nil, 0x7F2E, inside)...)
		all := append([]byte{0x02, 0x01, 0x01}, iso7816.AppendTLV(nil, 0x7F60, one)...)
		return iso7816.AppendTLV(nil, 0x75, iso7816.AppendTLV(nil, 0x7F61, all))
	}
	if f, err := lds.ParseFace(dg2(inside)); err != nil || f.Type != "image/jpeg" || f.Data.Reveal() != string(jpeg) {
		t.Errorf("ParseFace = %+v, %v, want the picture", f, err)
	}
	deep := iso7816.AppendTLV(nil, 0x80, jpeg)
	for range 40 {
		deep = iso7816.AppendTLV(nil, 0x30, deep)
	}
	for name, b := range map[string][]byte{"none": wrap([]byte{0x80, 1, 0}, 0xA1), "too deep": deep, "cut off": {0xA1, 9, 0x80}, "nothing": nil} {
		if f, err := lds.ParseFace(dg2(b)); !errors.Is(err, device.ErrProtocol) {
			t.Errorf("%s: ParseFace = %+v, %v, want ErrProtocol", name, f, err)
		}
	}
}

func TestZone(t *testing.T) {
	dg1 := specimen(t).File(lds.DG1.File())
	if d, err := lds.ParseZone(dg1, now); err != nil || d.Number.Reveal() != "L898902C3" {
		t.Errorf("ParseZone = %v, want the specimen's", err)
	}
	bad := bytes.Replace(dg1, []byte("7408122"), []byte("7408123"), 1)
	if _, err := lds.ParseZone(bad, now); !errors.Is(err, device.ErrProtocol) || strings.Contains(err.Error(), "7408") {
		t.Errorf("ParseZone with a wrong digit = %v, want ErrProtocol and no contents", err)
	}
}

func TestDetails(t *testing.T) {
	wrap := func(tag uint32, v string) []byte {
		return iso7816.AppendTLV(nil, 0x6B, iso7816.AppendTLV(iso7816.AppendTLV(nil, 0x5C, nil), tag, []byte(v)))
	}
	d, err := lds.ParseDetails(wrap(0x5F2B, "\x19\x74\x08\x12")) // packed, as older chips have it
	if err != nil || d.Birth.Reveal() != "19740812" {
		t.Errorf("ParseDetails = %v, want the date", err)
	}
	if d, err := lds.ParseDetails(wrap(0x5F42, "Aşgabat<Görogly köçesi 1")); err != nil || d.Address.Reveal() != "Aşgabat<Görogly köçesi 1" {
		t.Errorf("ParseDetails = %v, want the address", err)
	}
	for _, bad := range [][]byte{wrap(0x5F2B, "1974081"), wrap(0x5F2B, "\xFF\xFF\xFF\xFF"), wrap(0x5F0E, "\xFF\xFE"), {0x6B, 2, 0x5F, 0x0E}} {
		if _, err := lds.ParseDetails(bad); !errors.Is(err, device.ErrProtocol) {
			t.Errorf("ParseDetails(%x) = %v, want ErrProtocol", bad, err)
		}
	}
}

// FuzzFiles gives every parser the same bytes: none may panic, none may fail
// with another error, and none may show what it read.
func FuzzFiles(f *testing.F) {
	c := specimen(f, emrtdcard.PACEBrainpool)
	for _, file := range []lds.File{lds.COM, lds.CardAccess, lds.DG1.File(), lds.DG11.File(), lds.DG14.File()} {
		f.Add(c.File(file))
	}
	f.Add(c.File(lds.DG2.File())[:400])
	f.Add(unhex(f, "60145F0104303130365F36063034303030305C026175"))
	f.Fuzz(func(t *testing.T, b []byte) {
		_, e1 := lds.ParseCommon(b)
		_, e2 := lds.ParseSecurity(b)
		_, e3 := lds.ParseZone(b, now)
		_, e4 := lds.ParseFace(b)
		_, e5 := lds.ParseDetails(b)
		_, e6 := lds.ParseDG14(b)
		for _, err := range []error{e1, e2, e3, e4, e5, e6} {
			if err != nil && !errors.Is(err, device.ErrProtocol) {
				t.Errorf("parse %x: %v, want ErrProtocol", b, err)
			}
		}
	})
}
