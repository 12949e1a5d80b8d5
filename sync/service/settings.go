package service

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/penjire/penjire/sync/edoc/cms"
	"github.com/penjire/penjire/sync/edoc/dcbor"
	"github.com/penjire/penjire/sync/edoc/trust"
)

// KindSettings is the kind of a kiosk's settings as a signed object (package trust).
const KindSettings = "kiosk-settings"

// MaxSettings is the size of what they say; MaxSignedSettings with the signature.
const (
	MaxSettings       = 8 << 10
	MaxSignedSettings = 24 << 10
)

// Settings are what the portal's operator sets on one kiosk from afar
// (sync/spec/wire.md, section 5b).
type Settings struct {
	Kiosk   string
	Version uint64 // a kiosk takes none that is not above the last it took
	Issued  time.Time
	// Values is a JSON object, all of what is set from afar: what a newer one does not
	// name is as the kiosk was set up. Which names there are is the kiosk's.
	Values []byte
}

type wireSettings struct {
	Kiosk   string `cbor:"1,keyasint"`
	Version uint64 `cbor:"2,keyasint"`
	Issued  int64  `cbor:"3,keyasint"`
	Values  []byte `cbor:"4,keyasint"`
}

// ErrSettings is wrapped where settings are none, are signed by nobody who may, or are
// another kiosk's.
var ErrSettings = errors.New("service: these are no settings for this kiosk")

func (s Settings) valid() error {
	switch {
	case !kiosks.MatchString(s.Kiosk):
		return errors.New("they name no kiosk")
	case s.Version == 0 || s.Version > 1<<53 || s.Issued.Unix() <= 0:
		return fmt.Errorf("version %d", s.Version)
	}
	_, err := object(s.Values)
	return err
}

// Sign returns the settings as a signed object. by is a portal's.
func (s Settings) Sign(by cms.Signer) ([]byte, error) {
	if err := s.valid(); err != nil {
		return nil, fmt.Errorf("service: sign settings: %w", err)
	}
	payload, err := dcbor.Marshal(wireSettings{s.Kiosk, s.Version, s.Issued.Unix(), s.Values})
	if err != nil {
		return nil, fmt.Errorf("service: sign settings: %w", err)
	}
	return trust.SignObjectAt(KindSettings, payload, by, s.Issued)
}

// OpenSettings reads signed settings for kiosk: ErrSettings. Whether they are newer
// than the last ones only the kiosk knows.
func OpenSettings(signed []byte, b *trust.Bundle, kiosk string) (Settings, error) {
	if len(signed) > MaxSignedSettings {
		return Settings{}, fmt.Errorf("%w: they have %d bytes", ErrSettings, len(signed))
	}
	payload, _, err := trust.OpenObject(KindSettings, signed, b)
	if err != nil {
		return Settings{}, fmt.Errorf("%w: %w", ErrSettings, err)
	}
	s, err := readSettings(payload)
	if err == nil && s.Kiosk != kiosk {
		err = fmt.Errorf("they are for %s", s.Kiosk)
	}
	if err != nil {
		return Settings{}, fmt.Errorf("%w: %w", ErrSettings, err)
	}
	return s, nil
}

func readSettings(payload []byte) (Settings, error) {
	var w wireSettings
	if err := dcbor.Unmarshal(payload, &w); err != nil {
		return Settings{}, err
	}
	s := Settings{w.Kiosk, w.Version, time.Unix(w.Issued, 0).UTC(), w.Values}
	return s, s.valid()
}

// CheckValues says whether b can be what settings say: a JSON object that is not too
// large.
func CheckValues(b []byte) error {
	_, err := object(b)
	return err
}

// Merge puts values together, the later over the earlier: what both name is the
// later's, and objects are put together name by name. The result is one encoding.
func Merge(layers ...[]byte) ([]byte, error) {
	all := map[string]any{}
	for _, l := range layers {
		o, err := object(l)
		if err != nil {
			return nil, err
		}
		merge(all, o)
	}
	b, err := json.Marshal(all)
	if err == nil {
		_, err = object(b)
	}
	return b, err
}

func merge(into, from map[string]any) {
	for k, v := range from {
		a, both := into[k].(map[string]any)
		if b, ok := v.(map[string]any); ok && both {
			merge(a, b)
			continue
		}
		into[k] = v
	}
}

// object reads a JSON object; numbers stay as they are written.
func object(b []byte) (map[string]any, error) {
	if len(b) > MaxSettings {
		return nil, fmt.Errorf("settings of %d bytes, at most %d", len(b), MaxSettings)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var o map[string]any
	if err := d.Decode(&o); err != nil {
		return nil, fmt.Errorf("settings are no JSON object: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) || o == nil {
		return nil, errors.New("settings are no JSON object")
	}
	return o, nil
}

// names are those of wire.md, section 5b, and what is inside; nil: not looked into.
var names = map[string][]string{
	"log_level": nil, "phone": nil, "night": {"from", "to"}, "power": {"profile"},
	"update": {"ring", "quiet", "windows", "bytes_per_day", "every_h"}, "sync": {"windows", "bytes_per_day"},
}

// UnknownNames returns the names in values that this software does not know, in order: a
// typing error, or what only newer kiosks have. For values that are none it is nil.
func UnknownNames(values []byte) (out []string) {
	o, err := object(values)
	if err != nil {
		return nil
	}
	for k, v := range o {
		in, known := names[k]
		if !known {
			out = append(out, k)
		}
		if m, ok := v.(map[string]any); ok && in != nil {
			for name := range m {
				if !slices.Contains(in, name) {
					out = append(out, k+"."+name)
				}
			}
		}
	}
	slices.Sort(out)
	return out
}
