package lds

import (
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
