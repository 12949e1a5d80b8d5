package network

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/godbus/dbus/v5"

	"github.com/penjire/penjire/firmware/enrol"
)

// Lock is how a wireless network is locked.
type Lock string

// The locks. Enterprise networks ask for more than a password; a kiosk joins none.
const (
	Unlocked   Lock = "open"
	Password   Lock = "password"
	PasswordW3 Lock = "password-wpa3"
	Enterprise Lock = "enterprise"
	Outdated   Lock = "outdated" // WEP: everybody can read along
)

// Network is a wireless network in reach.
type Network struct {
	SSID     string
	Strength int // percent
	Lock     Lock
}

// Scan asks for a new look. It is not waited for: look again with [Manager.Networks].
func (m *Manager) Scan(ctx context.Context) error {
	d, err := m.find(ctx, enrol.WiFi)
	if err != nil {
		return err
	}
	return m.call(ctx, d.path, ".Device.Wireless.RequestScan", nil, map[string]dbus.Variant{})
}

// Networks returns the wireless networks in reach, the strongest first, each once. One
// without a name or with a name that no screen can show is left out.
func (m *Manager) Networks(ctx context.Context) ([]Network, error) {
	points, err := m.points(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]Network, 0, len(points))
	for _, p := range points {
		out = append(out, p.Network)
	}
	return out, nil
}

// point is the strongest access point of a network.
type point struct {
	Network
	path dbus.ObjectPath
}

func (m *Manager) points(ctx context.Context) ([]point, error) {
	d, err := m.find(ctx, enrol.WiFi)
	if err != nil {
		return nil, err
	}
	var paths []dbus.ObjectPath
	if err := m.call(ctx, d.path, ".Device.Wireless.GetAllAccessPoints", []any{&paths}); err != nil {
		return nil, err
	}
	best := map[string]point{}
	for _, p := range paths {
		n, err := m.accessPoint(ctx, p)
		if err != nil {
			continue // it went out of reach meanwhile
		}
		if showable(n.SSID) && (best[n.SSID].SSID == "" || n.Strength > best[n.SSID].Strength) {
			best[n.SSID] = point{n, p}
		}
	}
	return slices.SortedFunc(maps.Values(best), func(a, b point) int {
		return cmp.Or(b.Strength-a.Strength, strings.Compare(a.SSID, b.SSID))
	}), nil
}

func (m *Manager) accessPoint(ctx context.Context, p dbus.ObjectPath) (n Network, err error) {
	var ssid []byte
	var strength byte
	var flags, wpa, rsn uint32
	for name, v := range map[string]any{"Ssid": &ssid, "Strength": &strength, "Flags": &flags, "WpaFlags": &wpa, "RsnFlags": &rsn} {
		if err := m.get(ctx, p, ".AccessPoint", name, v); err != nil {
			return Network{}, err
		}
	}
	return Network{string(ssid), int(min(strength, 100)), lockOf(flags, wpa, rsn)}, nil
}

// The flags of access points (NM80211ApFlags, NM80211ApSecurityFlags).
const (
	apPrivacy   = 0x1
	keyPSK      = 0x100
	keyEAP      = 0x200
	keySAE      = 0x400
	keyOWE      = 0x800
	keyEAPSuite = 0x2000
)

func lockOf(flags, wpa, rsn uint32) Lock {
	all := wpa | rsn
	switch {
	case all&keyPSK != 0:
		return Password
	case all&keySAE != 0:
		return PasswordW3
	case all&(keyEAP|keyEAPSuite) != 0:
		return Enterprise
	case all&keyOWE != 0:
		return Unlocked
	case flags&apPrivacy != 0:
		return Outdated
	}
	return Unlocked
}

// showable reports whether a name can be shown on a screen: names are 32 bytes of
// anything.
func showable(ssid string) bool {
	return ssid != "" && len(ssid) <= 32 && utf8.ValidString(ssid) && !strings.ContainsFunc(ssid, func(r rune) bool { return !unicode.IsPrint(r) })
}
