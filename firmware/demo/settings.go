package demo

import (
	"encoding/json"
	"fmt"

	"github.com/penjire/penjire/sync/catalog"
)

// Addresses are where the parts of a running world find each other.
type Addresses struct {
	Screen string // host:port of the kiosk's screens
	Sync   string // host:port under which the kiosk reaches the portal
	Public string // URL of the portal's public pages
	Frames string // origins whose pages may show the screens in a frame; "" none
	EST    string // host:port where the kiosk gets certificates; "": nowhere
}

// place is where both kiosks stand.
var place = catalog.Text{TK: "Nusga obasy, telemerkez", RU: "Село Нусга, телецентр", EN: "Nusga village, telecentre"}

// WriteSettings writes the kiosk's settings for these addresses.
func (w *World) WriteSettings(a Addresses) error {
	m := map[string]any{
		"kiosk": "K-000001", "place": place,
		"board": "bench", "ports": "ports", "state": "state", "listen": a.Screen,
		"portal": map[string]string{
			"url": "wss://" + a.Sync + "/sync", "public_url": a.Public, "server_name": "portal.specimen",
		},
		"identity":  map[string]string{"cert": "identity.crt", "key": "identity.key"},
		"signing":   map[string]string{"cert": "signing.crt", "key": "signing.key"},
		"roots":     "roots.pem",
		"trust":     "trust.cbor",
		"catalogue": "catalogue.cbor",
	}
	if a.Frames != "" {
		m["frames"] = a.Frames
	}
	return w.keepSettings(m)
}

func (w *World) keepSettings(m map[string]any) error {
	b, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return fmt.Errorf("demo: write settings: %w", err)
	}
	f := files{dir: w.Kiosk()}
	f.write("settings.json", append(b, '\n'))
	if f.err != nil {
		return fmt.Errorf("demo: write settings: %w", f.err)
	}
	return nil
}
