package lds

import (
	"encoding/asn1"
	"fmt"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/emrtd/curve"
	"github.com/penjire/penjire/drivers/emrtd/sm"
)

// Mapping is how PACE makes a new generator out of the password's nonce.
type Mapping int

// The mappings (9303-11, 9.5). Chip authentication mapping is generic mapping
// with a proof added.
const (
	Generic    Mapping = 1
	Integrated Mapping = 2
	ChipAuth   Mapping = 3
)

// PACE is one way in which the chip offers PACE.
type PACE struct {
	OID     asn1.ObjectIdentifier
	DH      bool // over a field instead of a curve
	Mapping Mapping
	Suite   sm.Suite
	Params  int // standardized domain parameters; -1: not said
}

// ChipKey is a key with which the chip proves that it is no copy.
type ChipKey struct {
	curve.Key
	ID int // -1: it has none
}

// ChipProtocol is a protocol for Chip Authentication.
type ChipProtocol struct {
	OID   asn1.ObjectIdentifier
	DH    bool
	Suite sm.Suite
	KeyID int // -1: it has none
}

// Security is what the chip says of its own protection, in EF.CardAccess and
// DG14. What is in EF.CardAccess is not signed.
type Security struct {
	PACE         []PACE
	Protocols    []ChipProtocol
	Keys         []ChipKey
	UnknownKeys  int // keys of kinds that are not known here: over a field, or on another curve
	ActiveAuth   bool
	OtherEntries int
}

// bsi is the arc of BSI's protocols: 0.4.0.127.0.7.2.2.
var bsi = asn1.ObjectIdentifier{0, 4, 0, 127, 0, 7, 2, 2}

// oidActiveAuth is id-icao-mrtd-security-aaProtocolObject.
var oidActiveAuth = asn1.ObjectIdentifier{2, 23, 136, 1, 1, 5}

// ParseSecurity parses a SET OF SecurityInfo: all of EF.CardAccess, or what DG14
// holds (9303-11, 9.2). Entries that it does not know are counted.
func ParseSecurity(der []byte) (Security, error) {
	var s Security
	var set []asn1.RawValue
	if rest, err := asn1.UnmarshalWithParams(der, &set, "set"); err != nil || len(rest) > 0 {
		return s, fmt.Errorf("lds: parse security infos: not a set: %w", device.ErrProtocol)
	}
	for _, e := range set {
		if err := s.entry(e.FullBytes); err != nil {
			return s, fmt.Errorf("lds: parse security infos: %w", err)
		}
	}
	return s, nil
}

// ParseDG14 parses DG14.
func ParseDG14(b []byte) (Security, error) {
	body, err := Only(b, DG14.Tag())
	if err != nil {
		return Security{}, fmt.Errorf("lds: parse DG14: %w", err)
	}
	return ParseSecurity(body)
}

// ParseDG15 returns the SubjectPublicKeyInfo in DG15.
func ParseDG15(b []byte) ([]byte, error) {
	body, err := Only(b, DG15.Tag())
	if err != nil {
		return nil, fmt.Errorf("lds: parse DG15: %w", err)
	}
	return body, nil
}

func (s *Security) entry(der []byte) error {
	var e struct {
		OID      asn1.ObjectIdentifier
		Required asn1.RawValue
		Optional asn1.RawValue `asn1:"optional"`
	}
	if rest, err := asn1.Unmarshal(der, &e); err != nil || len(rest) > 0 {
		return fmt.Errorf("an entry is not a SecurityInfo: %w", device.ErrProtocol)
	}
	if e.OID.Equal(oidActiveAuth) {
		s.ActiveAuth = true
		return nil
	}
	if len(e.OID) <= len(bsi)+1 || !e.OID[:len(bsi)].Equal(bsi) {
		s.OtherEntries++
		return nil
	}
	arc := e.OID[len(bsi):]
	number := func(v asn1.RawValue) (int, bool) {
		var n int
		rest, err := asn1.Unmarshal(v.FullBytes, &n)
		return n, err == nil && len(rest) == 0 && n >= 0
	}
	id := -1
	if len(e.Optional.FullBytes) > 0 {
		n, ok := number(e.Optional)
		if !ok {
			s.OtherEntries++ // of a kind that has something else there
			return nil
		}
		id = n
	}
	_, versioned := number(e.Required)
	switch {
	case len(arc) == 2 && arc[0] == 1: // key for Chip Authentication
		k, err := curve.ParseKey(e.Required.FullBytes)
		if err != nil {
			s.UnknownKeys++
			return nil
		}
		s.Keys = append(s.Keys, ChipKey{k, id})
	case len(arc) == 3 && arc[0] == 3 && (arc[1] == 1 || arc[1] == 2) && suite(arc[2]) != 0 && versioned:
		s.Protocols = append(s.Protocols, ChipProtocol{e.OID, arc[1] == 1, suite(arc[2]), id})
	case len(arc) == 3 && arc[0] == 4 && arc[1] >= 1 && arc[1] <= 6 && arc[1] != 5 && suite(arc[2]) != 0 && versioned:
		m := map[int]Mapping{1: Generic, 2: Generic, 3: Integrated, 4: Integrated, 6: ChipAuth}[arc[1]]
		s.PACE = append(s.PACE, PACE{e.OID, arc[1] == 1 || arc[1] == 3, m, suite(arc[2]), id})
	default:
		s.OtherEntries++
	}
	return nil
}

// suite is the cipher of the last arc, 0 for none.
func suite(arc int) sm.Suite {
	if arc >= 1 && arc <= 4 {
		return sm.Suite(arc) // 3DES, AES-128, AES-192, AES-256, in that order
	}
	return 0
}
