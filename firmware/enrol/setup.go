// Package enrol brings a kiosk from the set-up that its card was flashed with to
// the certificates that it serves with, and keeps these valid
// (sync/spec/enrol.md, DESIGN 12).
package enrol

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/netip"

	"github.com/penjire/penjire/sync/catalog"
	"github.com/penjire/penjire/sync/enrol"
)

// SetupFile is the name of the set-up: in the root of the small FAT partition of a
// card that was just flashed, and later in the kiosk's folder.
const SetupFile = "setup.json"

// Schema is the version of the set-up's format.
const Schema = "penjire-setup/1"

// Setup is what tells a fresh kiosk who it is, whom it belongs to and how it gets
// there. `penjire flash` writes it, the first boot reads it. It has secrets in it:
// it does not print them, and [Setup.Marshal] is the only way to write them.
type Setup struct {
	Kiosk  string       // its number, which its certificates will carry: K-000123
	Place  catalog.Text // the telecentre, for paper and screen
	Portal Portal
	Roots  string     // PEM: the trust anchors of portal, trust bundle and all else
	Code   enrol.Code // the one-time code; zero: an assistant will be asked for it
	// Network is how it reaches the portal; zero: the first boot asks.
	Network Network
	// Settings are those of the kiosk that are not the defaults, in the form of
	// settings.json; nil: none. What the set-up itself says stands above them.
	Settings json.RawMessage
}

// Portal is where the portal is.
type Portal struct {
	URL        string // for sync: wss://host:port/sync
	EST        string // for certificates: https://host:port; "": they come by memory stick only
	PublicURL  string // of the public pages, for codes on paper; "": https and the URL's host
	ServerName string // in the portal's certificate; "": the URL's host
}

// Kind is a kind of network.
type Kind string

// The kinds of networks.
const (
	Ask      Kind = "" // the first boot asks
	Ethernet Kind = "ethernet"
	WiFi     Kind = "wifi"
	LTE      Kind = "lte"
	Stick    Kind = "none" // there is none: memory sticks are carried
)

// Network is how a kiosk reaches the portal.
type Network struct {
	Kind     Kind
	SSID     string // of the Wi-Fi, up to 32 bytes
	Hidden   bool   // the Wi-Fi does not say its name
	Password Hidden // of the Wi-Fi, or of the LTE access point
	APN      string // of LTE
	User     string // of the LTE access point
	PIN      Hidden // of the SIM
	// Address of an Ethernet or Wi-Fi whose router gives none; zero: DHCP.
	Address netip.Prefix
	Gateway netip.Addr
	DNS     []netip.Addr
}

// Hidden is a secret that does not print itself. The zero value is "".
type Hidden struct{ s *string }

// Hide returns the secret s.
func Hide(s string) Hidden {
	if s == "" {
		return Hidden{}
	}
	return Hidden{&s}
}

// Reveal returns the secret.
func (h Hidden) Reveal() string {
	if h.s == nil {
		return ""
	}
	return *h.s
}

// String implements fmt.Stringer; it hides the secret.
func (h Hidden) String() string {
	if h.s == nil {
		return "(none)"
	}
	return "(hidden)"
}

// GoString implements fmt.GoStringer; it hides the secret.
func (h Hidden) GoString() string { return h.String() }

// LogValue implements slog.LogValuer; it hides the secret.
func (h Hidden) LogValue() slog.Value { return slog.StringValue(h.String()) }

// MarshalText implements encoding.TextMarshaler; it refuses.
func (h Hidden) MarshalText() ([]byte, error) {
	return nil, fmt.Errorf("enrol: a secret is not written by accident")
}

// String implements fmt.Stringer: one line without secrets.
func (s Setup) String() string {
	kind := string(s.Network.Kind)
	if kind == "" {
		kind = "asked for"
	}
	return fmt.Sprintf("kiosk %s of %s, network %s, %v", s.Kiosk, s.Portal.URL, kind, s.Code)
}

// GoString implements fmt.GoStringer.
func (s Setup) GoString() string { return s.String() }

// LogValue implements slog.LogValuer.
func (s Setup) LogValue() slog.Value { return slog.StringValue(s.String()) }
